import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answered, type Breaker, failed, probeFailed, toldDown, up } from '../../../src/queue/breaker.ts'

const error = { code: 'platform-unreachable', message: 'connection refused' } as const

/** Fails at these moments, each after `lasting` ms of work. */
function afterFailures(moments: readonly number[], lasting = 0): Breaker {
  return moments.reduce((breaker, at) => failed(breaker, error, at - lasting, at), up)
}

const isUp = ({ state }: Breaker) => state === 'up'

test('three failures that follow each other within ten seconds show that a platform is down', () => {
  expect(afterFailures([1_000, 1_100])).toMatchObject({ state: 'up' })
  expect(afterFailures([1_000, 1_100, 11_000])).toMatchObject({ state: 'down', since: 11_000, error })
})

test('a success between failures, or a longer time without any, begins the count anew', () => {
  const success = answered(afterFailures([1_000, 2_000]), 2_500)
  expect(failed(success, error, 3_000, 3_000)).toMatchObject({ state: 'up' })
  expect(afterFailures([1_000, 2_000, 13_000])).toMatchObject({ state: 'up' })
})

test('a platform that hangs fails slowly, and is down all the same', () => {
  expect(afterFailures([15_000, 30_000, 45_000], 15_000)).toMatchObject({ state: 'down' })
})

test('probes come after half a second, then after twice the time each, and at least every three seconds', () => {
  let breaker = afterFailures([0, 0, 0])
  let now = 0
  const waits: number[] = []
  for (let probe = 0; probe < 9 && breaker.state === 'down'; probe += 1) {
    waits.push(breaker.probeAt - now)
    now = breaker.probeAt
    breaker = probeFailed(breaker, error, now)
  }
  expect(waits).toEqual([500, 1_000, 2_000, 3_000, 3_000, 3_000, 3_000, 3_000, 3_000])
})

test('what somebody else has found down is asked at once', () => {
  expect(toldDown(100, error, 100)).toMatchObject({ state: 'down', probeAt: 100 })
})

test('an answer to a question from before the outage does not end it, one from after its beginning does', () => {
  const down = afterFailures([1_000, 1_000, 1_000])
  expect(answered(down, 999)).toBe(down)
  expect(answered(down, 1_000)).toBe(up)
})

test('whatever happens, it is down only after three failures in a row, and any later answer ends that', () => {
  const event = fc.record({ kind: fc.constantFrom('failed', 'answered', 'probed'), after: fc.nat({ max: 20_000 }) })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      let breaker: Breaker = up
      let inARow = 0
      let now = 0
      for (const { kind, after } of events) {
        now += after
        const wasUp = isUp(breaker)
        if (kind === 'failed') breaker = failed(breaker, error, now, now)
        else breaker = kind === 'answered' ? answered(breaker, now) : probeFailed(breaker, error, now)
        inARow = kind === 'answered' ? 0 : inARow + (kind === 'failed' ? 1 : 0)
        if (kind === 'answered') expect(breaker).toBe(up)
        if (wasUp && !isUp(breaker)) expect(inARow).toBeGreaterThanOrEqual(3)
        if (breaker.state === 'down') expect(breaker.probeAt - now).toBeLessThanOrEqual(3_000)
      }
    }),
  )
})
