import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inTime, inTimeOrThrow } from '../../../src/queue/patience.ts'

const never = new Promise<string>(() => undefined)
const late = () => new Error('too late')

test('what comes in time is passed on, also an error', async () => {
  expect(await inTime(Promise.resolve(1), 60_000)).toBe(1)
  expect(await inTimeOrThrow(Promise.resolve(1), 60_000, late)).toBe(1)
  await expect(inTime(Promise.reject(new Error('no')), 60_000)).rejects.toThrow('no')
  await expect(inTimeOrThrow(Promise.reject(new Error('no')), 60_000, late)).rejects.toThrow('no')
})

test('what does not come in time is late', async () => {
  expect(await inTime(never, 1)).toBe('late')
  await expect(inTimeOrThrow(never, 1, late)).rejects.toThrow('too late')
})

test('an error that comes later is nobody’s any more', async () => {
  const { promise, reject } = Promise.withResolvers<string>()
  expect(await inTime(promise, 1)).toBe('late')
  // Vitest fails a run in which a rejection was not handled.
  reject(new Error('much later'))
  await sleep(1)
})
