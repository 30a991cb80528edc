import { describe, expect, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import type { AcceptedRead, Identity, LifecycleEvent } from '../../../src/model/identity.ts'
import * as s from './samples.ts'

const refused = { source: 'hr', at: s.now + 7, why: '3 rows, at least 10 are expected', hint: 'look at the file' }

function accepted(rest: Partial<AcceptedRead> = {}): AcceptedRead {
  return { source: 'hr', at: s.now, rows: 10, active: 9, modifiedAt: s.now - 5, mappingVersion: 'v1', ...rest }
}

describe('reads of a source', () => {
  test('are numbered as they are accepted, each with the digest of its bytes; a refused one does not count', async () => {
    const ledger = await s.ledgerWith(0)
    expect(await ledger.acceptedRead('hr')).not.toHaveProperty('digest')
    await ledger.saveIntake(s.intake([], { accepted: accepted({ digest: 'aa' }), base: 1 }), 'c')
    expect(await ledger.acceptedRead('hr')).toEqual(accepted({ digest: 'aa', number: 2 }))
    await ledger.saveIntake(s.intake([], { accepted: null, refused, base: 2 }), 'c')
    expect(await ledger.acceptedRead('hr')).toMatchObject({ digest: 'aa', number: 2 })
    await ledger.saveIntake(s.intake([], { base: 2 }), 'c')
    expect(await ledger.acceptedRead('hr')).toEqual(accepted({ number: 3 }))
    const setAside = { rows: 1, since: s.now, first: [{ place: { file: 'people.csv', line: 3 }, path: 'Status' }] }
    await ledger.saveIntake(s.intake([], { accepted: accepted({ setAside }), base: 3 }), 'c')
    expect(await ledger.acceptedRead('hr')).toEqual(accepted({ setAside, number: 4 }))
    const other = accepted({ source: 'crm' })
    await ledger.saveIntake(s.intake([], { source: 'crm', accepted: other, base: 0 }), 'c')
    expect(await ledger.acceptedRead('crm')).toEqual({ ...other, number: 1 })
  })

  test('do not describe whom somebody described anew meanwhile, but these people are marked', async () => {
    const ledger = await s.ledgerWith(2)
    const known = new Map((await ledger.identities()).map(({ id, revision = 0 }) => [id, revision]))
    await ledger.saveIntake(s.intake([s.person('p1', { state: 'left' })]), 'feed')
    const event = { identity: 'hr:p1', kind: 'joiner', effectiveAt: 1, observedAt: 2, changed: [] } as const
    const events = [{ ...event, reason: { kind: 'source', text: 'started' } as const }]
    const people = [s.person('p1', { state: 'suspended' }), s.person('p2', { state: 'suspended' })]
    await ledger.saveIntake({ ...s.intake(people, { accepted: null, known }), events }, 'clock')
    expect((await ledger.identities()).map(({ state }) => state)).toEqual(['left', 'suspended'])
    expect(await ledger.events('hr:p1', 10)).toEqual([])
    const marks = await ledger.markedOf(['hr:p1', 'hr:p2'])
    const byClock = marks.filter(({ correlation }) => correlation === 'clock')
    expect(byClock.map(({ identity }) => identity)).toEqual(['hr:p1', 'hr:p2'])
  })

  test('are overtaken where the clock changed somebody meanwhile: the read may open whom the clock has shut', async () => {
    const ledger = await s.ledgerWith(2)
    const known = new Map((await ledger.identities()).map(({ id, revision = 0 }) => [id, revision]))
    await ledger.saveIntake(s.intake([s.person('p1', { state: 'left' })], { accepted: null, known }), 'clock')
    const late = s.intake([s.person('p1', { status: 'suspended' }), s.person('p2')], { base: 1, known })
    await expect(ledger.saveIntake(late, 'feed')).rejects.toMatchObject({ code: 'read-overtaken' })
    expect((await ledger.identities()).map(({ state }) => state)).toEqual(['left', 'active'])
    const others = new Map([['hr:p2', known.get('hr:p2') ?? 0]])
    await ledger.saveIntake(s.intake([s.person('p2'), s.person('p3')], { base: 1, known: others }), 'feed')
    expect((await ledger.acceptedRead('hr'))?.number).toBe(2)
  })

  test('tell the clock when it changes somebody next, before any plan does', async () => {
    const ledger = await s.ledgerWith(0)
    await ledger.saveIntake(s.intake([s.person('p1', { next: { at: s.now + 5, state: 'left' } })]), 'feed')
    expect(await ledger.clockDue(s.now + 4, 10)).toEqual([])
    expect(await ledger.clockDue(s.now + 5, 10)).toEqual(['hr:p1'])
  })

  test.each([
    ['accepted', s.intake([s.person('p1', { state: 'left' })], { base: 1 })],
    ['refused', s.intake([s.person('p1', { state: 'left' })], { base: 1, accepted: null, refused })],
    ['accepted, and knew of no other', s.intake([s.person('p1', { state: 'left' })], { base: 0 })],
    ['accepted, and knew of one that the ledger lost', s.intake([s.person('p1', { state: 'left' })], { base: 9 })],
  ])('one that was %s is not saved when another was accepted meanwhile', async (_, late) => {
    const ledger = await s.ledgerWith(1)
    await ledger.saveIntake(s.intake([], { accepted: accepted({ rows: 11 }), base: 1 }), 'winner')
    const before = await ledger.identities()
    const marks = await ledger.marked(10)
    const event = { kind: 'leaver', identity: 'hr:p1', effectiveAt: 1, observedAt: 2, changed: [] } as const
    const events = [{ ...event, reason: { kind: 'source', text: 'left' } as const }]
    await expect(ledger.saveIntake({ ...late, events }, 'late')).rejects.toMatchObject({
      code: 'read-overtaken',
      class: 'retry',
      message: expect.stringContaining('read 2 is in force') as string,
    })
    expect(await ledger.identities()).toEqual(before)
    expect(await ledger.acceptedRead('hr')).toMatchObject({ rows: 11, number: 2 })
    expect(await ledger.lastRefusal('hr')).toBeNull()
    expect(await ledger.events('hr:p1', 10)).toEqual([])
    expect(await ledger.marked(10)).toEqual(marks)
  })

  test('of several that were compared with the same one, one is saved', async () => {
    const ledger = await s.ledgerWith(1)
    const read = (n: number) => s.intake([s.person('p1', { recordHash: `h${n}` })], { base: 1 })
    const saved = await Promise.allSettled([1, 2, 3].map((n) => ledger.saveIntake(read(n), `c${n}`)))
    expect(saved.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await ledger.identities()).toMatchObject([{ recordHash: 'h1', revision: 2 }])
  })
})

describe('a changed person', () => {
  test('has a higher revision with every description that is stored, and the others keep theirs', async () => {
    const ledger = await s.ledgerWith(2)
    const revisions = async () => (await ledger.identities()).map(({ id, revision }) => [id, revision])
    await ledger.saveIntake(s.intake([s.person('p2', { state: 'left' }), s.person('p3', { revision: 77 })]), 'c')
    expect(await revisions()).toEqual([
      ['hr:p1', 1],
      ['hr:p2', 2],
      ['hr:p3', 1],
    ])
    await ledger.saveIntake(s.intake([s.person('p2')], { accepted: null, refused }), 'c')
    expect(await revisions()).toContainEqual(['hr:p2', 3])
  })

  test('is marked by the same write, with the moment when the change was noticed', async () => {
    const ledger = await s.ledgerWith(0)
    await ledger.saveIntake(s.intake([s.person('p1')], { receivedAt: s.now - 40 }), 'noticed')
    await ledger.saveIntake(s.intake([s.person('p2')]), 'read')
    await ledger.saveIntake(s.intake([s.person('p1')], { accepted: null, refused }), 'by the clock')
    const marks = (await ledger.marked(10)).map(({ id: _, ...mark }) => mark)
    expect(marks).toEqual([
      { identity: 'hr:p1', cause: 'feed', since: s.now - 40, correlation: 'noticed' },
      { identity: 'hr:p2', cause: 'feed', since: s.now, correlation: 'read' },
      { identity: 'hr:p1', cause: 'clock', since: s.now + 7, correlation: 'by the clock' },
    ])
  })
})

describe('a read that changes thousands of people', () => {
  const many = (count: number, rest: Partial<Identity> = {}) => s.people(count).map((one) => ({ ...one, ...rest }))
  const leaver = (key: string): LifecycleEvent => ({
    kind: 'leaver',
    identity: `hr:${key}`,
    effectiveAt: s.now,
    observedAt: s.now,
    reason: { kind: 'source', text: 'left' },
    changed: ['state'],
  })

  test('is saved as a whole, each person marked once and each event kept, whoever leaves first of all', async () => {
    const ledger = await s.ledgerWith(3_500)
    const before = (await ledger.marked(10_000)).at(-1)?.id ?? 0
    const changed = many(3_500).map((one, n) => (n === 3_333 ? { ...one, state: 'left' as const } : one))
    const events = [leaver('p3334'), leaver('p1'), leaver('p3500')]
    const read = accepted({ digest: 'aa', mappingVersion: 'v2' })
    await ledger.saveIntake(s.intake(changed, { accepted: read, base: 1, events }), 'c')
    const people = await ledger.identities()
    expect(people).toHaveLength(3_500)
    expect(people.filter(({ revision }) => revision !== 2)).toEqual([])
    const marks = (await ledger.marked(10_000)).filter(({ id }) => id > before)
    expect(new Set(marks.map(({ identity }) => identity)).size).toBe(3_500)
    expect(marks).toHaveLength(3_500)
    expect(marks[0]?.identity).toBe('hr:p3334')
    for (const event of events) expect(await ledger.events(event.identity, 9)).toEqual([event])
    const now = await ledger.acceptedRead('hr')
    expect(now).toEqual({ ...read, number: now?.number ?? 0 })
    expect(now?.number).toBeGreaterThan(1)
    await ledger.saveIntake(s.intake([], { base: now?.number ?? 0 }), 'c')
  })

  test('lets other work go on in between', async () => {
    const ledger = await s.ledgerWith(0)
    const order: string[] = []
    const saving = ledger.saveIntake(s.intake(many(5_000)), 'c').then(() => order.push('saved'))
    await ledger.tick('hr', s.now, s.now).then(() => order.push('other work'))
    await saving
    expect(order).toEqual(['other work', 'saved'])
  })

  test('stops when another read is accepted in the middle, and the next one that knows better is saved', async () => {
    const ledger = await s.ledgerWith(2_500)
    const large = s.intake(many(2_500, { recordHash: 'large' }), { accepted: accepted({ digest: 'aa' }), base: 1 })
    const small = s.intake([s.person('p2500', { recordHash: 'small' })], {
      accepted: accepted({ rows: 77, digest: 'bb' }),
    })
    expect(
      await Promise.allSettled([ledger.saveIntake(large, 'large'), ledger.saveIntake(small, 'small')]),
    ).toMatchObject([{ status: 'rejected', reason: { code: 'read-overtaken' } }, { status: 'fulfilled' }])
    const [now, people] = [await ledger.acceptedRead('hr'), await ledger.identities()]
    expect(now).toMatchObject({ rows: 77, digest: 'bb' })
    expect(people.find(({ id }) => id === 'hr:p2500')).toMatchObject({ recordHash: 'small' })
    await ledger.saveIntake({ ...large, base: now?.number ?? 0 }, 'again')
    expect((await ledger.identities()).filter(({ recordHash }) => recordHash !== 'large')).toEqual([])
  })

  test('that ends in the middle does not look accepted: whoever reads next compares every row', async () => {
    const { url } = await s.temporaryLedger()
    const ledger = await openLedger(url)
    await ledger.saveIntake(s.intake(many(2_500), { accepted: accepted({ digest: 'aa' }) }), 'first')
    const read2 = accepted({ digest: 'bb', rows: 99, mappingVersion: 'v2' })
    const large = s.intake(many(2_500, { recordHash: 'new' }), { accepted: read2, base: 1 })
    const [saved] = await Promise.allSettled([ledger.saveIntake(large, 'c'), ledger[Symbol.asyncDispose]()])
    expect(saved.status).toBe('rejected')

    await using again = await openLedger(url)
    const known = await again.identities()
    const isNew = Map.groupBy(known, ({ recordHash }) => recordHash === 'new')
    expect(isNew.get(true)?.length).toBeGreaterThan(0)
    expect(isNew.get(false)?.length).toBeGreaterThan(0)
    const read = await again.acceptedRead('hr')
    expect(read).toMatchObject({ rows: 10, mappingVersion: 'v1' })
    expect(read).not.toHaveProperty('digest')
    // A read that had been compared with the one before it is overtaken.
    await expect(again.saveIntake(s.intake([], { base: 1 }), 'late')).rejects.toMatchObject({ code: 'read-overtaken' })
  })

  test('because a date is reached is stopped by an accepted read too, and does not count as one', async () => {
    const ledger = await s.ledgerWith(2_500)
    const clock = { accepted: null, refused }
    await ledger.saveIntake(s.intake(many(2_500), { ...clock, base: 1 }), 'c')
    expect(await ledger.acceptedRead('hr')).toMatchObject({ number: 1 })
    const saving = ledger.saveIntake(s.intake(many(2_500), { ...clock, base: 1 }), 'c')
    expect(await Promise.allSettled([saving, ledger.saveIntake(s.intake([]), 'c')])).toMatchObject([
      { status: 'rejected', reason: { code: 'read-overtaken' } },
      { status: 'fulfilled' },
    ])
  })
})
