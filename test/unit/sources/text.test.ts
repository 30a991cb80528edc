import iconv from 'iconv-lite'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decoded } from '../../../src/sources/text.ts'

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function text(bytes: Uint8Array, stated?: Parameters<typeof decoded>[1], size = 4): Promise<string> {
  let all = ''
  for await (const piece of decoded(pieces(bytes, size), stated, 'people.csv')) all += piece
  return all
}

const names = 'Id,Name\n1,Zoë O’Brien\n2,Łukasz 김 😀\n'

describe('the bytes of a feed', () => {
  test.for([
    ['UTF-8', iconv.encode(names, 'utf8'), undefined],
    ['UTF-8 with a mark', iconv.encode(names, 'utf8', { addBOM: true }), undefined],
    ['UTF-8 with a mark, stated', iconv.encode(names, 'utf8', { addBOM: true }), 'utf-8'],
    ['UTF-16 little endian by its mark', iconv.encode(names, 'utf16le', { addBOM: true }), undefined],
    ['UTF-16 big endian by its mark', iconv.encode(names, 'utf16be', { addBOM: true }), undefined],
    ['UTF-16 little endian as stated', iconv.encode(names, 'utf16le', { addBOM: false }), 'utf-16le'],
    ['UTF-16 big endian as stated', iconv.encode(names, 'utf16be', { addBOM: false }), 'utf-16be'],
  ] as const)('are understood as %s', async ([, bytes, stated]) => {
    expect(await text(bytes, stated)).toBe(names)
  })

  test('are Latin-1 where that is stated, with the letters that Windows adds', async () => {
    expect(await text(iconv.encode('Zoë Šárka “€”\n', 'win1252'), 'latin1')).toBe('Zoë Šárka “€”\n')
  })

  test('may be split anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.integer({ min: 3, max: 9 }), async (some, size) => {
        fc.pre(!some.includes('\0') && some.isWellFormed() && !some.startsWith('\ufeff'))
        for (const encoding of ['utf-8', 'utf-16le', 'utf-16be'] as const) {
          const bytes = iconv.encode(some, encoding.replace('-', ''), { addBOM: false })
          expect(await text(bytes, encoding, size)).toBe(some)
        }
      }),
    )
  })

  test.for([
    [
      'Latin-1 read as UTF-8',
      iconv.encode('Id\n1\nZoë\n', 'latin1'),
      undefined,
      'people.csv:3 has bytes that are no UTF-8',
    ],
    [
      'UTF-16 without a mark',
      iconv.encode('Id\n1\n', 'utf16le', { addBOM: false }),
      undefined,
      'people.csv:1 has zero bytes',
    ],
    ['zeros where a copy is not done', Buffer.from('Id\n1\n\0\0\0'), undefined, 'people.csv:3 has zero bytes'],
    [
      'a byte that windows-1252 lacks',
      Buffer.from([0x49, 0x0a, 0x81]),
      'latin1',
      'people.csv:2 has bytes that are no Latin-1',
    ],
    [
      'a letter that is cut',
      iconv.encode('Id\nZoë', 'utf8').subarray(0, -1),
      undefined,
      'people.csv:2 ends in the middle',
    ],
    [
      'half a UTF-16 unit',
      iconv.encode('Id\n1', 'utf16le', { addBOM: true }).subarray(0, -1),
      undefined,
      'ends in the middle',
    ],
    ['a mark that contradicts', iconv.encode('Id', 'utf8', { addBOM: true }), 'latin1', 'the byte-order mark of UTF-8'],
  ] as const)('are refused, never guessed: %s', async ([, bytes, stated, what]) => {
    await expect(text(bytes, stated, 64)).rejects.toMatchObject({
      code: 'source-incomplete',
      message: expect.stringContaining(what) as string,
    })
  })
})
