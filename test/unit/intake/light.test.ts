import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { advance, lightIntake } from '../../../src/intake/index.ts'
import type { Identity, IntakeResult, SourceRecord } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { SourceSettings } from '../../../src/model/settings.ts'
import type { Look } from '../../../src/sources/index.ts'
import type { FeedMemory } from '../../../src/sources/memory.ts'
import { compareText, wholeText } from '../sources/text-feed.ts'
import { column, dateColumn, noon, person, read, settingsWith } from './feed.ts'

const header = 'Id,First,Last,Department,Manager,Status,Start,End,Zone,Salary\n'
const later = noon + DAY

/** The feed as a text, read as a whole. */
async function whole(settings: SourceSettings, text: string, after?: IntakeResult, now = noon) {
  const { records, memory } = await wholeText(settings, text, now)
  const end = { complete: true as const, takenAt: now, count: records.length, modifiedAt: now, digest: text }
  return { memory, result: read(records, { settings, now, end, ...(after === undefined ? {} : { after }) }) }
}

interface Compared {
  /** What is different; null where only a whole read can tell. */
  readonly look: Extract<Look, { kind: 'changed' }> | null
  readonly light: IntakeResult | null
}

/** The same text, compared with what is remembered. */
async function compared(
  settings: SourceSettings,
  text: string,
  memory: FeedMemory,
  { identities, accepted }: Pick<IntakeResult, 'identities' | 'accepted'>,
  now = later,
): Promise<Compared> {
  const look = await compareText(settings, memory, text, now)
  if (look.kind !== 'changed') return { look: null, light: null }
  const { before, after, rows, modifiedAt } = look
  const keys = new Set(after.map(({ key }) => key))
  const light = lightIntake(settings)({
    ...{ previous: identities.filter(({ key }) => keys.has(key)), lastRead: accepted, before, after },
    ...{ base: memory.digest, digest: look.memory.digest, modifiedAt, rows, now, receivedAt: now - 5 },
  })
  return { look, light }
}

describe('one different row', () => {
  const settings = settingsWith({ contract: { required: ['Id'], rows: { min: 1, maxChange: 0.5 } } })
  const text = `${header}1,Ada,Boss,IT,,Active,2020-01-01,,,1
2,Bob,Last,IT,Ada Boss,Active,2020-01-01,,,1
3,Cid,Last,IT,Nobody Here,Active,2020-01-01,,,1
4,Dee,Last,IT,Ada Boss,Active,2020-01-01,,,1
`
  let first: Awaited<ReturnType<typeof whole>>
  beforeAll(async () => {
    first = await whole(settings, text)
  })
  const edit = async (from: string, to: string, some: Partial<SourceSettings> = {}) =>
    (await compared({ ...settings, ...some }, text.replace(from, to), first.memory, first.result)).light

  test('makes a leaver, and is an accepted read with its number, its digest and what it was compared with', async () => {
    const light = await edit('2,Bob,Last,IT,Ada Boss,Active', '2,Bob,Last,IT,Ada Boss,Gone')
    expect(light).toMatchObject({
      base: 1,
      receivedAt: later - 5,
      refused: null,
      accepted: { number: 2, rows: 4, active: 3, at: later, modifiedAt: later, mappingVersion: 'v1' },
      events: [{ kind: 'leaver', identity: 'hr:2' }],
    })
    expect(light?.accepted?.digest).toBe(text.replace('Boss,Active,2020-01-01,,,1\n3', 'Boss,Gone,2020-01-01,,,1\n3'))
    expect(light?.identities).toMatchObject([{ key: '2', state: 'left', references: { manager: 'hr:1' } }])
  })

  test('of somebody whose manager is nobody is decided, too', async () => {
    expect(await edit('Nobody Here,Active', 'Nobody Here,Gone')).toMatchObject({
      changed: [{ key: '3', state: 'left', references: { manager: null }, unresolved: { manager: 'Nobody Here' } }],
    })
  })

  test('that takes the manager away needs nobody else', async () => {
    expect(await edit('2,Bob,Last,IT,Ada Boss', '2,Bob,Last,IT,')).toMatchObject({
      changed: [{ key: '2', references: { manager: null } }],
    })
  })

  test('in a column that nobody uses changes nobody, and the next difference is found all the same', async () => {
    const raised = text.replace('Active,2020-01-01,,,1\n3', 'Active,2020-01-01,,,2\n3')
    const { look, light } = await compared(settings, raised, first.memory, first.result)
    if (look === null || light === null) throw new Error('a whole read is not needed')
    expect(light.changed).toEqual([])
    // The ledger stores nothing of it: what it knows is the first read.
    const stored = { identities: first.result.identities, accepted: light.accepted }
    const gone = raised.replace('2,Bob,Last,IT,Ada Boss,Active', '2,Bob,Last,IT,Ada Boss,Gone')
    expect((await compared(settings, gone, look.memory, stored)).light?.events).toMatchObject([{ kind: 'leaver' }])
  })

  test('that cannot be understood is set aside and told', async () => {
    const light = await edit('2,Bob,Last,IT,Ada Boss,Active', '2,Bob,Last,IT,Ada Boss,Retired')
    expect(light?.changed).toEqual([])
    expect(light?.problems).toMatchObject([{ severity: 'error', path: 'Status', place: { line: 3 } }])
  })

  test.for<[string, string, string, Partial<SourceSettings>]>([
    ['refers to somebody else', '4,Dee,Last,IT,Ada Boss', '4,Dee,Last,IT,Bob Last', {}],
    ['is called otherwise', '1,Ada,Boss', '1,Ada,Chief', {}],
    [
      'belongs to a feed that is older than it may be',
      'Boss,Active',
      'Boss,Gone',
      {
        contract: { required: [], rows: { min: 1, maxChange: 1 }, maxAge: -1 },
      },
    ],
    [
      'belongs to a feed with too few rows',
      'Boss,Active',
      'Boss,Gone',
      {
        contract: { required: [], rows: { min: 9, maxChange: 1 } },
      },
    ],
    [
      'is read with another mapping',
      'Boss,Active',
      'Boss,Gone',
      {
        identity: settingsWith({ mapping: { version: 'v2' } }).identity,
      },
    ],
    ['is read in another zone', 'Boss,Active', 'Boss,Gone', { timezone: 'Asia/Tokyo' }],
    [
      'needs a column that is not there',
      'Boss,Active',
      'Boss,Gone',
      {
        contract: { required: ['Nick'], rows: { min: 1, maxChange: 1 } },
      },
    ],
  ])('needs a whole read where it %s', async ([, from, to, some]) => {
    expect(await edit(from, to, some)).toBeNull()
  })

  test('needs a whole read where the contract would refuse so many', async () => {
    expect(
      await edit('Ada Boss,Active', 'Ada Boss,Gone', { contract: { required: [], rows: { min: 1, maxChange: 0 } } }),
    ).not.toBeNull()
    const all = text.replaceAll('Active', 'Gone')
    expect((await compared(settings, all, first.memory, first.result)).light).toBeNull()
  })

  test('needs a whole read where the ledger knows another state, or somebody not at all', async () => {
    const to = text.replace('Nobody Here,Active', 'Nobody Here,Gone')
    const { identities, accepted } = first.result
    if (accepted === null) throw new Error('the first read was refused')
    const known = (change: Partial<Identity>) =>
      identities.map((one) => (one.key === '3' ? { ...one, ...change } : one))
    for (const other of [
      { identities, accepted: null },
      { identities, accepted: { ...accepted, digest: 'other' } },
      { identities: [], accepted },
      { identities: known({ vanishedAt: noon }), accepted },
      { identities: known({ status: 'suspended' }), accepted },
      { identities: known({ attributes: {} }), accepted },
      { identities: known({ unresolved: { manager: 'Somebody Else' } }), accepted },
      { identities: known({ unresolved: {} }), accepted },
    ]) {
      expect((await compared(settings, to, first.memory, other)).light).toBeNull()
    }
  })

  test('needs a whole read where the texts are held back until they fit somebody', async () => {
    const { references } = settingsWith().identity
    const manager = { ...column('Manager'), reference: 'displayName', unresolved: 'hold' as const }
    const strict = settingsWith({ mapping: { references: { ...references, manager } } })
    const known = await whole(strict, text.replace('Nobody Here', 'Ada Boss'))
    const held = await whole(strict, text, known.result, noon + 1)
    const gone = text.replace('Nobody Here,Active', 'Nobody Here,Gone')
    expect((await compared(strict, gone, held.memory, held.result)).light).toBeNull()
    const fine = text.replace('4,Dee,Last,IT,Ada Boss,Active', '4,Dee,Last,IT,Ada Boss,Gone')
    expect((await compared(strict, fine, held.memory, held.result)).light?.events).toMatchObject([{ kind: 'leaver' }])
  })
})

describe('the clock alone', () => {
  const settings = settingsWith()
  const text = `${header}1,Ada,Boss,IT,,Active,2020-01-01,2026-06-16,,1\n2,Bob,Last,IT,Ada Boss,Active,2026-06-16,,,1\n`

  test('ends and begins employment, compared with no read', async () => {
    const { result } = await whole(settings, text)
    const advanced = advance(settings, result.identities, later, later + 3)
    expect(advanced.events.map(({ kind, identity }) => [kind, identity])).toEqual([
      ['leaver', 'hr:1'],
      ['joiner', 'hr:2'],
    ])
    expect(advanced).toMatchObject({ source: 'hr', accepted: null, refused: null, receivedAt: later + 3 })
    expect(advanced).not.toHaveProperty('base')
    expect(person(advanced, '2').references).toEqual({ manager: 'hr:1' })
  })

  test('changes nobody for whom nothing is due', async () => {
    const { result } = await whole(settings, text)
    expect(advance(settings, result.identities, noon + 1, noon).changed).toEqual([])
  })

  test('holds whom the feed no longer has, but suspends nobody', async () => {
    for (const [then, held] of [
      ['hold', true],
      ['suspend', false],
    ] as const) {
      const some = settingsWith({ vanished: { after: DAY, then } })
      const { result } = await whole(some, text)
      const missing = await whole(some, text.replace(/^2.*\n/m, ''), result, noon + 1)
      const advanced = person(advance(some, missing.result.identities, noon + 9 * DAY, noon), '2')
      expect([advanced.state, advanced.held !== null]).toEqual([held ? 'pre-hire' : 'active', held])
    }
  })
})

describe('whatever is different in whatever feed', () => {
  const quoted = (text: fc.Arbitrary<string>) =>
    fc.tuple(text, fc.boolean()).map(([some, quotes]) => (quotes ? `"${some}"` : some))
  const day = fc.oneof(
    {
      weight: 40,
      arbitrary: fc.constantFrom('', '', '2020-01-01', '2026-06-14', '2026-06-15', '2026-06-17', '2026-07-01'),
    },
    { weight: 1, arbitrary: fc.constant('soon') },
  )
  const rowOf = fc.record({
    First: quoted(fc.constantFrom('Ann', 'Bea', 'Zoë', 'A\r\nB')),
    Last: fc.constantFrom('Last', 'Boss'),
    Department: fc.constantFrom('IT', 'HR', ''),
    Manager: fc.constantFrom('', 'Ann Last', 'ann  boss', 'Nobody', '1'),
    Status: fc.constantFrom('Active', 'Active', 'Active', 'Leave', 'Gone', 'Gone', 'Archived', 'Retired'),
    Start: day,
    End: day,
    Zone: fc.constantFrom('', '', '', '', '', '', 'Asia/Tokyo', 'Mars'),
    Salary: fc.constantFrom('1', '2'),
  })
  type Row = typeof rowOf extends fc.Arbitrary<infer T> ? T : never
  const broken = fc.oneof(
    { weight: 40, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom(',more', '"', '" x') },
  )
  const line = fc.record({ row: rowOf, broken, ending: fc.constantFrom('\n', '\n', '\n', '\r\n') })
  const lines = fc.array(line, { minLength: 2, maxLength: 8 })
  const edits = fc.array(
    fc.record({
      at: fc.nat(7),
      change: fc.oneof(
        rowOf,
        fc.record({ Status: fc.constantFrom('Gone', 'Leave', 'Active') }),
        fc.record({ End: day, Department: fc.constant('New') }),
      ),
      broken,
    }),
    { minLength: 1, maxLength: 3 },
  )
  const doubled = fc.constantFrom(null, null, null, null, 0)
  const gone = fc.nat(2)
  const settingsOf = fc
    .record({
      reference: fc.constantFrom('displayName', 'displayName', 'key'),
      unresolved: fc.constantFrom('keep' as const, 'keep' as const, 'clear' as const, 'hold' as const),
      content: fc.constantFrom('full' as const, 'full' as const, 'delta' as const),
      maxChange: fc.constantFrom(10, 10, 0.3),
      then: fc.constantFrom('hold' as const, 'suspend' as const, 'keep' as const),
    })
    .map(({ reference, unresolved, content, maxChange, then }) =>
      settingsWith({
        content,
        contract: { required: ['Id'], rows: { min: 1, maxChange } },
        vanished: { after: DAY, then },
        mapping: {
          references: { manager: { ...column('Manager'), reference, unresolved } },
          startsAt: dateColumn('Start'),
          endsAt: { ...dateColumn('End'), at: 'end-of-day' },
          zone: { column: 'Zone' },
        },
      }),
    )

  /** People whose absence a row without a key leaves unproven count at every whole read. */
  const hasUnproven = ({ refused }: IntakeResult) => /[1-9] are not in the feed/.test(refused?.why ?? '')

  /** Rows of people who are new only because time has passed since the last read are seen by whole reads alone. */
  async function hasNewcomers(settings: SourceSettings, text: string, known: IntakeResult, now: number) {
    const contract = { ...settings.contract, rows: { min: 0, maxChange: 100 } }
    return (await whole({ ...settings, contract }, text, known, now)).result.identities.length > known.identities.length
  }

  interface Line {
    readonly row: Row
    readonly broken: string
    readonly ending: string
  }

  function textOf(some: readonly Line[], twice: number | null): string {
    const key = (index: number) => (index > 0 && twice !== null ? Math.max(index - 1, 1) : index + 1)
    const rows = some.map(({ row, broken: rest, ending }, index) => {
      const { First, Last, Department, Manager, Status, Start, End, Zone, Salary } = row
      return `${[key(index), First, Last, Department, Manager, Status, Start, End, Zone, Salary].join(',')}${rest}${ending}`
    })
    return header + rows.join('')
  }

  const isPlain = (before: SourceRecord, after: SourceRecord) =>
    Object.keys(after.row).every((name) => name === 'Status' || before.row[name] === after.row[name])

  test('the few are decided as a whole read decides them, nobody else is touched, and a plain leaver is never left to a whole read', async () => {
    const count = { light: 0, leavers: 0 }
    await fc.assert(
      fc.asyncProperty(
        settingsOf,
        lines,
        edits,
        doubled,
        gone,
        fc.nat(4),
        async (settings, some, changes, twice, missing, days) => {
          const earlier = await whole(settings, textOf(some, twice), undefined, noon - DAY).catch(() => null)
          const now = some.slice(0, Math.max(1, some.length - missing))
          const from = textOf(now, twice)
          const known = earlier === null ? null : await whole(settings, from, earlier.result).catch(() => null)
          if (known === null || known.result.accepted === null) return
          for (const { at, change, broken: rest } of changes) {
            const before = now[at % now.length]
            if (before === undefined) throw new Error('there is always a row')
            now[at % now.length] = {
              ...before,
              row: { ...before.row, ...(change as Partial<Row>) },
              broken: rest === '' ? before.broken : rest,
            }
          }
          const to = textOf(now, twice)
          const at = noon + days * DAY
          const { look, light } = await compared(settings, to, known.memory, known.result, at)
          if (look === null) return
          const full = (await whole(settings, to, known.result, at)).result
          if (hasUnproven(full)) return
          if (await hasNewcomers(settings, from, known.result, at)) return
          if (light === null) {
            const [before, after] = [look.before[0], look.after[0]]
            if (look.after.length !== 1 || before === undefined || after === undefined || full.refused !== null) return
            const was = known.result.identities.find(({ key }) => key === after.key)
            const isLeaver =
              after.row['Status'] === 'Gone' && was?.state === 'active' && before.row['Status'] === 'Active'
            const isHeld =
              settings.identity.references['manager']?.unresolved === 'hold' && was?.unresolved !== undefined
            const isClean = [...known.result.problems, ...full.problems].every(({ severity, place }) => {
              return severity === 'warning' || (place.line !== after.place.line && place.line !== before.place.line)
            })
            expect(isLeaver && isClean && !isHeld && isPlain(before, after)).toBe(false)
            return
          }
          count.light++
          expect(full.refused).toBeNull()
          const keys = new Set(look.after.map(({ key }) => key))
          const isMine = ({ key }: Identity) => keys.has(key)
          const byKey = (people: readonly Identity[]) =>
            people.filter(isMine).toSorted((a, b) => (a.key < b.key ? -1 : 1))
          expect(byKey(light.identities)).toEqual(byKey(full.identities))
          expect(byKey(light.changed)).toEqual(byKey(full.changed))
          const mine = new Set(light.identities.map(({ id }) => id))
          const eventsOf = ({ events }: IntakeResult) =>
            events.filter(({ identity }) => mine.has(identity)).toSorted((a, b) => (a.identity < b.identity ? -1 : 1))
          expect(eventsOf(light)).toEqual(eventsOf(full))
          expect(light.events.length).toBe(eventsOf(light).length)
          count.leavers += light.events.filter(({ kind }) => kind === 'leaver').length
          // Of everybody else a read of the unchanged feed says the same.
          const same = (await whole(settings, from, known.result, at)).result
          const others = (result: IntakeResult) =>
            result.changed.filter((one) => !isMine(one)).map(({ place: _, ...rest }) => rest)
          if (same.refused === null)
            expect(others(full)).toMatchObject(
              others(same).map(({ reason: { text }, state, id }) => ({ id, state, reason: { text } })),
            )
          expect(light.accepted).toMatchObject({ rows: full.accepted?.rows, number: full.accepted?.number, digest: to })
          expect(
            light.problems.every(({ place }) => look.after.some((record) => record.place.line === place.line)),
          ).toBe(true)
        },
      ),
      { numRuns: 1000 },
    )
    expect(count.light).toBeGreaterThan(100)
    expect(count.leavers).toBeGreaterThan(15)
  })
})
