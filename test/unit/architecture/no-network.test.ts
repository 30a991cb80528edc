import { connect } from 'node:net'
import { expect, test } from 'vitest'

test('a unit test cannot open a connection', async () => {
  const refusal = 'a unit test tried to open a network connection'
  expect(() => connect(49999, '127.0.0.1')).toThrow(refusal)
  await expect(fetch('http://127.0.0.1:49999/')).rejects.toMatchObject({ cause: { message: refusal } })
})
