import { expect, test } from 'vitest'
import { inTurns } from '../../../../src/server/daemon/turns.ts'

function slow() {
  const ends: (() => void)[] = []
  const turns = inTurns(() => new Promise((resolve) => void ends.push(resolve)))
  const end = async (index: number) => {
    ends[index]?.()
    await new Promise(setImmediate)
  }
  return { turns, end, begun: () => ends.length }
}

test('whoever asks while it runs gets one more turn, together with all others', async () => {
  const { turns, end, begun } = slow()
  const told: string[] = []
  void turns.ask().then(() => told.push('first'))
  void turns.ask().then(() => told.push('second'))
  void turns.ask().then(() => told.push('third'))
  expect(begun()).toBe(1)
  await end(0)
  expect([begun(), told]).toEqual([2, ['first']])
  void turns.ask().then(() => told.push('fourth'))
  await end(1)
  expect([begun(), told]).toEqual([3, ['first', 'second', 'third']])
  await end(2)
  expect([begun(), told.at(-1)]).toEqual([3, 'fourth'])
})

test('is idle when the last turn that was asked for is over', async () => {
  const { turns, end } = slow()
  await turns.idle()
  let isIdle = false
  void turns.ask()
  void turns.ask()
  void turns.idle().then(() => {
    isIdle = true
  })
  await end(0)
  expect(isIdle).toBe(false)
  await end(1)
  expect(isIdle).toBe(true)
})
