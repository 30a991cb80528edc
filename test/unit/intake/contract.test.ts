import { describe, expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../../src/model/instant.ts'
import type { FeedContract } from '../../../src/model/settings.ts'
import { noon, person, read, recordsOf, settingsWith } from './feed.ts'
import type { Row } from './feed.ts'

const contract = (some: Partial<FeedContract>): FeedContract => ({
  required: [],
  rows: { min: 1, maxChange: 0.1 },
  ...some,
})
const people = (from: number, to: number, some: Row = {}): Row[] =>
  Array.from({ length: to - from }, (_, index) => ({ Id: `${from + index}`, ...some }))

const settings = settingsWith({ contract: contract({}) })
const hundred = read(recordsOf(people(0, 100)), { settings })

describe('the columns', () => {
  test('that contract and mapping need must be there: a renamed one would look like a change of everybody', () => {
    const renamed = recordsOf(people(0, 100)).map((record) => {
      const row = Object.fromEntries(Object.entries(record.row).filter(([name]) => name !== 'Department'))
      return { ...record, hash: `${record.hash}!`, row: { ...row, Departement: 'x' } }
    })
    const result = read(renamed, { settings, after: hundred })
    expect(result.refused?.why).toBe('the feed lacks the column "Department" (there is "Departement")')
    expect(result.refused?.hint).toContain('The feed has "Status", "First"')
    expect(result.changed).toEqual([])
  })

  test('that are asked for by the contract alone are needed too', () => {
    const strict = settingsWith({ contract: contract({ required: ['Badge', 'Colour'] }) })
    expect(read(recordsOf(people(0, 9)), { settings: strict }).refused?.why).toBe(
      'the feed lacks the columns "Badge", "Colour"',
    )
  })
})

describe('the number of rows', () => {
  test.for([
    [{ min: 3, maxChange: 1 }, 2, 'the feed has 2 rows, fewer than rows.min 3'],
    [{ min: 1, max: 5, maxChange: 1 }, 6, 'the feed has 6 rows, more than rows.max 5'],
  ] as const)('is held against %j', ([rows, count, why]) => {
    const limited = settingsWith({ contract: contract({ rows }) })
    expect(read(recordsOf(people(0, count)), { settings: limited }).refused?.why).toBe(why)
  })

  test('within its limits passes', () => {
    const limited = settingsWith({ contract: contract({ rows: { min: 2, max: 3, maxChange: 1 } }) })
    expect(read(recordsOf(people(0, 3)), { settings: limited }).refused).toBeNull()
  })

  test('says what the last accepted read had', () => {
    const limited = settingsWith({ contract: contract({ rows: { min: 60, maxChange: 1 } }) })
    expect(read(recordsOf(people(0, 50)), { settings: limited, after: hundred }).refused?.why).toBe(
      'the feed has 50 rows (the last accepted read had 100), fewer than rows.min 60',
    )
  })
})

describe('the change of active people', () => {
  test('half of them gone refuses the read, with all the numbers', () => {
    const result = read(recordsOf(people(0, 50)), { settings, after: hundred })
    expect(result.refused?.why).toBe(
      '50 of 100 active people (50%) would be lost: 50 are not in the feed, 0 are no longer active; rows.max-change 10% allows 10',
    )
    expect(result).toMatchObject({ accepted: null, changed: [], events: [] })
    expect(result.identities.every(({ vanishedAt }) => vanishedAt === null)).toBe(true)
  })

  test('counts those who are ended by status and those who are absent together', () => {
    const rows = [...people(0, 6, { Status: 'Gone' }), ...people(6, 94)]
    expect(read(recordsOf(rows), { settings, after: hundred }).refused?.why).toContain(
      '12 of 100 active people (12%) would be lost: 6 are not in the feed, 6 are no longer active',
    )
  })

  test('up to the limit is accepted', () => {
    const rows = [...people(0, 10, { Status: 'Gone' }), ...people(10, 100)]
    const result = read(recordsOf(rows), { settings, after: hundred })
    expect(result.refused).toBeNull()
    expect(result.events.filter(({ kind }) => kind === 'leaver')).toHaveLength(10)
  })

  test('is not hidden by as many new ones: other keys for everybody are refused', () => {
    const result = read(recordsOf(people(1000, 1100)), { settings, after: hundred })
    expect(result.refused?.why).toContain('100 of 100 active people (100%) would be lost')
    expect(result.refused?.why).toContain('; 100 people would become active beside 100 (100%)')
  })

  test('also counts who comes back: a status that makes everybody active again', () => {
    const rows = [...people(0, 80), ...people(80, 100, { Status: 'Gone' })]
    const first = read(recordsOf(rows), { settings })
    expect(read(recordsOf(people(0, 100)), { settings, after: first }).refused?.why).toBe(
      '20 people would become active beside 80 (25%); rows.max-change 10% allows 8',
    )
  })

  test('does not count dates that were known, nor changes that leave people active', () => {
    const rows = people(0, 100, { End: '2026-06-20' })
    const first = read(recordsOf(rows), { settings })
    const later = { settings, after: first, now: noon + 10 * DAY }
    expect(read(recordsOf(rows), later).refused).toBeNull()
    expect(read(recordsOf(people(0, 100, { End: '2026-06-20', Department: 'x' })), later).refused).toBeNull()
    const moved = people(0, 100, { Department: 'x' })
    expect(read(recordsOf(moved), { settings, after: hundred }).refused).toBeNull()
  })

  test('does not count who has vanished already, again and again', () => {
    const second = read(recordsOf(people(0, 95)), { settings, after: hundred })
    const third = read(recordsOf(people(0, 88)), { settings, after: second })
    expect([second.refused, third.refused]).toEqual([null, null])
    expect(third.accepted?.active).toBe(88)
    expect(read(recordsOf(people(0, 100)), { settings, after: third }).refused).toBeNull()
  })

  test('of one person is always allowed, however few there are', () => {
    const three = read(recordsOf(people(0, 3)), { settings })
    expect(read(recordsOf(people(0, 2)), { settings, after: three }).refused).toBeNull()
    expect(read(recordsOf(people(0, 1)), { settings, after: three }).refused).not.toBeNull()
  })

  test('has no base where nobody was active', () => {
    const gone = read(recordsOf(people(0, 3, { Status: 'Gone' })), { settings })
    expect(read(recordsOf(people(0, 3)), { settings, after: gone }).refused).toBeNull()
  })

  test('in a feed of changes means those whom it names', () => {
    const delta = settingsWith({ content: 'delta', contract: contract({}) })
    const first = read(recordsOf(people(0, 100)), { settings: delta })
    const few = read(recordsOf(people(0, 5, { Status: 'Gone' })), { settings: delta, after: first })
    expect(few.refused).toBeNull()
    expect(few.accepted?.active).toBe(95)
    expect(person(few, '50').vanishedAt).toBeNull()
    const many = recordsOf(people(0, 15, { Status: 'Gone' }))
    expect(read(many, { settings: delta, after: first }).refused?.why).toContain(
      '0 are not in the feed, 15 are no longer',
    )
  })
})

describe('the age', () => {
  test.for([
    [3 * DAY, 26 * HOUR, 'the feed was written 3d ago, longer than max-age 26h'],
    [27 * HOUR, 2 * DAY - 1, null],
    [50 * MINUTE, 20 * MINUTE, 'the feed was written 50m ago, longer than max-age 20m'],
  ] as const)('of %i ms is held against %i ms', ([age, maxAge, why]) => {
    const aged = settingsWith({ contract: contract({ maxAge }) })
    const end = { complete: true as const, takenAt: noon, count: 1, modifiedAt: noon - age }
    expect(read(recordsOf(people(0, 1)), { settings: aged, end }).refused?.why ?? null).toBe(why)
  })
})

test('all objections come at once, with the way out of each, and so do the rows that could not be used', () => {
  const strict = settingsWith({ contract: contract({ rows: { min: 9, maxChange: 0.1 }, maxAge: HOUR }) })
  const end = { complete: true as const, takenAt: noon, count: 1, modifiedAt: noon - DAY }
  const { refused, problems } = read(recordsOf([{ Id: '1', Status: '?' }]), { settings: strict, end })
  expect(refused?.why).toBe(
    'the feed has 1 row, fewer than rows.min 9; the feed was written 24h ago, longer than max-age 60m',
  )
  expect(refused?.hint).toMatch(/lower rows.min. Look whether the export still runs.$/)
  expect(problems).toHaveLength(1)
})
