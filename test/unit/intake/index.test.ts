import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyturnError } from '../../../src/model/errors.ts'
import { DAY } from '../../../src/model/instant.ts'
import { dateColumn, noon, person, read, recordOf, recordsOf, settingsWith } from './feed.ts'
import type { Row } from './feed.ts'

const ada: Row = { Id: '1', First: 'Ada', Last: 'Lovelace', Start: '2020-01-01' }
const bob: Row = { Id: '2', First: 'Bob', Last: 'Last', Manager: 'Ada Lovelace' }
const incomplete = (cause: Error) => ({ complete: false as const, takenAt: noon, count: 0, cause })

describe('a first read', () => {
  const result = read(recordsOf([ada, { ...bob, Status: 'Gone', End: '2024-05-31' }]))

  test('makes identities by source and key, with their reason', () => {
    expect(person(result, '1')).toMatchObject({
      id: 'hr:1',
      source: 'hr',
      state: 'active',
      firstSeenAt: noon,
      zone: 'UTC',
      announcedAt: null,
      reason: { kind: 'source', text: 'Status "Active"', place: { file: 'people.csv', line: 2 } },
    })
  })

  test('knows who had left before', () => {
    expect(person(result, '2')).toMatchObject({
      state: 'left',
      leftAt: Date.UTC(2024, 4, 31),
      leftBeforeFirstSeen: true,
      reason: { text: 'Status "Gone"; End start of 2024-05-31 UTC' },
    })
    expect(person(result, '1').leftBeforeFirstSeen).toBe(false)
  })

  test('is accepted with its numbers, whatever they are: there is nothing to compare with', () => {
    expect(result.refused).toBeNull()
    expect(result.accepted).toEqual({
      source: 'hr',
      number: 1,
      at: noon,
      rows: 2,
      active: 1,
      modifiedAt: noon,
      mappingVersion: 'v1',
      setAside: { rows: 0, since: noon, first: [] },
    })
    expect(result.changed).toHaveLength(2)
  })
})

describe('a second read', () => {
  const first = read(recordsOf([ada, bob]))

  test('of the same file changes nothing, and gives the very same people', () => {
    const second = read(recordsOf([ada, bob]), { after: first, now: noon + DAY })
    expect(second.changed).toEqual([])
    expect(second.events).toEqual([])
    expect(second.identities.every((one, index) => one === first.identities[index])).toBe(true)
  })

  test('with moved lines and changed columns that nobody uses has nothing to write', () => {
    const moved = recordsOf([{ Id: '0', Status: '?' }, bob, { ...ada, Salary: '1' }])
    const second = read(moved, { after: first })
    expect(second.changed).toEqual([])
    expect(second.events).toEqual([])
    expect(person(second, '2').place.line).toBe(3)
  })

  test('does not map a row again that is as it was', () => {
    const [record] = recordsOf([ada])
    if (record === undefined) throw new Error('a record is needed')
    const row = { ...record.row, First: 'Not looked at' }
    const second = read([{ ...record, row }, ...recordsOf([bob])], { after: first })
    expect(person(second, '1').attributes['givenName']).toBe('Ada')
  })

  test('maps every row again when the mapping or the zone is another', () => {
    const [record] = recordsOf([ada])
    if (record === undefined) throw new Error('a record is needed')
    const other = { ...record, row: { ...record.row, First: 'Looked at' } }
    for (const settings of [settingsWith({ mapping: { version: 'v2' } }), settingsWith({ timezone: 'Asia/Tokyo' })]) {
      const second = read([other], { after: first, settings })
      expect(person(second, '1').attributes['givenName']).toBe('Looked at')
    }
  })
})

describe('a record that cannot be used', () => {
  const first = read(recordsOf([ada, bob]))

  test('changes nothing for its person, is reported with its line, and proves presence', () => {
    const broken = { ...recordOf({ ...bob, Status: 'Gone' }, 3), problem: 'the row has 3 fields, the header has 8' }
    const second = read([recordOf(ada, 2), broken], { after: first, now: noon + 9 * DAY })
    expect(second.changed).toEqual([])
    expect(person(second, '2')).toMatchObject({ state: 'active', vanishedAt: null })
    expect(second.problems).toMatchObject([{ place: { line: 3 }, path: '2', message: broken.problem }])
  })

  test('in two rows with one key sets both aside and names both lines', () => {
    const records = [ada, { ...bob, Status: 'Gone' }, bob, { ...bob, Status: 'Leave' }]
    const second = read(recordsOf(records), { after: first })
    expect(second.changed).toEqual([])
    expect(second.problems.map(({ message }) => message)).toEqual([
      'the key 2 stands in 3 rows: lines 3, 4, 5; a key may stand in one',
    ])
    expect(read(recordsOf([ada, bob, bob])).identities.map(({ key }) => key)).toEqual(['1'])
  })

  test('lets the clock go on for its person', () => {
    const notice = read(recordsOf([{ ...bob, Status: 'Gone', End: '2026-06-20' }, ada]))
    expect(person(notice, '2')).toMatchObject({ state: 'active', next: { at: Date.UTC(2026, 5, 20), state: 'left' } })
    const later = read(recordsOf([{ ...bob, Status: '?' }, ada]), { after: notice, now: noon + 9 * DAY })
    expect(person(later, '2')).toMatchObject({ state: 'left', leftAt: Date.UTC(2026, 5, 20) })
    expect(later.events).toMatchObject([
      { kind: 'leaver', effectiveAt: Date.UTC(2026, 5, 20), observedAt: noon + 9 * DAY },
    ])
  })

  test('without a key proves nobody’s absence', () => {
    const keyless = { ...recordOf({}, 3), key: null, problem: 'the key column "Id" is empty' }
    const second = read([recordOf(ada, 2), keyless], { after: first })
    expect(person(second, '2').vanishedAt).toBeNull()
    expect(second.problems).toMatchObject([{ path: '', message: keyless.problem }])
  })

  test('changes nothing even where no row of the feed can be used', () => {
    const broken = recordsOf([ada, bob]).map((record) => ({ ...record, problem: 'the row has 3 fields' }))
    expect(read(broken, { after: first })).toMatchObject({ refused: null, changed: [], events: [] })
  })

  test('without a key and a reason says at least that', () => {
    const second = read([recordOf(ada, 2), { ...recordOf({}, 3), key: null }], { after: first })
    expect(second.problems).toMatchObject([{ message: 'the row has no key' }])
  })

  test('with a key that nobody has may be anybody: its fields may have shifted', () => {
    const shifted = { ...recordOf({ Id: 'Last' }, 3), problem: 'the row has 9 fields, the header has 8' }
    expect(person(read([recordOf(ada, 2), shifted], { after: first }), '2').vanishedAt).toBeNull()
  })
})

describe('a record that contradicts itself', () => {
  const contradiction: Row = { ...bob, Start: '2026-09-01', End: '2026-07-01' }

  test('is held: the state stays, and somebody is told', () => {
    const first = read(recordsOf([ada, bob]))
    const second = read(recordsOf([ada, contradiction]), { after: first })
    const held = 'contradicts itself: Status "Active" with Start start of 2026-09-01 UTC, End start of 2026-07-01 UTC'
    expect(person(second, '2')).toMatchObject({ state: 'active', held, reason: { text: 'Status "Active"' } })
    expect(second.problems).toMatchObject([{ severity: 'warning', path: 'Status', place: { line: 3 }, message: held }])
    expect(second.events).toMatchObject([{ kind: 'attribute-change', changed: ['startsAt', 'endsAt', 'held'] }])
    expect(read(recordsOf([ada, contradiction]), { after: second }).changed).toEqual([])
  })

  test('makes nobody of somebody new', () => {
    const result = read(recordsOf([ada, contradiction]))
    expect(result.identities.map(({ key }) => key)).toEqual(['1'])
    expect(result.problems).toMatchObject([{ severity: 'error', place: { line: 3 } }])
  })
})

describe('a feed that could not be read to its end', () => {
  const notice: Row = { ...bob, Status: 'Gone', End: '2026-06-20' }
  const first = read(recordsOf([ada, notice]))

  test('says why, with the way out, and changes nothing', () => {
    const end = incomplete(new KeyturnError('source-incomplete', 'people.csv is cut', { hint: 'Write it again.' }))
    const second = read(recordsOf([{ ...ada, Status: 'Gone' }]), { after: first, end })
    expect(second.accepted).toBeNull()
    expect(second.refused).toEqual({ source: 'hr', at: noon, why: 'people.csv is cut', hint: 'Write it again.' })
    expect(second.changed).toEqual([])
    expect(second.identities).toEqual(first.identities)
  })

  test('stops no clock: an end that was told before is reached', () => {
    const end = incomplete(new Error('no such file'))
    const second = read([], { after: first, end, now: noon + 30 * DAY })
    expect(second.refused).toMatchObject({ why: 'no such file', hint: '' })
    expect(second.changed).toMatchObject([
      { key: '2', state: 'left', announcedAt: noon, leftAt: Date.UTC(2026, 5, 20) },
    ])
    expect(second.events).toMatchObject([{ kind: 'leaver', identity: 'hr:2' }])
  })

  test('has no hint where the cause has none', () => {
    const end = incomplete(new KeyturnError('source-incomplete', 'people.csv is cut'))
    expect(read([], { end }).refused).toMatchObject({ hint: '' })
  })
})

describe('an announced end', () => {
  const notice: Row = { ...bob, Status: 'Gone', End: '2026-06-20' }
  const first = read(recordsOf([ada, notice]))

  test('keeps the read that told it first, while it is the same', () => {
    const later = read(recordsOf([ada, { ...notice, Department: 'New' }]), { after: first, now: noon + DAY })
    expect(person(later, '2').announcedAt).toBe(noon)
    const moved = read(recordsOf([ada, { ...notice, End: '2026-06-30' }]), { after: later, now: noon + 2 * DAY })
    expect(person(moved, '2').announcedAt).toBe(noon + 2 * DAY)
    const withdrawn = read(recordsOf([ada, bob]), { after: moved, now: noon + 3 * DAY })
    expect(person(withdrawn, '2')).toMatchObject({ announcedAt: null, next: null, state: 'active' })
  })

  test('fires once, however late it is looked at', () => {
    const late = read(recordsOf([ada, notice]), { after: first, now: noon + 100 * DAY })
    expect(late.events.map(({ kind }) => kind)).toEqual(['leaver'])
    expect(read(recordsOf([ada, notice]), { after: late, now: noon + 101 * DAY }).events).toEqual([])
  })

  test('of access alone is told apart from that of employment', () => {
    const settings = settingsWith({ mapping: { accessEndsAt: dateColumn('Access') } })
    const rows = [
      { ...ada, Access: '' },
      { ...bob, End: '2026-12-31', Access: '2026-06-01' },
    ]
    const result = read(recordsOf(rows), { settings })
    expect(person(result, '2')).toMatchObject({
      state: 'left',
      leftAt: Date.UTC(2026, 5, 1),
      endsAt: Date.UTC(2026, 11, 31),
      reason: { text: 'Status "Active"; Access start of 2026-06-01 UTC' },
    })
  })
})

test('an end that an absent person announced counts even when no column tells ends any more', () => {
  const notice = read(recordsOf([ada, { ...bob, End: '2026-06-20' }]))
  const { attributes, references, state, version } = settingsWith().identity
  const settings = settingsWith({ identity: { attributes, references, state, version } })
  const later = read(recordsOf([ada]), { after: notice, settings, now: noon + 30 * DAY })
  expect(person(later, '2')).toMatchObject({
    state: 'left',
    reason: { text: 'Status "Active"; endsAt 2026-06-20 00:00 UTC' },
  })
})

test('whoever left before Keyturn came and is rehired is no backlog when they leave again', () => {
  const gone = read(recordsOf([ada, { ...bob, Status: 'Gone', End: '2020-01-01' }]))
  const back = read(recordsOf([ada, { ...bob, Start: '2026-06-01', End: '2020-01-01' }]), { after: gone })
  expect(person(back, '2')).toMatchObject({ state: 'active', leftAt: null, leftBeforeFirstSeen: false })
  const again = read(recordsOf([ada, { ...bob, Status: 'Gone', Start: '2026-06-01' }]), {
    after: back,
    now: noon + DAY,
  })
  expect(person(again, '2')).toMatchObject({ state: 'left', leftAt: noon + DAY, leftBeforeFirstSeen: false })
})

test('any order of the rows gives the same people, events and problems', () => {
  const rows: Row[] = [
    ada,
    bob,
    { Id: '3', First: 'Carl', Manager: 'Bob Last' },
    { Id: '4', First: 'Dora', Manager: 'Nobody Here' },
    { Id: '5', Start: '2026-12-01' },
    { Id: '6', Status: 'Gone', End: '2026-08-01' },
    { Id: '7', Status: '?' },
    { Id: '8', Start: '13/13/2020' },
    { Id: '9', Status: 'Leave' },
  ]
  const before = read(recordsOf([{ ...ada, Department: 'Old' }, { ...bob, Status: 'Leave' }, { Id: '0' }]))
  const essence = (some: readonly Row[]) => {
    const { identities, changed, events, problems } = read(recordsOf(some), { after: before })
    const withoutPlace = (one: object) => JSON.stringify({ ...one, place: 0, reason: 0 })
    const lists = [identities, changed, events, problems].map((list) => list.map(withoutPlace).toSorted())
    return lists
  }
  const expected = essence(rows)
  fc.assert(
    fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (shuffled) => {
      expect(essence(shuffled)).toEqual(expected)
    }),
  )
})
