import { expect, test } from 'vitest'
import { remembered } from '../../../src/server/remembered.ts'

function counting(answer: (call: number) => Promise<string>, stale = 1_000) {
  const world = { now: 0, calls: 0 }
  const ask = remembered(
    () => answer((world.calls += 1)),
    () => world.now,
    { fresh: 1_000, stale },
  )
  return { world, ask }
}

test('many who ask together, or soon after each other, get one answer', async () => {
  const { world, ask } = counting(async (call) => `answer ${call}`)
  expect(await Promise.all([ask(), ask()])).toEqual(['answer 1', 'answer 1'])
  world.now = 1_000
  expect(await ask()).toBe('answer 1')
  expect(world.calls).toBe(1)
})

test('an answer that has grown old is asked for again', async () => {
  const { world, ask } = counting(async (call) => `answer ${call}`)
  await ask()
  world.now = 1_001
  expect(await ask()).toBe('answer 2')
})

test('a failure is not remembered', async () => {
  const { ask } = counting((call) => (call === 1 ? Promise.reject(new Error('down')) : Promise.resolve('up')))
  await expect(ask()).rejects.toThrow('down')
  expect(await ask()).toBe('up')
})

test('a failure that comes late does not take away the newer answer', async () => {
  const { promise, reject } = Promise.withResolvers<string>()
  const { world, ask } = counting((call) => (call === 1 ? promise : Promise.resolve(`answer ${call}`)))
  const first = ask()
  world.now = 2_000
  await ask()
  reject(new Error('too late'))
  await expect(first).rejects.toThrow('too late')
  expect(await ask()).toBe('answer 2')
})

test('an answer that may be a little old is given at once, while a new one is asked for behind it', async () => {
  const { world, ask } = counting(async (call) => `answer ${call}`, 5_000)
  await ask()
  world.now = 4_000
  expect(await ask()).toBe('answer 1')
  expect(await ask()).toBe('answer 2')
  world.now = 9_001
  expect(await ask()).toBe('answer 3')
})
