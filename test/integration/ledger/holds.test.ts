import { describe, expect, test } from 'vitest'
import { fingerprint } from '../../../src/model/change.ts'
import type { Ledger } from '../../../src/model/ledger.ts'
import * as s from './samples.ts'

const stop = (...keys: string[]) => keys.map((key) => s.withheld(s.disable(key)))
const people = (ledger: Ledger) => ledger.holds({ status: 'open' }).then((holds) => holds.flatMap(namesOf))
const namesOf = ({ items }: { items: readonly { identity: string; status: string }[] }) =>
  items.map(({ identity, status }) => `${identity} ${status}`)

describe('what safety stops', () => {
  test('becomes one hold for each platform and cause; other causes become none', async () => {
    const ledger = await s.ledgerWith(3)
    const privileged = s.withheld(s.grant('p3', 'admins'), 'privileged')
    const { holds } = await ledger.admit(
      s.admission([], [...stop('p1', 'p2'), privileged, s.withheld(s.title('p3', 'Head'), 'protected')]),
    )
    expect(holds.map(({ why, status, items }) => [why, status, items.length])).toEqual([
      ['removals-limit', 'open', 2],
      ['privileged', 'open', 1],
    ])
    expect(holds[0]).toMatchObject({
      platform: s.platform,
      text: '412 of 3,000 (13.7 %), allowed are 10 %',
      madeAt: s.now,
    })
    expect(holds[0]?.items[0]).toEqual({
      fingerprint: fingerprint(s.disable('p1')),
      identity: 'hr:p1',
      summary: 'disable ann.p1 (leaver)',
      status: 'open',
    })
    expect(await ledger.obligations({})).toEqual([])
  })

  test('is counted by people, not by changes', async () => {
    const ledger = await s.ledgerWith(3)
    expect(await ledger.openHoldCounts()).toEqual([])
    const twice = s.withheld(s.grant('p2', 'admins'))
    const privileged = s.withheld(s.grant('p3', 'admins'), 'privileged')
    const { holds } = await ledger.admit(s.admission([], [...stop('p1', 'p2'), twice, privileged]))
    const [first, second] = await ledger.openHoldCounts()
    expect(first).toMatchObject({
      id: holds[0]?.id,
      platform: s.platform,
      why: 'removals-limit',
      people: 2,
      leavers: 2,
    })
    expect(second).toMatchObject({ why: 'privileged', people: 1, leavers: 0, someone: 'hr:p3' })
    await ledger.decideHold(holds[1]?.id ?? 0, 'rejected', 'ann', 'no', s.now)
    expect(await ledger.openHoldCounts()).toHaveLength(1)
  })

  test('is not held twice by the next run, and follows what the next plan stops', async () => {
    const ledger = await s.ledgerWith(3)
    const first = await ledger.admit(s.admission([], stop('p1', 'p2')))
    const second = await ledger.admit(s.admission([], stop('p1', 'p2')))
    expect(second.holds).toEqual(first.holds)
    const third = await ledger.admit(s.admission([], stop('p2')))
    expect(third.holds.flatMap(namesOf)).toEqual(['hr:p2 open'])
    expect(third.holds[0]?.id).toBe(first.holds[0]?.id)
    const fourth = await ledger.admit(s.admission([]))
    expect(fourth.holds).toEqual([])
    expect((await ledger.holds({})).map(({ status }) => status)).toEqual(['superseded'])
    const fifth = await ledger.admit(s.admission([], stop('p1')))
    expect(fifth.holds[0]?.id).not.toBe(first.holds[0]?.id)
  })

  test('gets another number with all that is added, and is found by the old one; what people are told of stays the same hold', async () => {
    const ledger = await s.ledgerWith(4)
    const { holds: before } = await ledger.admit(s.admission([], stop('p1', 'p2')))
    const [told] = await ledger.openHoldCounts()
    const { holds } = await ledger.admit(s.admission([], stop('p2', 'p3', 'p4'), { now: s.now + 9 }))
    expect(holds.flatMap(namesOf)).toEqual(['hr:p2 open', 'hr:p3 open', 'hr:p4 open'])
    const [old, id] = [before[0]?.id ?? 0, holds[0]?.id ?? 0]
    expect(id).toBeGreaterThan(old)
    expect(holds[0]?.madeAt).toBe(s.now + 9)
    expect(await ledger.holds({ id: old })).toEqual(await ledger.holds({ id }))
    expect(await ledger.openHoldCounts()).toMatchObject([{ id, lasting: told?.lasting, people: 3 }])
  })

  test('has its number for itself: what is held by another cause later gets a greater one', async () => {
    const ledger = await s.ledgerWith(4)
    await ledger.admit(s.admission([], stop('p1')))
    await ledger.admit(s.admission([], stop('p1', 'p2')))
    const privileged = s.withheld(s.grant('p3', 'admins'), 'privileged')
    const { holds } = await ledger.admit(s.admission([], [...stop('p1', 'p2'), privileged]))
    expect(holds.map(({ id, why }) => [id, why])).toEqual([
      [2, 'removals-limit'],
      [3, 'privileged'],
    ])
  })

  test('is as old as its oldest part where a few people’s plan adds somebody', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([], stop('p1')))
    const few = { dueAt: new Map([['hr:p2', null]]), now: s.now + 9 }
    const { holds } = await ledger.admit(s.admission([], stop('p2'), few))
    expect(holds.map(({ id, madeAt }) => [id, madeAt])).toEqual([[2, s.now]])
    expect(holds.flatMap(namesOf)).toEqual(['hr:p1 open', 'hr:p2 open'])
  })

  test('by a limit tells who is held together with whom; by another cause nobody is', async () => {
    const ledger = await s.ledgerWith(4)
    await ledger.admit(s.admission([], [...stop('p1', 'p2'), s.withheld(s.grant('p3', 'admins'), 'privileged')]))
    expect(await ledger.heldTogether(['hr:p2'])).toEqual(['hr:p1', 'hr:p2'])
    expect(await ledger.heldTogether(['hr:p3', 'hr:p4'])).toEqual([])
    const [hold] = await ledger.holds({ status: 'open' })
    await ledger.decideHold(hold?.id ?? 0, 'rejected', 'jo', 'no', s.now)
    expect(await ledger.heldTogether(['hr:p1'])).toEqual([])
  })

  test('stays held while its platform cannot be looked at', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([], stop('p1')))
    await ledger.admit({ ...s.admission([]), plan: { ...s.plan([]), situations: {}, population: {} } })
    expect(await people(ledger)).toEqual(['hr:p1 open'])
  })
})

describe('a decision', () => {
  const nothing = { approved: new Set(), rejected: new Set(), leftOpen: new Set(), doneByHand: new Set() }
  const decide = async (ledger: Ledger, decision: 'approved' | 'rejected', only?: readonly string[]) => {
    const [hold] = await ledger.holds({})
    return ledger.decideHold(hold?.id ?? 0, decision, 'eve', 'checked with HR', s.now + 5, only)
  }

  test('releases all of it, counts until the change is carried out, and is in the audit', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([], stop('p1', 'p2')))
    expect(await decide(ledger, 'approved')).toMatchObject({
      status: 'approved',
      decidedBy: 'eve',
      decidedAt: s.now + 5,
      reason: 'checked with HR',
      items: [
        { status: 'approved', decided: { at: s.now + 5, by: 'eve', reason: 'checked with HR' } },
        { status: 'approved' },
      ],
    })
    expect((await ledger.decisions(s.platform)).approved).toEqual(
      new Set(['p1', 'p2'].map((k) => fingerprint(s.disable(k)))),
    )
    expect(await ledger.decisions('elsewhere')).toEqual(nothing)
    expect((await ledger.auditOf('hr:p1', 1))[0]).toMatchObject({ action: 'hold-approved', operator: 'eve' })

    await ledger.admit(s.admission([s.disable('p1'), s.disable('p2')]))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'already')])
    expect((await ledger.decisions(s.platform)).approved).toEqual(new Set([fingerprint(s.disable('p2'))]))
    expect((await ledger.holds({}))[0]).toMatchObject({ status: 'approved' })
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p2'), 'retry')])
    expect((await ledger.decisions(s.platform)).approved.size).toBe(1)
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p2'))])
    expect(await ledger.decisions(s.platform)).toEqual(nothing)
    expect((await ledger.holds({}))[0]).toMatchObject({ status: 'done' })
  })

  test('for some people leaves the rest held, also when the plan comes again', async () => {
    const ledger = await s.ledgerWith(4)
    await ledger.admit(s.admission([], stop('p1', 'p2', 'p3')))
    expect(namesOf(await decide(ledger, 'approved', ['hr:p2']))).toEqual(['hr:p1 open', 'hr:p2 approved', 'hr:p3 open'])
    expect(namesOf(await decide(ledger, 'rejected', ['hr:p3']))).toEqual([
      'hr:p1 open',
      'hr:p2 approved',
      'hr:p3 rejected',
    ])
    // A plan that was made before the decision stops p2 and p3 still.
    await ledger.admit(s.admission([], stop('p1', 'p2', 'p3', 'p4')))
    expect(await people(ledger)).toEqual(
      ['hr:p2 approved', 'hr:p3 rejected', 'hr:p1 open', 'hr:p4 open'].toSorted(byPerson),
    )
    await ledger.admit(s.admission([s.disable('p2')], [s.withheld(s.disable('p3'), 'rejected')]))
    expect((await ledger.holds({}))[0]).toMatchObject({ status: 'approved' })
    expect((await ledger.decisions(s.platform)).rejected).toEqual(new Set([fingerprint(s.disable('p3'))]))
  })

  test('for some people is known of the rest, also after it was carried out', async () => {
    const ledger = await s.ledgerWith(3)
    const leftOpen = () => ledger.decisions(s.platform).then((decisions) => [...decisions.leftOpen])
    await ledger.admit(s.admission([], stop('p1', 'p2')))
    expect(await leftOpen()).toEqual([])
    await decide(ledger, 'approved', ['hr:p2'])
    expect(await leftOpen()).toEqual([fingerprint(s.disable('p1'))])
    await ledger.admit(s.admission([s.disable('p2')], stop('p1')))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p2'))])
    expect(await leftOpen()).toEqual([fingerprint(s.disable('p1'))])
    await decide(ledger, 'approved')
    expect(await leftOpen()).toEqual([])
  })

  test('is about what was shown: by the number of before somebody was added nothing is decided', async () => {
    const ledger = await s.ledgerWith(3)
    await ledger.admit(s.admission([], stop('p1')))
    const more = [...stop('p1', 'p2', 'p3'), s.withheld(s.revoke('p3', 'staff'))]
    await ledger.admit(s.admission([], more))
    for (const only of [undefined, ['hr:p1']]) {
      await expect(ledger.decideHold(1, 'approved', 'eve', 'seen', s.now, only)).rejects.toMatchObject({
        code: 'usage',
        message: 'Hold 1 is superseded by hold 2, which holds 3 changes of 2 people more.',
        hint: expect.stringContaining('keyturn holds show 2') as string,
      })
    }
    expect((await people(ledger)).filter((line) => !line.endsWith('open'))).toEqual([])
    await ledger.decideHold(2, 'approved', 'eve', 'seen', s.now)
    expect((await ledger.decisions(s.platform)).approved.size).toBe(4)
  })

  test('for one person stays when others are added, with who made it, and is not taken back by a word about the rest', async () => {
    const ledger = await s.ledgerWith(4)
    await ledger.admit(s.admission([], stop('p1', 'p2', 'p3')))
    await ledger.decideHold(1, 'rejected', 'eve', 'on a project', s.now + 1, ['hr:p1'])
    await ledger.decideHold(1, 'approved', 'bob', 'seen', s.now + 2, ['hr:p2'])
    await ledger.admit(s.admission([s.disable('p2')], [s.withheld(s.disable('p1'), 'rejected'), ...stop('p3', 'p4')]))
    const lines = (...keys: string[]) => new Set(keys.map((key) => fingerprint(s.disable(key))))
    expect(await ledger.decisions(s.platform)).toEqual({
      ...nothing,
      approved: lines('p2'),
      rejected: lines('p1'),
      leftOpen: lines('p3', 'p4'),
    })
    const decided = await ledger.decideHold(2, 'approved', 'ann', 'the rest', s.now + 3)
    expect(decided.items.map(({ identity, status, decided: word }) => [identity, status, word?.by])).toEqual([
      ['hr:p1', 'rejected', 'eve'],
      ['hr:p2', 'approved', 'bob'],
      ['hr:p3', 'approved', 'ann'],
      ['hr:p4', 'approved', 'ann'],
    ])
  })

  const byPerson = (a: string, b: string) => Number(a.slice(4, 5)) - Number(b.slice(4, 5))

  test('ends when a plan does not need its change any more, and is asked anew should it come again', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([], stop('p1', 'p2')))
    await decide(ledger, 'approved', ['hr:p1'])
    await decide(ledger, 'rejected', ['hr:p2'])
    // Nobody has looked at the platform.
    await ledger.admit({ ...s.admission([]), plan: { ...s.plan([]), situations: {}, population: {} } })
    expect((await ledger.decisions(s.platform)).approved.size).toBe(1)
    // What was rejected is withheld by every plan that needs it.
    const withheld = [...stop('p1'), s.withheld(s.disable('p2'), 'rejected')]
    await ledger.admit(s.admission([], withheld, { now: s.now + 9 }))
    const { approved, rejected } = await ledger.decisions(s.platform)
    expect([approved.size, rejected.size]).toEqual([1, 1])
    await ledger.admit(s.admission([], [], { now: s.now + 9 }))
    expect(namesOf((await ledger.holds({}))[0] ?? { items: [] })).toEqual(['hr:p1 superseded', 'hr:p2 superseded'])
    expect(await ledger.decisions(s.platform)).toEqual(nothing)
    expect((await ledger.auditOf('hr:p1', 1))[0]).toMatchObject({
      action: 'hold-superseded',
      at: s.now + 9,
      detail: 'disable ann.p1 (leaver)',
    })
    const { holds } = await ledger.admit(s.admission([], stop('p1')))
    expect(holds.flatMap(namesOf)).toEqual(['hr:p1 open'])
    await expect(decide(ledger, 'approved', ['hr:p1'])).rejects.toMatchObject({ code: 'usage' })
  })

  test('stays while its change is admitted and not settled, though a later plan does not show it', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([], stop('p1')))
    await decide(ledger, 'approved')
    await ledger.admit(s.admission([s.disable('p1')]))
    const working = await s.claimOne(ledger, 'p1')
    await ledger.admit(s.admission([]))
    expect((await ledger.decisions(s.platform)).approved.size).toBe(1)
    await ledger.settle([s.settlement(working)])
    expect((await ledger.holds({}))[0]).toMatchObject({ status: 'done' })
  })

  test('about a protected account of a leaver says that it was done by hand, for that leaving, and releases nothing', async () => {
    const ledger = await s.ledgerWith(1)
    const stopped = s.withheld(s.disable('p1'), 'protected')
    const { holds } = await ledger.admit(s.admission([], [stopped, s.withheld(s.revoke('p1', 'staff'), 'protected')]))
    expect(holds.map(({ why, items }) => [why, items.map(({ summary }) => summary)])).toEqual([
      ['protected', ['disable ann.p1 (leaver)']],
    ])
    expect(await ledger.decisions(s.platform)).toEqual(nothing)
    await decide(ledger, 'approved')
    const lines = new Set([fingerprint(s.disable('p1'))])
    expect(await ledger.decisions(s.platform)).toEqual({ ...nothing, doneByHand: lines })
    await ledger.admit({ ...s.admission([]), plan: { ...s.plan([]), doneByHand: [s.disable('p1')] } })
    expect((await ledger.decisions(s.platform)).doneByHand).toEqual(lines)
    // Hired again: the next leaving is another one.
    await ledger.admit(s.admission([]))
    expect(await ledger.decisions(s.platform)).toEqual(nothing)
  })

  test('may be changed until it was carried out', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([], stop('p1')))
    await decide(ledger, 'rejected')
    expect(await decide(ledger, 'approved')).toMatchObject({ status: 'approved' })
    expect(await ledger.decisions(s.platform)).toMatchObject({ rejected: new Set() })
    await ledger.admit(s.admission([s.disable('p1')]))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'))])
    await expect(decide(ledger, 'rejected')).rejects.toMatchObject({ code: 'usage' })
  })

  test('is refused for what is not there', async () => {
    const ledger = await s.ledgerWith(1)
    await expect(decide(ledger, 'approved')).rejects.toMatchObject({ code: 'not-found' })
    await ledger.admit(s.admission([], stop('p1')))
    await expect(decide(ledger, 'approved', ['hr:p9'])).rejects.toMatchObject({ code: 'not-found' })
    await ledger.admit(s.admission([]))
    await expect(decide(ledger, 'approved')).rejects.toMatchObject({ code: 'usage' })
  })
})
