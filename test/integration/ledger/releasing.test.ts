// Releasing a hold: who must not be let in is admitted with the very word, everybody else is marked.
import { expect, test } from 'vitest'
import type { Ledger } from '../../../src/model/ledger.ts'
import type { RunningLedger } from '../../../src/model/running.ts'
import * as s from './samples.ts'

const later = s.now + 5_000
const kinds = ['disable', 'revoke']

/** People p1 … pN who left, and whose removal a limit has stopped. */
async function held(count: number): Promise<Ledger & RunningLedger> {
  const ledger = await s.ledgerWith(count)
  const keys = Array.from({ length: count }, (_, index) => `p${index + 1}`)
  await ledger.saveIntake(s.intake(keys.map((key) => left(key))), 'second')
  const stopped = keys.flatMap((key) => [s.disable(key), s.revoke(key, 'staff')]).map((change) => s.withheld(change))
  await ledger.admit({ ...s.admission([], stopped), looked: { upTo: Number.MAX_SAFE_INTEGER, people: null } })
  expect(await ledger.marked(10)).toEqual([])
  return ledger
}

function left(key: string) {
  return s.person(key, { status: 'left', state: 'left', leftAt: s.now - 900, recordHash: `left-${key}` })
}

async function decide(ledger: Ledger, decision: 'approved' | 'rejected', only?: readonly string[]) {
  const [hold] = await ledger.holds({})
  return ledger.decideHold(hold?.id ?? 0, decision, 'eve', 'checked with HR', later, only)
}

async function marksOf(ledger: RunningLedger) {
  return (await ledger.marked(1_000)).map(({ identity, cause }) => `${identity} ${cause}`)
}

test('what shuts people who left is owed with the decision, and no plan is needed', async () => {
  const ledger = await held(2)
  const decided = await decide(ledger, 'approved')
  expect(decided).toMatchObject({ status: 'approved', decidedBy: 'eve', decidedAt: later })
  expect(await ledger.due(s.platform, 'revoke', later, 10)).toHaveLength(2)
  expect(await marksOf(ledger)).toEqual([])
  const claimed = await s.claimOne(ledger, 'p1', later)
  expect(claimed).toMatchObject({ operator: 'eve', effectiveAt: s.now - 900, correlation: `hold-${decided.id}` })
  expect(claimed.changes.map(({ change }) => change.kind)).toEqual(kinds)
  await ledger.settle([s.settlement(claimed)])
  await ledger.settle([s.settlement(await s.claimOne(ledger, 'p2', later))])
  expect((await ledger.holds({}))[0]).toMatchObject({ status: 'done' })
})

test('the record tells of each person what was released', async () => {
  const ledger = await held(1)
  await decide(ledger, 'approved')
  expect((await ledger.auditOf('hr:p1', 1))[0]).toMatchObject({
    action: 'hold-approved',
    operator: 'eve',
    before: 'open',
    detail: 'disable ann.p1 (leaver); revoke staff from ann.p1',
  })
})

test('only those who are named are owed; who is rejected first and released later is owed then', async () => {
  const ledger = await held(3)
  await decide(ledger, 'approved', ['hr:p2'])
  await decide(ledger, 'rejected')
  expect((await ledger.due(s.platform, 'revoke', later, 10)).map(({ identity }) => identity)).toEqual(['hr:p2'])
  await decide(ledger, 'approved', ['hr:p3'])
  expect(await ledger.due(s.platform, 'revoke', later, 10)).toHaveLength(2)
})

test('who is back meanwhile, and to whom something younger is owed, is only looked at again', async () => {
  const ledger = await held(3)
  await ledger.saveIntake(s.intake([s.person('p1', { recordHash: 'back' })]), 'third')
  const stopped = [s.disable('p2'), s.revoke('p2', 'staff')].map((change) => s.withheld(change))
  const only = { dueAt: new Map([['hr:p2', null]]), now: s.now + 1_000 }
  await ledger.admit(s.admission([s.title('p2', 'Head')], stopped, only))
  const before = await marksOf(ledger)
  await decide(ledger, 'approved')
  expect((await ledger.due(s.platform, 'revoke', later, 10)).map(({ identity }) => identity)).toEqual(['hr:p3'])
  expect((await marksOf(ledger)).filter((mark) => !before.includes(mark))).toEqual(['hr:p1 hold', 'hr:p2 hold'])
})

test('a grant that waits for a person is left to a plan', async () => {
  const ledger = await s.ledgerWith(1)
  await ledger.admit(s.admission([], [s.withheld(s.grant('p1', 'admins'), 'privileged')]))
  await decide(ledger, 'approved')
  expect(await ledger.obligations({})).toEqual([])
  expect(await marksOf(ledger)).toContain('hr:p1 hold')
})

test('a hold of hundreds is decided in several transactions, with the ledger free in between', async () => {
  const ledger = await held(350)
  const order: string[] = []
  const deciding = decide(ledger, 'approved').then(() => order.push('decided'))
  const other = ledger.audit([s.record('p1')]).then(() => order.push('another write'))
  await Promise.all([deciding, other])
  expect(order).toEqual(['another write', 'decided'])
  expect(await ledger.due(s.platform, 'revoke', later, 1_000)).toHaveLength(350)
  expect((await ledger.holds({}))[0]?.items.every(({ status }) => status === 'approved')).toBe(true)
})

test('who left and keeps access by a rejection is told, until the change is not needed any more', async () => {
  const ledger = await held(3)
  await decide(ledger, 'rejected', ['hr:p2'])
  const [hold] = await ledger.holds({})
  const first = [{ identity: 'hr:p2', platform: s.platform, hold: hold?.id }]
  expect(await ledger.rejectedLeavers(5)).toEqual({ count: 1, first })
  await ledger.admit(s.admission([], [], { now: later + 1 }))
  expect(await ledger.rejectedLeavers(5)).toEqual({ count: 0, first: [] })
})

test('who is shut by another word in spite of a rejection is not told as one who keeps access', async () => {
  const ledger = await held(2)
  await decide(ledger, 'rejected')
  await ledger.admit(s.admission([s.disable('p1')], [], { now: later, dueAt: new Map([['hr:p1', null]]) }))
  await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1', later))])
  expect(await ledger.rejectedLeavers(5)).toMatchObject({ count: 1, first: [{ identity: 'hr:p2' }] })
  expect((await ledger.auditOf('hr:p1', 10))[0]).toMatchObject({
    action: 'hold-superseded',
    reason: { text: 'rejected, but carried out by another word' },
    detail: 'disable ann.p1 (leaver)',
  })
})
