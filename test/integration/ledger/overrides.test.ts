import { describe, expect, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import type { NewOverride } from '../../../src/model/running.ts'
import { rowsOf } from './raw.ts'
import * as s from './samples.ts'

const offboard: NewOverride = {
  identity: 'hr:p1',
  kind: 'state',
  state: 'left',
  emergency: true,
  until: null,
  reason: 'laptop was stolen',
  operator: 'ann',
  madeAt: s.now,
}
const freeze: NewOverride = { ...offboard, kind: 'freeze', state: null, emergency: false, until: s.now + 100 }

async function marksSince(ledger: Awaited<ReturnType<typeof s.ledgerWith>>, count: number) {
  return (await ledger.marked(100)).slice(count).map(({ id: _, ...mark }) => mark)
}

describe("an operator's word", () => {
  test('is written with its audit, and the person is marked', async () => {
    const ledger = await s.ledgerWith(2)
    const made = await ledger.override(offboard, 'story')
    expect(made).toEqual({ ...offboard, id: made.id, endedAt: null })
    expect(await ledger.overrides(s.now)).toEqual([made])
    expect(await ledger.auditOf('hr:p1', 5)).toEqual([
      {
        at: s.now,
        correlation: 'story',
        identity: 'hr:p1',
        platform: null,
        account: null,
        action: 'override',
        reason: { kind: 'operator', text: 'laptop was stolen' },
        operator: 'ann',
        before: null,
        after: 'state left (emergency) until it is ended',
        askedAt: s.now,
        result: 'done',
        detail: null,
      },
    ])
    expect(await marksSince(ledger, 2)).toEqual([
      { identity: 'hr:p1', cause: 'override', since: s.now, correlation: 'story' },
    ])
  })

  test('about somebody whom the ledger does not know is refused, and nothing of it is kept', async () => {
    const ledger = await s.ledgerWith(1)
    const refused = { code: 'not-found', message: expect.stringContaining('hr:p9') as string }
    await expect(ledger.override({ ...offboard, identity: 'hr:p9' }, 'c')).rejects.toMatchObject(refused)
    expect(await ledger.overridesOf('hr:p9')).toEqual([])
    expect(await ledger.auditOf('hr:p9', 5)).toEqual([])
  })

  test('ends the older one of the same kind, with audit, and leaves the other kind alone', async () => {
    const ledger = await s.ledgerWith(1)
    const frozen = await ledger.override(freeze, 'c1')
    const older = await ledger.override(offboard, 'c2')
    const active: NewOverride = { ...offboard, state: 'active', emergency: false, operator: 'bob', madeAt: s.now + 5 }
    const newer = await ledger.override(active, 'c3')
    expect(await ledger.overrides(s.now + 5)).toEqual([frozen, newer])
    expect(await ledger.overridesOf('hr:p1')).toEqual([newer, { ...older, endedAt: s.now + 5 }, frozen])
    const [said, ended] = await ledger.auditOf('hr:p1', 5)
    expect(ended).toMatchObject({
      action: 'override-ended',
      operator: 'bob',
      before: 'state left (emergency) until it is ended',
      after: null,
      reason: { text: 'replaced by a newer one' },
    })
    expect(said).toMatchObject({
      action: 'override',
      before: 'state left (emergency) until it is ended',
      after: 'state active until it is ended',
    })
  })

  test('that two say at once is one word in the end', async () => {
    const ledger = await s.ledgerWith(1)
    await Promise.all([1, 2, 3].map((n) => ledger.override({ ...offboard, operator: `op${n}` }, `c${n}`)))
    expect(await ledger.overrides(s.now)).toMatchObject([{ operator: 'op3' }])
    expect(await ledger.overridesOf('hr:p1')).toHaveLength(3)
  })

  test('is ended by hand, once, with audit and mark', async () => {
    const ledger = await s.ledgerWith(1)
    const made = await ledger.override(offboard, 'c')
    const end = () => ledger.endOverride('hr:p1', 'state', 'bob', 'it was found', s.now + 9, 'undo')
    expect(await ledger.endOverride('hr:p1', 'freeze', 'bob', 'wrong kind', s.now + 9, 'undo')).toBe(false)
    expect(await end()).toBe(true)
    expect(await end()).toBe(false)
    expect(await ledger.overrides(s.now + 9)).toEqual([])
    expect(await ledger.overridesOf('hr:p1')).toEqual([{ ...made, endedAt: s.now + 9 }])
    expect((await ledger.auditOf('hr:p1', 5)).map(({ action, operator }) => [action, operator])).toEqual([
      ['override-ended', 'bob'],
      ['override', 'ann'],
    ])
    const marks = await marksSince(ledger, 1)
    expect(marks.map(({ cause, since }) => [cause, since])).toEqual([
      ['override', s.now],
      ['override', s.now + 9],
    ])
  })

  test('stands until its end and not a moment longer, and a clock that is set back does not end it', async () => {
    const ledger = await s.ledgerWith(1)
    const made = await ledger.override(freeze, 'c')
    expect(await ledger.overrides(s.now + 99)).toEqual([made])
    expect(await ledger.overrides(s.now + 100)).toEqual([])
    expect(await ledger.overrides(s.now - 3_600_000)).toEqual([made])
    expect(await ledger.endOverride('hr:p1', 'freeze', 'bob', 'too late', s.now + 100, 'c')).toBe(false)
    const again = await ledger.override({ ...freeze, until: s.now + 300, madeAt: s.now + 200 }, 'c')
    expect(await ledger.overrides(s.now + 200)).toEqual([again])
  })

  test('is given for some people or for everybody', async () => {
    const ledger = await s.ledgerWith(3)
    for (const identity of ['hr:p3', 'hr:p1']) await ledger.override({ ...freeze, identity }, 'c')
    const whose = (found: readonly { identity: string }[]) => found.map(({ identity }) => identity)
    expect(whose(await ledger.overrides(s.now))).toEqual(['hr:p1', 'hr:p3'])
    expect(whose(await ledger.overrides(s.now, ['hr:p3', 'hr:p2']))).toEqual(['hr:p3'])
    expect(await ledger.overrides(s.now, [])).toEqual([])
  })

  test('that is an emergency is counted per operator and person, since a moment', async () => {
    const ledger = await s.ledgerWith(3)
    await ledger.override(offboard, 'c')
    await ledger.override({ ...offboard, madeAt: s.now + 10 }, 'c')
    await ledger.override({ ...offboard, identity: 'hr:p2', operator: 'bob' }, 'c')
    await ledger.override({ ...freeze, identity: 'hr:p3' }, 'c')
    expect(await ledger.emergenciesBy('ann', s.now, 'hr:p3')).toBe(1)
    expect(await ledger.emergenciesBy('ann', s.now, 'hr:p1')).toBe(0)
    await ledger.override({ ...offboard, identity: 'hr:p3' }, 'c')
    expect(await ledger.emergenciesBy('ann', s.now, 'hr:p2')).toBe(2)
    expect(await ledger.emergenciesBy('ann', s.now + 1, 'hr:p2')).toBe(1)
    expect(await ledger.emergenciesBy('bob', s.now, 'hr:p1')).toBe(1)
    expect(await ledger.emergenciesBy('eve', 0, 'hr:p1')).toBe(0)
  })
})

test('the database itself refuses a second standing word of a kind', async () => {
  const { url } = await s.temporaryLedger()
  await using ledger = await openLedger(url)
  await ledger.saveIntake(s.intake(s.people(1)), 'c')
  await ledger.override(offboard, 'c')
  const copy = `insert into override (identity, kind, state, emergency, reason, operator, made_at)
    select identity, kind, state, emergency, reason, operator, made_at from override`
  await expect(rowsOf(url, copy)).rejects.toThrow(/unique/i)
})
