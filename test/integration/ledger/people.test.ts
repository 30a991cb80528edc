import { onTestFinished } from 'vitest'
import { describe, expect, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import type { Identity, LifecycleEvent } from '../../../src/model/identity.ts'
import { rowsOf } from './raw.ts'
import * as s from './samples.ts'

/** As the ledger gives it back: every stored description counts. */
function stored(identity: Identity, revision = 1): Identity {
  return { ...identity, revision }
}

describe('people', () => {
  test('come back exactly as they were saved', async () => {
    const ledger = await s.ledgerWith(0)
    const everything = s.person('p1', {
      attributes: { zeta: 'ß', alpha: '李', quote: `O'Neil "x"` },
      references: { manager: 'hr:p2', buddy: null },
      status: 'left',
      startsAt: null,
      endsAt: 5,
      accessEndsAt: 4,
      state: 'left',
      next: { at: 9, state: 'archived' },
      held: 'two dates contradict each other',
      leftAt: 5,
      announcedAt: 3,
      vanishedAt: 7,
      leftBeforeFirstSeen: true,
    })
    await ledger.saveIntake(s.intake([everything, s.person('p2')]), 'c')
    expect(await ledger.identities()).toEqual([stored(everything), stored(s.person('p2'))])
    expect(JSON.stringify(await ledger.identitiesById(['hr:p1', 'hr:p9']))).toBe(JSON.stringify([stored(everything)]))
    expect(await ledger.identities('other')).toEqual([])
  })

  test('keep the texts of references that fit nobody yet, until they fit', async () => {
    const ledger = await s.ledgerWith(0)
    const waiting = s.person('p1', { references: { manager: null }, unresolved: { manager: 'Example, Eve' } })
    await ledger.saveIntake(s.intake([waiting]), 'c')
    expect(await ledger.identities()).toEqual([stored(waiting)])
    await ledger.saveIntake(s.intake([s.person('p1')]), 'c')
    expect((await ledger.identities())[0]).not.toHaveProperty('unresolved')
  })

  test('are overwritten, and what they were is kept with who changed it', async () => {
    const { url } = await s.temporaryLedger()
    const ledger = await openLedger(url)
    onTestFinished(() => ledger[Symbol.asyncDispose]())
    await ledger.saveIntake(s.intake([s.person('p1')]), 'first')
    await ledger.saveIntake(s.intake([s.person('p1', { state: 'left', references: { manager: 'hr:p1' } })]), 'second')
    const now = s.person('p1', { state: 'left', references: { manager: 'hr:p1' } })
    expect(await ledger.identities()).toEqual([stored(now, 2)])
    const history = await rowsOf(url, 'select correlation, old from identity_history')
    expect(history).toHaveLength(1)
    expect(history[0]).toMatchObject({ correlation: 'second', old: JSON.stringify(stored(s.person('p1'))) })
  })

  test.each([['hr:P1'], ['p1'], ['ANN.P1@corp.example'], ['second@corp.example'], ['Ann.Account'], [' p1 ']])(
    'are found by %s',
    async (text) => {
      const ledger = await s.ledgerWith(0)
      const one = s.person('p1', { attributes: { mail: 'Ann.p1@Corp.Example', email: 'second@Corp.Example' } })
      await ledger.saveIntake(s.intake([one, s.person('p2')]), 'c')
      await ledger.adopt([s.link('p1', { name: 'ann.account' })], [])
      expect((await ledger.findPeople(text)).map(({ id }) => id)).toEqual(['hr:p1'])
    },
  )

  test('every match is found, and nobody by nothing', async () => {
    const ledger = await s.ledgerWith(2)
    const shared = s.person('p3', { attributes: { mail: 'ann.p1@corp.example' } })
    await ledger.saveIntake(s.intake([shared]), 'c')
    expect((await ledger.findPeople('ann.p1@corp.example')).map(({ id }) => id)).toEqual(['hr:p1', 'hr:p3'])
    expect(await ledger.findPeople('')).toEqual([])
  })

  test('whoever refers to somebody is found, and no longer when that ends', async () => {
    const ledger = await s.ledgerWith(1)
    const refers = (to: string | null) => s.person('p2', { references: { manager: to, buddy: null } })
    await ledger.saveIntake(s.intake([refers('hr:p1')]), 'c')
    expect(await ledger.dependents(['hr:p1', 'hr:p2'])).toEqual([
      { identity: 'hr:p2', reference: 'manager', to: 'hr:p1' },
    ])
    await ledger.saveIntake(s.intake([refers(null)]), 'c')
    expect(await ledger.dependents(['hr:p1'])).toEqual([])
  })

  test('their events come back, the newest first', async () => {
    const ledger = await s.ledgerWith(1)
    const event = (kind: LifecycleEvent['kind']): LifecycleEvent => ({
      kind,
      identity: 'hr:p1',
      effectiveAt: s.now - 9,
      observedAt: s.now,
      reason: { kind: 'source', text: 'status "Left"' },
      changed: ['state'],
    })
    await ledger.saveIntake(s.intake([], { events: [event('joiner'), event('mover'), event('leaver')] }), 'c')
    expect(await ledger.events('hr:p1', 2)).toEqual([event('leaver'), event('mover')])
  })

  test('the last accepted read and the last refusal are remembered for each source', async () => {
    const ledger = await s.ledgerWith(0)
    expect(await ledger.acceptedRead('crm')).toBeNull()
    expect(await ledger.lastRefusal('hr')).toBeNull()
    expect(await ledger.acceptedRead('hr')).toEqual({ ...s.intake([]).accepted, number: 1 })
    const refused = { source: 'hr', at: s.now + 1, why: '3 rows, at least 10 are expected', hint: 'look at the file' }
    await ledger.saveIntake(s.intake([], { accepted: null, refused }), 'c')
    await ledger.saveIntake(s.intake([], { accepted: null, refused: { ...refused, at: s.now + 2 } }), 'c')
    expect(await ledger.lastRefusal('hr')).toEqual({ ...refused, at: s.now + 2 })
    expect(await ledger.acceptedRead('hr')).toEqual({ ...s.intake([]).accepted, number: 1 })
  })

  test('who is held is counted, and the first are told with the reason', async () => {
    const ledger = await s.ledgerWith(3)
    expect(await ledger.heldPeople(2)).toEqual({ count: 0, first: [] })
    const held = ['p3', 'p1', 'p4'].map((key) => s.person(key, { held: `vanished ${key}` }))
    await ledger.saveIntake(s.intake(held), 'c')
    const first = ['p1', 'p3'].map((key) => ({ identity: `hr:${key}`, held: `vanished ${key}` }))
    expect(await ledger.heldPeople(2)).toEqual({ count: 3, first })
    await ledger.saveIntake(s.intake([s.person('p1'), s.person('p3')]), 'c')
    expect(await ledger.heldPeople(2)).toMatchObject({ count: 1, first: [{ identity: 'hr:p4' }] })
  })

  test('10,000 are saved in seconds', async () => {
    const ledger = await s.ledgerWith(0)
    const many = s.people(10_000)
    const begun = performance.now()
    await ledger.saveIntake(s.intake(many), 'c')
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(await ledger.identitiesById(many.map(({ id }) => id))).toHaveLength(10_000)
  })
})
