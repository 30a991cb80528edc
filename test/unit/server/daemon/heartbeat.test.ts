import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MINUTE, SECOND } from '../../../../src/model/instant.ts'
import { beatEvery, listen, patienceWith } from '../../../../src/server/daemon/heartbeat.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const patience = { first: MINUTE, then: 20 * SECOND }

function listening() {
  const silent: number[] = []
  const ear = listen(patience, (ms) => silent.push(ms))
  return { ear, silent, pass: (ms: number) => vi.advanceTimersByTime(ms) }
}

test('whoever beats is never called silent', () => {
  const { ear, silent, pass } = listening()
  for (let beat = 0; beat < 100; beat++) {
    ear.heard()
    pass(beatEvery)
  }
  expect(silent).toEqual([])
})

test('whoever has not begun yet is given longer than whoever falls silent; both are told once', () => {
  const slow = listening()
  slow.pass(MINUTE)
  expect(slow.silent).toEqual([])
  slow.pass(10 * MINUTE)
  expect(slow.silent).toHaveLength(1)
  const frozen = listening()
  frozen.ear.heard()
  frozen.pass(20 * SECOND)
  expect(frozen.silent).toEqual([])
  frozen.pass(MINUTE)
  expect(frozen.silent).toEqual([22 * SECOND])
})

test('a word in time begins the silence anew', () => {
  const { ear, silent, pass } = listening()
  ear.heard()
  pass(18 * SECOND)
  ear.heard()
  pass(18 * SECOND)
  expect(silent).toEqual([])
})

test('while the listener itself stood still nothing could be heard', () => {
  const { ear, silent, pass } = listening()
  ear.heard()
  pass(10 * SECOND)
  // Stopped for an hour: the clock went on, the timer did not fire.
  const asleep = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60 * MINUTE)
  pass(beatEvery)
  asleep.mockRestore()
  expect(silent).toEqual([])
})

test('nothing is told of who has ended', () => {
  const { ear, silent, pass } = listening()
  ear.close()
  pass(10 * MINUTE)
  expect(silent).toEqual([])
})

test('a pass may compute for minutes, a change process not', () => {
  expect(patienceWith.pass.then).toBeGreaterThanOrEqual(5 * MINUTE)
  expect(patienceWith.changes.then).toBeLessThanOrEqual(20 * SECOND)
})
