import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Identity, IntakeResult } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { SourceSettings } from '../../../src/model/settings.ts'
import { column, dateColumn, noon, settingsWith } from './feed.ts'
import { compared, header, whole } from './light-feed.ts'

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

  const stories = fc.record({
    settings: settingsOf,
    lines,
    edits,
    /** Does the second person's key stand in two rows? */
    isDoubled: fc.constantFrom(false, false, false, false, true),
    /** So many people are missing since an earlier read. */
    missing: fc.nat(2),
    days: fc.nat(4),
  })
  type Story = typeof stories extends fc.Arbitrary<infer T> ? T : never

  function textOf(some: Story['lines'], isDoubled: boolean): string {
    const keyOf = (index: number) => (isDoubled && index > 0 ? Math.max(index - 1, 1) : index) + 1
    const rows = some.map(({ row, broken: rest, ending }, index) => {
      const { First, Last, Department, Manager, Status, Start, End, Zone, Salary } = row
      const fields = [keyOf(index), First, Last, Department, Manager, Status, Start, End, Zone, Salary]
      return `${fields.join(',')}${rest}${ending}`
    })
    return header + rows.join('')
  }

  function edited(some: Story['lines'], changes: Story['edits']): Story['lines'] {
    const now = some.slice()
    for (const { at, change, broken: rest } of changes) {
      const before = now[at % now.length]
      if (before === undefined) throw new Error('there is always a row')
      const row = { ...before.row, ...(change as Partial<Row>) }
      now[at % now.length] = { ...before, row, broken: rest === '' ? before.broken : rest }
    }
    return now
  }

  /** An earlier feed, the one that is known, and the next; null where one of them is no feed at all. */
  async function told({ settings, lines: some, edits: changes, isDoubled, missing, days }: Story) {
    const present = some.slice(0, Math.max(1, some.length - missing))
    const from = textOf(present, isDoubled)
    const to = textOf(edited(present, changes), isDoubled)
    const earlier = await whole(settings, textOf(some, isDoubled), undefined, noon - DAY).catch(() => null)
    const known = earlier === null ? null : await whole(settings, from, earlier.result).catch(() => null)
    if (known === null || known.result.accepted === null) return null
    const now = noon + days * DAY
    const { look, light } = await compared(settings, to, known.memory, known.result, now)
    if (look === null || (await hasNewcomers(settings, from, known.result, now))) return null
    const full = (await whole(settings, to, known.result, now)).result
    const same = (await whole(settings, from, known.result, now)).result
    return hasUnproven(full) ? null : { settings, look, light, full, same, known: known.result }
  }

  type Told = NonNullable<Awaited<ReturnType<typeof told>>>

  /** Is the only difference that somebody who is active, and whose row is in order, has left? */
  function isPlainLeaver({ settings, look, full, known }: Told): boolean {
    const [before, after] = [look.before[0], look.after[0]]
    if (look.after.length !== 1 || before === undefined || after === undefined || full.refused !== null) return false
    const was = known.identities.find(({ key }) => key === after.key)
    const isHeld = settings.identity.references['manager']?.unresolved === 'hold' && was?.unresolved !== undefined
    const errors = [...known.problems, ...full.problems].filter(({ severity }) => severity === 'error')
    const lines = [before.place.line, after.place.line]
    return (
      was?.state === 'active' &&
      [before.row['Status'], after.row['Status']].join(' ') === 'Active Gone' &&
      Object.keys(after.row).every((name) => name === 'Status' || before.row[name] === after.row[name]) &&
      !isHeld &&
      !errors.some(({ place }) => lines.includes(place.line))
    )
  }

  function expectSame({ look, full, same }: Told, light: IntakeResult): void {
    const keys = new Set(look.after.map(({ key }) => key))
    const isMine = ({ key }: Identity) => keys.has(key)
    const mine = (people: readonly Identity[]) => people.filter(isMine).toSorted((a, b) => (a.key < b.key ? -1 : 1))
    expect(mine(light.identities)).toEqual(mine(full.identities))
    expect(mine(light.changed)).toEqual(mine(full.changed))
    expect([light.identities.length, light.changed.length]).toEqual([keys.size, mine(full.changed).length])
    const ids = new Set(light.identities.map(({ id }) => id))
    const events = (all: IntakeResult['events']) =>
      all.filter(({ identity }) => ids.has(identity)).toSorted((a, b) => (a.identity < b.identity ? -1 : 1))
    expect(events(light.events)).toEqual(events(full.events))
    // Of everybody else a read of the unchanged feed says the same.
    const others = ({ changed }: IntakeResult) =>
      changed.filter((one) => !isMine(one)).map(({ id, state, reason: { text } }) => [id, state, text])
    if (same.refused === null) expect(others(full)).toEqual(others(same))
    const { rows, number, digest, modifiedAt } = full.accepted ?? {}
    expect(light.accepted).toMatchObject({ rows, number, digest, modifiedAt })
    const asideOf = ({ accepted }: IntakeResult) => [accepted?.setAside?.rows, accepted?.setAside?.since]
    expect(asideOf(light)).toEqual(asideOf(full))
    const lines = new Set(look.after.map(({ place }) => place.line))
    const errors = ({ problems }: IntakeResult) => problems.filter(({ severity }) => severity === 'error')
    expect(errors(light)).toEqual(errors(full).filter(({ place }) => lines.has(place.line)))
  }

  test('the few are decided as a whole read decides them, nobody else is touched, and no plain leaver waits for a whole read', async () => {
    const count = { light: 0, leavers: 0 }
    await fc.assert(
      fc.asyncProperty(stories, async (story) => {
        const found = await told(story)
        if (found === null) return
        if (found.light === null) {
          expect(isPlainLeaver(found)).toBe(false)
          return
        }
        expect(found.full.refused).toBeNull()
        expectSame(found, found.light)
        count.light++
        count.leavers += found.light.events.filter(({ kind }) => kind === 'leaver').length
      }),
      { numRuns: 300 },
    )
    expect(count.light).toBeGreaterThan(20)
    expect(count.leavers).toBeGreaterThan(1)
  })
})
