import { describe, expect, test } from 'vitest'
import { columnsNeeded } from '../../../src/intake/columns.ts'
import { compileMapping } from '../../../src/intake/mapping.ts'
import { openFeed } from '../../../src/intake/index.ts'
import { column, dateColumn, expression, noon, person, read, recordOf, recordsOf, settingsWith } from './feed.ts'

const only = (attributes: ReturnType<typeof settingsWith>['identity']['attributes']) =>
  settingsWith({ mapping: { attributes, references: {} } })

describe('attributes', () => {
  test('may use others that are declared later', () => {
    const result = read(recordsOf([{ Id: '1', First: ' Ada ', Last: 'Lovelace' }]))
    expect(person(result, '1').attributes).toEqual({
      displayName: 'Ada Lovelace',
      givenName: 'Ada',
      surname: 'Lovelace',
      department: '',
    })
  })

  test('keep their padding where trim is off', () => {
    const settings = only({
      first: { ...column('First'), trim: false },
      loud: { ...expression('row.First + "!"'), trim: false },
    })
    const result = read([recordOf({ Id: '1', First: ' Ada ' }, 2)], { settings })
    expect(person(result, '1').attributes).toEqual({ first: ' Ada ', loud: ' Ada !' })
  })

  test('that use each other in a circle are refused, with all of them named', () => {
    const settings = only({ a: expression('person.b'), b: expression('person.c + key'), c: expression('person.a') })
    expect(() => openFeed({ settings, previous: [], lastRead: null, now: noon })).toThrow('a → b → c → a')
  })

  test('of a row that their expression cannot read set the row aside, with column and place', () => {
    const settings = only({ second: expression('row.Last.split(",")[1]'), first: column('First') })
    const result = read(
      recordsOf([
        { Id: '1', Last: 'A, B' },
        { Id: '2', Last: 'A' },
      ]),
      { settings },
    )
    expect(result.identities.map((one) => one.key)).toEqual(['1'])
    expect(result.problems).toMatchObject([
      { severity: 'error', path: 'second', place: { file: 'people.csv', line: 3 } },
    ])
  })

  test('of columns that a row lacks are empty, and so is its missing key', () => {
    const settings = settingsWith({
      mapping: {
        attributes: { plain: { ...column('No'), trim: false }, trimmed: column('No'), key: expression('key') },
        zone: { column: 'No' },
        state: { ...settingsWith().identity.state, otherwise: 'active' },
      },
    })
    const mapping = compileMapping(settings)
    const record = { source: 'hr', key: null, row: {}, place: { file: 'people.csv', line: 2 }, hash: '' }
    expect(mapping.facts(record)).toMatchObject({ attributes: { plain: '', trimmed: '', key: '' }, startsAt: null })
    expect(mapping.references(record, {})).toEqual({ manager: '' })
  })
})

describe('a reference whose expression fails', () => {
  test('sets the row aside', () => {
    const manager = { ...expression('row.Manager.split("/")[1]'), reference: 'key', unresolved: 'keep' as const }
    const settings = settingsWith({ mapping: { references: { manager } } })
    const result = read(
      recordsOf([
        { Id: '1', Manager: 'x/1' },
        { Id: '2', Manager: 'x' },
      ]),
      { settings },
    )
    expect(result.identities.map((one) => one.references)).toEqual([{ manager: 'hr:1' }])
    expect(result.problems).toMatchObject([{ path: 'manager', place: { line: 3 } }])
  })
})

describe('the status word', () => {
  test('is trimmed and mapped', () => {
    const result = read(recordsOf([{ Id: '1', Status: ' Leave ' }]))
    expect(person(result, '1')).toMatchObject({ status: 'suspended', reason: { text: 'Status "Leave"' } })
  })

  test('that nobody mapped is set aside with what is allowed and what was probably meant', () => {
    const { problems, identities } = read(recordsOf([{ Id: '1', Status: 'Actve' }]))
    expect(identities).toEqual([])
    expect(problems).toMatchObject([{ path: 'Status', hint: 'Did you mean "Active"?', place: { line: 2 } }])
    expect(problems[0]?.message).toContain(
      '"Actve" is not in the mapping; it knows "Active", "Leave", "Gone", "Archived"',
    )
  })

  test('that nobody mapped may mean something by configuration; names of Object are no words', () => {
    const state = { ...settingsWith().identity.state, otherwise: 'suspended' as const }
    const settings = settingsWith({ mapping: { state } })
    const result = read(recordsOf([{ Id: '1', Status: 'constructor' }]), { settings })
    expect(person(result, '1').state).toBe('suspended')
  })
})

describe('the zone', () => {
  const zoned = (values?: Readonly<Record<string, string>>) =>
    settingsWith({ mapping: { zone: { column: 'Department', ...(values === undefined ? {} : { values }) } } })

  test('may stand in a column, and is the source’s where that is empty', () => {
    const rows = ['Asia/Tokyo', 'Asia/Tokyo', ''].map((Department, id) => ({
      Id: `${id}`,
      Department,
      Start: '2020-01-02',
    }))
    const { identities } = read(recordsOf(rows), { settings: zoned() })
    expect(identities.map(({ zone }) => zone)).toEqual(['Asia/Tokyo', 'Asia/Tokyo', 'UTC'])
    expect(identities.map(({ startsAt }) => new Date(startsAt ?? 0).getUTCHours())).toEqual([15, 15, 0])
  })

  test('may be translated from a site', () => {
    const rows = [
      { Id: '1', Department: 'Tokyo' },
      { Id: '2', Department: 'Mars' },
    ]
    const { identities, problems } = read(recordsOf(rows), { settings: zoned({ Tokyo: 'Asia/Tokyo' }) })
    expect(identities.map(({ zone }) => zone)).toEqual(['Asia/Tokyo'])
    expect(problems.map(({ message }) => message)).toEqual(['"Mars" is no time zone; allowed are "Tokyo"'])
  })

  test('that nobody knows sets the row aside', () => {
    const { identities, problems } = read(recordsOf([{ Id: '1', Department: 'Tokio' }]), { settings: zoned() })
    expect(identities).toEqual([])
    expect(problems[0]?.message).toContain('"Tokio" is no time zone; allowed are names of the IANA database')
  })
})

test('an unreadable date sets the row aside, and so does every further problem of it', () => {
  const { identities, problems } = read(recordsOf([{ Id: '1', Start: '13/13/2020', End: '2026-02-30', Status: '?' }]))
  expect(identities).toEqual([])
  expect(problems.map(({ path, place }) => `${place.file}:${place.line} ${path}`)).toEqual([
    'people.csv:2 Status',
    'people.csv:2 Start',
    'people.csv:2 End',
  ])
})

test('every column that contract or mapping use is needed, also inside expressions', () => {
  const settings = settingsWith({
    mapping: {
      attributes: {
        a: column('A'),
        b: expression('row.B.split(",")[0] + row["C"] + key + row[key]'),
        d: expression('person.a[0]'),
      },
      references: { manager: { ...column('M'), reference: 'key', unresolved: 'keep' } },
      endsAt: dateColumn('E'),
      accessEndsAt: dateColumn('X'),
      zone: { column: 'Z' },
    },
  })
  expect(columnsNeeded(settings)).toEqual(['Id', 'Status', 'A', 'B', 'C', 'M', 'Start', 'E', 'X', 'Z'])
})
