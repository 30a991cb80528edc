// A clock that was wrong for a while must not leave anything waiting for a moment that is far away now.
import { expect, test } from 'vitest'
import * as s from './samples.ts'

const hour = 3_600_000
/** Nothing waits for so long: then ticks alone tell. */
const never = 1_000 * hour

async function workedOnAhead() {
  const ledger = await s.ledgerWith(3)
  const ahead = s.now + hour
  expect(await ledger.tick('hr', ahead, ahead)).toBe(true)
  await ledger.admit(s.admission([s.disable('p1'), s.title('p2', 'Head')], [], { now: ahead }))
  const failing = await s.claimOne(ledger, 'p1', ahead)
  await ledger.settle([s.settlement(failing, 'retry', { nextTryAt: ahead + 30_000 })])
  const dead = await s.claimOne(ledger, 'p2', ahead)
  return { ledger, ahead, dead }
}

test('after the clock was set back, retries are due, claims of the dead end soon, and schedules fire again', async () => {
  const { ledger, dead } = await workedOnAhead()
  expect(await ledger.due(s.platform, 'revoke', s.now, 10)).toEqual([])
  expect(await ledger.clockSetBack(s.now, never)).toBe(true)
  expect(await ledger.due(s.platform, 'revoke', s.now, 10)).toHaveLength(1)
  expect(await ledger.due(s.platform, 'change', s.now, 10)).toEqual([])
  expect(await ledger.due(s.platform, 'change', s.now + 10_000, 10)).toHaveLength(1)
  expect(await ledger.tick('hr', s.now + hour, s.now + hour)).toBe(true)
  expect(await ledger.renew([dead.token], s.leaseMs, s.now)).toEqual(new Set([dead.token]))
  expect(await ledger.clockSetBack(s.now + hour, never)).toBe(false)
})

test('after the clock was set back, people of whom the lost time owed something can be planned', async () => {
  const { ledger } = await workedOnAhead()
  const revisions = new Map((await ledger.identities()).map(({ id, revision = 0 }) => [id, revision]))
  const plan = s.plan([s.disable('p2')], [], 'b'.repeat(64))
  const admission = { ...s.admission([], [], { now: s.now }), plan, revisions }
  // Also before anybody has noticed it.
  expect(await ledger.admit(admission)).toMatchObject({ pointers: [{ identity: 'hr:p2', lane: 'revoke' }] })
})

test('clocks that differ by seconds, and a clock that goes on, change nothing', async () => {
  const { ledger, ahead } = await workedOnAhead()
  for (const now of [ahead - 4_000, ahead, ahead + hour]) expect(await ledger.clockSetBack(now, never)).toBe(false)
  expect(await ledger.due(s.platform, 'revoke', ahead + 29_999, 10)).toEqual([])
})

test('a clock that was ahead for too short a time for any tick is noticed by what waits for longer than anything may', async () => {
  const ledger = await s.ledgerWith(1)
  await ledger.admit(s.admission([s.disable('p1')]))
  const failing = await s.claimOne(ledger, 'p1')
  await ledger.settle([s.settlement(failing, 'retry', { nextTryAt: s.now + hour })])
  expect(await ledger.clockSetBack(s.now, hour)).toBe(false)
  expect(await ledger.clockSetBack(s.now, 60_000)).toBe(true)
  expect(await ledger.due(s.platform, 'revoke', s.now, 10)).toHaveLength(1)
  expect(await ledger.clockSetBack(s.now, 60_000)).toBe(false)
})
