import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SourceRecord } from '../../../src/model/identity.ts'
import type { SourceSettings } from '../../../src/model/settings.ts'
import { commonLength } from '../../../src/sources/hunks.ts'
import { compareText, wholeText } from './text-feed.ts'

const settings = {
  id: 'hr',
  path: 'people.csv',
  key: 'Id',
  content: 'delta',
  csv: { finalNewline: 'required' },
} as SourceSettings

async function changes(from: string, to: string) {
  const { memory } = await wholeText(settings, from)
  return compareText(settings, memory, to)
}

const names = (records: readonly SourceRecord[]) => records.map(({ row, place }) => [row['Name'], place.line])
const people = Array.from({ length: 50 }, (_, index) => `${index},"Name ${index}",Active\n`)
const feed = `Id,Name,Status\n${people.join('')}`

describe('a feed that is looked at again', () => {
  test('is the same where no byte is different', async () => {
    expect((await changes(feed, feed)).kind).toBe('same')
  })

  test('shows the one row that changed, as it was and as it is', async () => {
    const look = await changes(feed, feed.replace('7,"Name 7",Active', '7,"New 7",Gone'))
    if (look.kind !== 'changed') throw new Error(look.kind)
    expect([names(look.before), names(look.after), look.rows]).toEqual([[['Name 7', 9]], [['New 7', 9]], 50])
  })

  test('shows rows that are far from each other, the first and the last among them', async () => {
    const to = feed.replace('0,"Name 0"', '0,Zero').replace('"Name 20"', '"A\nB"').replace('Name 49', 'Forty-nine')
    const look = await changes(feed, to)
    if (look.kind !== 'changed') throw new Error(look.kind)
    expect(names(look.after)).toEqual([
      ['Zero', 2],
      ['A\nB', 22],
      ['Forty-nine', 52],
    ])
    expect(names(look.before).map(([, line]) => line)).toEqual([2, 22, 51])
  })

  test('has no different row where only quotes, line endings or the order are others', async () => {
    for (const to of [
      feed.replace('"Name 3"', 'Name 3'),
      feed.replace('4",Active\n', '4",Active\r\n'),
      feed.replace(`${people[5]}${people[6]}`, `${people[6]}${people[5]}`),
    ]) {
      expect(await changes(feed, to)).toMatchObject({ kind: 'changed', before: [], after: [], rows: 50 })
    }
  })

  test.for<[string, string]>([
    ['a row is gone', feed.replace('9,"Name 9",Active\n', '')],
    ['a row came', `${feed}50,"Name 50",Active\n`],
    ['a key is another', feed.replace('9,"Name 9"', '99,"Name 9"')],
    ['a key stands twice', feed.replace('9,"Name 9"', '8,"Name 9"')],
    ['the header is another', feed.replace('Status', 'State')],
    ['a quote is not closed', feed.replace('"Name 9"', '"Name 9')],
    ['a row lacks a field', feed.replace('"Name 9",Active', '"Name 9"')],
    ['a quote stands where none may', feed.replace('"Name 9"', 'Name "9')],
    ['the last line is cut', feed.trimEnd()],
    ['the file is cut after a line', feed.slice(0, feed.indexOf('30,'))],
  ])('is read as a whole where %s', async ([, to]) => {
    expect((await changes(feed, to)).kind).toBe('whole')
  })

  test('is read as a whole where more than 200 rows are different', async () => {
    const long = (name: string) =>
      `Id,Name\n${Array.from({ length: 300 }, (_, index) => `${index},${name}\n`).join('')}`
    expect((await changes(long('Ann'), long('Bob'))).kind).toBe('whole')
  })

  test('is read as a whole where a different row has a key that another, unusable row has too', async () => {
    const doubled = `${feed}7,Seven,Active\n`
    expect((await changes(doubled, doubled.replace('"Name 7"', '"New 7"'))).kind).toBe('whole')
    expect((await changes(doubled, doubled.replace('"Name 8"', '"New 8"'))).kind).toBe('changed')
  })

  test('has rows from the carriage return on that a line feed now follows', async () => {
    const look = await changes('Id,Name\n1,A\r2,B\n3,C\n', 'Id,Name\n1,A\r\n2,B\n3,D\n')
    if (look.kind !== 'changed') throw new Error(look.kind)
    expect(names(look.after)).toEqual([['D', 4]])
  })
})

test('the length of what two texts have in common is found in large and small ones', () => {
  const same = Buffer.alloc(1_000_000, 'a')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: same.length - 1 }), (at) => {
      const other = Buffer.from(same)
      other[at] = 98
      expect([commonLength(same, other), commonLength(same, other.subarray(0, at))]).toEqual([at, at])
    }),
    { numRuns: 30 },
  )
  expect(commonLength(same, same)).toBe(same.length)
})

describe('whatever is changed in whatever feed', () => {
  const field = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('Ann', 'Zoë', '', ' ', 'x y') },
    { weight: 2, arbitrary: fc.constantFrom('"q"', '"a,b"', '"a\nb"', '"a\r\nb"', '"a ""b"""', '""') },
    { weight: 1, arbitrary: fc.constantFrom('a"b', '"a"b', '"open', 'one,more', '\r', '"x\n1,y"') },
  )
  const key = fc.oneof(
    { weight: 20, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom('1', '', ' 2 ', '77') },
  )
  const ending = fc.constantFrom('\n', '\n', '\r\n', '\n\n', '\r')
  const row = fc.tuple(key, field, field, ending)
  const rows = fc.array(row, { minLength: 1, maxLength: 30 })
  const edits = fc.array(fc.tuple(fc.nat(29), row), { maxLength: 4 })
  const textOf = (some: readonly (typeof row extends fc.Arbitrary<infer T> ? T : never)[]) =>
    `Id,Name,Status\n${some.map(([id, name, status, end], index) => `${id ?? index},${name},${status}${end}`).join('')}`

  test('what is found is what two whole reads find, and what is remembered is what a whole read remembers', async () => {
    let compared = 0
    await fc.assert(
      fc.asyncProperty(rows, edits, async (some, changed) => {
        const now = some.slice()
        for (const [at, edit] of changed) now[at % now.length] = edit
        const [from, to] = [textOf(some), textOf(now)]
        const was = await wholeText(settings, from).catch(() => null)
        if (was === null) return
        const look = await compareText(settings, was.memory, to)
        if (look.kind === 'whole') return
        const is = await wholeText(settings, to)
        if (look.kind === 'same') expect(to).toBe(from)
        else {
          compared++
          const before = new Map(was.records.map((record) => [record.key, record]))
          const expected = is.records.filter((record) => {
            return (
              record.key !== null &&
              !was.memory.unusable.has(record.key) &&
              before.get(record.key)?.hash !== record.hash
            )
          })
          expect(look.after).toEqual(expected)
          expect(look.before).toEqual(expected.map((record) => before.get(record.key)))
        }
        expect(look.memory).toEqual({ ...is.memory, mark: look.memory.mark, text: Buffer.from(to) })
      }),
      { numRuns: 3000 },
    )
    expect(compared).toBeGreaterThan(250)
  })
})
