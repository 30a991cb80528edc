import { describe, expect, test } from 'vitest'
import type { Ledger, Settlement } from '../../../src/model/ledger.ts'
import type { RunningLedger } from '../../../src/model/running.ts'
import * as s from './samples.ts'

const later = s.now + 5_000
const proof = { grade: 'refused', at: later, text: 'said no' } as const

async function fresh(count: number) {
  const ledger = await s.ledgerWith(count)
  await forget(ledger)
  return ledger
}

/** Nobody is marked any more. */
async function forget(ledger: Ledger & RunningLedger): Promise<void> {
  const last = (await ledger.marked(1_000)).at(-1)
  if (last !== undefined) await ledger.admit(s.admission([], [], { looked: { upTo: last.id, people: null } }))
}

const marksOf = async (ledger: RunningLedger) =>
  (await ledger.marked(1_000)).map(({ identity, cause, since, correlation }) => [identity, cause, since, correlation])

describe('whom a settlement makes planning look at again', () => {
  test('is whose admitted changes are not needed any more', async () => {
    const ledger = await fresh(2)
    await ledger.admit(s.admission([s.title('p1', 'Head'), s.title('p2', 'Head')]))
    const [one, two] = await s.claimAll(ledger, ['p1', 'p2'])
    if (one === undefined || two === undefined) throw new Error('not claimed')
    await ledger.settle([s.settlement(one, 'moved', { at: later }), s.settlement(two, 'done', { at: later })])
    expect(await marksOf(ledger)).toEqual([['hr:p1', 'moved', later, 'c-1']])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'settled' })
  })

  test('is who refers to an account that was made, but for those whose change waits for it', async () => {
    const ledger = await s.ledgerWith(4)
    const reports = ['p2', 'p3', 'p4'].map((key) => s.person(key, { references: { manager: 'hr:p1' } }))
    await ledger.saveIntake(s.intake(reports), 'c')
    await forget(ledger)
    await ledger.admit(s.admission([s.create('p1'), s.manager('p2', 'p1'), s.manager('p3', 'p1')]))
    const waiting = await s.claimAll(ledger, ['p2'])
    await ledger.settle(waiting.map((one) => s.settlement(one, 'waiting')))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'done', { link: s.link('p1') })])
    expect(await marksOf(ledger)).toEqual([['hr:p4', 'reference', s.now, 'c-1']])
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'owed' })
  })

  test('is who refers to an account that has moved, and nobody where it was only touched', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.saveIntake(s.intake([s.person('p2', { references: { manager: 'hr:p1' } })]), 'c')
    await forget(ledger)
    const settle = async () => ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'))])
    await ledger.admit(s.admission([s.title('p1', 'Head')]))
    await settle()
    expect(await marksOf(ledger)).toEqual([])
    await ledger.admit(s.admission([{ ...s.enable('p1'), kind: 'move', from: 'OU=Staff', to: 'OU=Leavers' }]))
    await settle()
    expect(await marksOf(ledger)).toEqual([['hr:p2', 'reference', s.now, 'c-1']])
  })

  test('is who refers to where an account stood until a moment ago', async () => {
    const ledger = await fresh(3)
    await ledger.adopt([s.link('p1')], [])
    await ledger.admit(s.admission([s.manager('p2', 'p1'), s.manager('p3', 'p1')]))
    const claimed = await s.claimAll(ledger, ['p2', 'p3'])
    const [outdated, current] = claimed.map((one) => s.settlement(one, 'done', { at: later }))
    if (outdated === undefined || current === undefined) throw new Error('not claimed')
    const written = ({ results, ...rest }: Settlement, address: string) => ({
      ...rest,
      results: results.map((result) => ({ ...result, address })),
    })
    await ledger.settle([written(outdated, 'CN=ann.p1,OU=Old'), written(current, s.link('p1').address)])
    expect(await marksOf(ledger)).toEqual([['hr:p2', 'reference', later, 'c-1']])
  })

  test('is whom a person decided about, once for all their changes', async () => {
    const ledger = await fresh(2)
    const stopped = [s.disable('p1'), s.revoke('p1', 'staff'), s.disable('p2')].map((change) => s.withheld(change))
    const { holds } = await ledger.admit(s.admission([], stopped))
    await ledger.decideHold(holds[0]?.id ?? 0, 'approved', 'ann', 'seen', later, ['hr:p1'])
    expect(await marksOf(ledger)).toEqual([['hr:p1', 'hold', later, `hold-${holds[0]?.id}`]])
  })
})

describe('how long a revocation took', () => {
  const known = { effectiveAt: new Map([['hr:p1', s.now - 900]]), receivedAt: new Map([['hr:p1', s.now - 300]]) }

  test('is written when it is proven and settled', async () => {
    const ledger = await fresh(1)
    await ledger.admit(s.admission([s.disable('p1')], [], known))
    expect(await ledger.openRevocations()).toMatchObject([
      { identity: 'hr:p1', lane: 'revoke', effectiveAt: s.now - 900, receivedAt: s.now - 300, admittedAt: s.now },
    ])
    expect(await ledger.openRevocations(s.now - 300)).toHaveLength(1)
    expect(await ledger.openRevocations(s.now - 301)).toEqual([])
    const first = await s.claimOne(ledger, 'p1')
    await ledger.settle([s.settlement(first, 'retry', { proof: { ...proof, grade: 'not-proven' } })])
    expect(await ledger.revocations(0, 10)).toEqual([])
    expect(await ledger.openRevocations()).toMatchObject([{ tries: 1, proof: { grade: 'not-proven' } }])
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'already', { proof })])
    const timing = {
      id: 1,
      identity: 'hr:p1',
      platform: s.platform,
      lane: 'revoke',
      effectiveAt: s.now - 900,
      receivedAt: s.now - 300,
      admittedAt: s.now,
      provenAt: later,
      grade: 'refused',
    }
    expect(await ledger.revocations(0, 10)).toEqual([timing])
    expect(await ledger.revocations(1, 10)).toEqual([])
    expect(await ledger.revocationsSince(later, 10)).toEqual([timing])
    expect(await ledger.revocationsSince(later + 1, 10)).toEqual([])
    expect(await ledger.openRevocations()).toEqual([])
  })

  test('is not written of changes, nor where nothing was shut', async () => {
    const ledger = await fresh(2)
    await ledger.adopt([s.link('p2', { shutByUs: 'leaver' })], [])
    await ledger.admit(s.admission([s.title('p1', 'Head'), s.revoke('p2', 'staff')]))
    const both = await s.claimAll(ledger, ['p1', 'p2'])
    await ledger.settle(both.map((one) => s.settlement(one, 'done', { proof })))
    expect(await ledger.revocations(0, 10)).toEqual([])
  })

  test('counts from the first time that it was owed, however often it is planned anew', async () => {
    const ledger = await fresh(1)
    await ledger.admit(s.admission([s.disable('p1')], [], known))
    const again = { now: later, receivedAt: new Map([['hr:p1', later - 1]]) }
    await ledger.admit(s.admission([s.disable('p1'), s.revoke('p1', 'staff')], [], again))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({
      wanted: 2,
      receivedAt: s.now - 300,
      admittedAt: s.now,
      effectiveAt: null,
    })
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1', later), 'done', { proof })])
    expect(await ledger.revocations(0, 10)).toMatchObject([{ receivedAt: s.now - 300, admittedAt: s.now }])
    // Open again, and shut again: that is another revocation.
    await ledger.admit(s.admission([s.disable('p1')], [], again))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ wanted: 3, receivedAt: later - 1, admittedAt: later })
  })

  test('is known from the admission where nobody says when the cause was noticed', async () => {
    const ledger = await fresh(1)
    await ledger.admit(s.admission([s.disable('p1')]))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ receivedAt: s.now, effectiveAt: null })
  })

  test('of an older number does not count from the cause of a newer one', async () => {
    const ledger = await fresh(1)
    await ledger.admit(s.admission([s.disable('p1')], [], known))
    const shutting = await s.claimOne(ledger, 'p1')
    await ledger.admit(s.admission([s.enable('p1')], [], { now: later, receivedAt: new Map([['hr:p1', later]]) }))
    await ledger.settle([s.settlement(shutting, 'done', { proof })])
    expect(await ledger.revocations(0, 10)).toMatchObject([{ receivedAt: s.now, admittedAt: s.now }])
  })
})

test('an outage is no try of this person', async () => {
  const ledger = await fresh(1)
  await ledger.admit(s.admission([s.title('p1', 'Head')]))
  await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'retry', { outage: true, nextTryAt: later })])
  expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'owed', tries: 0, nextTryAt: later })
  await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1', later), 'retry')])
  expect(await s.statusOf(ledger, 'p1')).toMatchObject({ tries: 1 })
})
