import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Rows } from '../../../src/sources/parser.ts'
import type { Row } from '../../../src/sources/parser.ts'

async function rowsOf(text: string, { size = 1000, longestRecord = 1000 } = {}): Promise<readonly Row[]> {
  const rows = new Rows({ delimiter: ',', longestRecord, path: 'people.csv' })
  const all: Row[] = []
  for (let at = 0; at < text.length; at += size) all.push(...(await rows.push(text.slice(at, at + size))))
  all.push(...(await rows.end()))
  return all
}

describe('rows', () => {
  test('know their lines, also across quoted line breaks and empty lines', async () => {
    expect(await rowsOf('a,b\n1,"x\ny\r\nz"\n\n\n2,"w"\n')).toEqual([
      { fields: ['a', 'b'], line: 1, lines: 1, end: 4 },
      { fields: ['1', 'x\ny\r\nz'], line: 2, lines: 3, end: 15 },
      { fields: ['2', 'w'], line: 7, lines: 1, end: 23 },
    ])
  })

  test('end with any line ending, even mixed', async () => {
    expect(
      (await rowsOf('a,b\r\n1,2\n3,4\r5,6\r\n')).map((row) => ('fields' in row ? row.fields.join('') : row)),
    ).toEqual(['ab', '12', '34', '56'])
  })

  test('with a wrong quote are broken; those beside them are not', async () => {
    expect(await rowsOf('a,b\n1,"x" y\n2,it"s\n"x "y" z",3\n4,5\n')).toMatchObject([
      { line: 1 },
      { broken: expect.stringContaining('a quote stands where none may stand') as string, line: 2 },
      { broken: expect.any(String) as string, line: 3 },
      { broken: expect.any(String) as string, line: 4 },
      { fields: ['4', '5'], line: 5 },
    ])
  })

  test('that end inside quotes are not whole', async () => {
    await expect(rowsOf('a,b\n1,"x\n2,y\n')).rejects.toMatchObject({
      code: 'source-incomplete',
      message: expect.stringContaining('ends inside quotes') as string,
    })
  })

  test('without end are refused before they fill the memory', async () => {
    await expect(rowsOf(`a,b\n1,2\n3,"${'x'.repeat(2000)}"\n`)).rejects.toMatchObject({
      message: expect.stringMatching(/more than 1 MiB.*from line 3 on/) as string,
    })
  })

  test('are the same however the text is split', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', 'ü', ',', '"', '\n', '\r\n', ' '), maxLength: 5 })
    const table = fc.array(fc.array(field, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 7 }), async (fields, size) => {
        const quote = (one: string) => `"${one.replaceAll('"', '""')}"`
        const lines = fields.map((row) => `${row.map(quote).join(',')}\r\n`)
        const text = lines.join('')
        const rows = await rowsOf(text, { size })
        const before = (index: number) =>
          fields
            .slice(0, index)
            .flat()
            .join('')
            .match(/\r\n|\n/g)?.length ?? 0
        expect(rows).toEqual(
          fields.map((some, index) => {
            const breaks = before(index + 1) - before(index)
            const end = Buffer.byteLength(lines.slice(0, index + 1).join(''))
            return { fields: some, line: 1 + index + before(index), lines: 1 + breaks, end }
          }),
        )
        expect(rows).toEqual(await rowsOf(text))
      }),
    )
  })
})
