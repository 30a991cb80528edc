import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keepClaims } from '../../../src/apply/claims.ts'
import { HOUR } from '../../../src/model/instant.ts'
import type { Instant } from '../../../src/model/instant.ts'
import type { ClaimedObligation } from '../../../src/model/ledger.ts'

const leaseMs = 60_000
const quiet = () => undefined
const logger = { debug: quiet, info: quiet, change: quiet, warn: quiet, error: quiet }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A claim whose renewals fail: the network is split. `jump`: how far the wall clock is off by now, ms. */
function cutOff() {
  let off = 0
  const ledger = { renew: () => Promise.reject(new Error('the network is split')) }
  const clock = (): Instant => Date.now() + off
  const claimed = [{ token: 't' }] as unknown as readonly ClaimedObligation[]
  const claims = keepClaims(claimed, { ledger: ledger as never, leaseMs, clock, logger, platform: 'directory' })
  return { claims, jump: (by: number) => void (off += by) }
}

test('a claim that cannot be renewed is held until its lease ends, and no longer', async () => {
  await using stack = new AsyncDisposableStack()
  const { claims } = cutOff()
  stack.use(claims)
  await vi.advanceTimersByTimeAsync(leaseMs - 1)
  expect(claims.holds('t')).toBe(true)
  await vi.advanceTimersByTimeAsync(1)
  expect(claims.holds('t')).toBe(false)
})

test('a clock that is set back meanwhile makes no lease longer, and one that is set forward ends it at once', async () => {
  await using stack = new AsyncDisposableStack()
  const back = cutOff()
  const forward = cutOff()
  stack.use(back.claims)
  stack.use(forward.claims)
  back.jump(-HOUR)
  forward.jump(HOUR)
  expect(forward.claims.holds('t')).toBe(false)
  await vi.advanceTimersByTimeAsync(leaseMs)
  expect(back.claims.holds('t')).toBe(false)
})
