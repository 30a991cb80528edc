import { describe, expect, test } from 'vitest'
import type { SourceSettings } from '../../../src/model/settings.ts'
import { delimiterOf } from '../../../src/sources/delimiter.ts'
import { shapeOf } from '../../../src/sources/header.ts'
import { recordsOf } from '../../../src/sources/record.ts'

const settings = { id: 'hr', path: 'people.csv', key: 'Id' } as SourceSettings
const row = (...fields: string[]) => ({ fields, line: 7, lines: 1, end: 99 })
const header = row('Name', ' Id ', 'Status', '')
const shape = shapeOf(header, settings)

describe('the header line', () => {
  test('may be padded, and columns may be nameless', () => {
    expect(shape).toMatchObject({ columns: ['Name', 'Id', 'Status', ''], key: 1 })
  })

  test.for([
    ['doubled names', row('Id', 'Name', 'Id '), 'more than one column "Id"'],
    ['no key', row('EmpID', 'Name'), 'has no column "Id", which is the key; it has "EmpID", "Name"'],
    ['a wrong quote', { broken: 'a quote', line: 1 }, 'the header line cannot be read'],
  ] as const)('with %s makes the read incomplete', ([, first, what]) => {
    expect(() => shapeOf(first, settings)).toThrow(what)
    expect(() => shapeOf(first, settings)).toThrow(expect.objectContaining({ code: 'source-incomplete' }))
  })
})

describe('the delimiter', () => {
  test.for([
    ['Id,Name', ','],
    ['Id;Name', ';'],
    ['Id\tName', '\t'],
    ['Id|Name', '|'],
    ['Id', ','],
    ['Id;"Name, first, second"', ';'],
    ['"a;b;c;d",Id', ','],
    ['Name, first, second;Id', ';'],
  ] as const)('of %j is found', ([line, delimiter]) => {
    expect(delimiterOf(line, 'Id')).toBe(delimiter)
  })
})

describe('a row', () => {
  const one = (fields: string[], lines = 1) => recordsOf([{ fields, line: 7, lines, end: 99 }], shape, settings)[0]

  test('becomes a record with its key trimmed and its fields as they are', () => {
    expect(one([' Ada ', ' 1 ', 'Active', 'x'])).toMatchObject({
      source: 'hr',
      key: '1',
      row: { Name: ' Ada ', Id: ' 1 ', Status: 'Active' },
      place: { file: 'people.csv', line: 7 },
    })
    expect(one(['Ada', '1', 'Active', ''])).not.toHaveProperty('problem')
  })

  test.for([
    [['Ada', '1'], '1', 'the row has 2 fields, the header has 4'],
    [['Ada', '1', 'Active', '', ''], '1', 'the row has 5 fields, the header has 4'],
    [['Ada'], null, 'the row has 1 fields, the header has 4'],
    [['Ada', ' ', 'Active', ''], null, 'the key column "Id" is empty'],
  ] as const)('%j has a problem, and its key if that can be read', ([fields, key, problem]) => {
    expect(one([...fields])).toMatchObject({ key, problem })
  })

  test('of too many fields over several lines may have swallowed others: its key proves nothing', () => {
    expect(one(['Ada', '1', 'x', 'y', 'z'], 3)).toMatchObject({ key: null })
  })

  test('that the parser could not read has no key', () => {
    expect(recordsOf([{ broken: 'a quote', line: 3 }], shape, settings)).toEqual([
      { source: 'hr', key: null, row: {}, place: { file: 'people.csv', line: 3 }, hash: '', problem: 'a quote' },
    ])
  })

  test('without any content is none', () => {
    expect(recordsOf([row('', ' ', '', '')], shape, settings)).toEqual([])
  })

  test('has the same hash for the same fields under the same header, and only then', () => {
    const hash = (fields: string[], under = shape) => recordsOf([row(...fields)], under, settings)[0]?.hash
    const same = ['Ada', '1', 'Active', '']
    expect(hash(same)).toBe(hash([...same]))
    expect(hash(['Ada', '1', 'Gone', ''])).not.toBe(hash(same))
    expect(hash(['Ad', 'a1', 'Active', ''])).not.toBe(hash(same))
    const renamed = shapeOf(row('Nickname', 'Id', 'Status', ''), settings)
    expect(hash(same, renamed)).not.toBe(hash(same))
  })
})
