import { KeyturnError } from '../model/errors.ts'
import type { CsvSettings } from '../model/settings.ts'

type Encoding = NonNullable<CsvSettings['encoding']>

interface Decoder {
  /** Throws where the bytes are not of this encoding. */
  decode(chunk: Uint8Array | null): string
  /** The same with U+FFFD in place of what is wrong: for saying where. */
  lenient(chunk: Uint8Array): string
}

/**
 * Text of a file's bytes, without a byte-order mark. The encoding is the stated one, else that of the mark, else UTF-8.
 * Throws KeyturnError `source-incomplete` for bytes that are not of the encoding: nothing is replaced silently.
 */
export async function* decoded(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  stated: Encoding | undefined,
  path: string,
): AsyncGenerator<string> {
  let decoder: Decoder | null = null
  let encoding: Encoding = 'utf-8'
  let line = 1
  const fail = (what: string, at: number) => refused(path, at, what)
  for await (const chunk of chunks) {
    if (decoder === null) {
      encoding = encodingOf(chunk, stated, path)
      decoder = await decoderOf(encoding)
    }
    const text = attempt(decoder, chunk)
    if (text === null)
      throw fail(`has bytes that are no ${names[encoding]}`, line + breaksBefore(decoder.lenient(chunk), '\ufffd'))
    const zero = text.indexOf('\0')
    if (zero !== -1)
      throw fail(
        'has zero bytes: UTF-16 without a byte-order mark, or not written to its end',
        line + breaksBefore(text, '\0'),
      )
    line += breaks(text)
    if (text !== '') yield text
  }
  if (decoder !== null && attempt(decoder, null) === null)
    throw fail('ends in the middle of a character: it is cut', line)
}

function attempt(decoder: Decoder, chunk: Uint8Array | null): string | null {
  try {
    return decoder.decode(chunk)
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

const names: Readonly<Record<Encoding, string>> = {
  'utf-8': 'UTF-8',
  'utf-16le': 'UTF-16 (little endian)',
  'utf-16be': 'UTF-16 (big endian)',
  latin1: 'Latin-1',
}

function refused(path: string, line: number, what: string): KeyturnError {
  return new KeyturnError('source-incomplete', `${path}:${line} ${what}`, {
    hint: 'State the encoding that the export uses: csv.encoding: utf-8, utf-16le, utf-16be or latin1. It is never guessed.',
  })
}

const marks: readonly { readonly bytes: readonly number[]; readonly encoding: Encoding }[] = [
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
]

/** The stated encoding, else that of the byte-order mark, else UTF-8. Throws KeyturnError where the two contradict each other. */
export function encodingOf(start: Uint8Array, stated: Encoding | undefined, path: string): Encoding {
  const marked = marks.find(({ bytes }) => bytes.every((byte, index) => start[index] === byte))?.encoding
  if (stated !== undefined && marked !== undefined && stated !== marked) {
    throw new KeyturnError(
      'source-incomplete',
      `${path} begins with the byte-order mark of ${names[marked]}, but csv.encoding says ${stated}`,
      { hint: `Leave csv.encoding out, or say ${marked}.` },
    )
  }
  return stated ?? marked ?? 'utf-8'
}

async function decoderOf(encoding: Encoding): Promise<Decoder> {
  if (encoding === 'latin1') return windowsLatin()
  const decoder = new TextDecoder(encoding, { fatal: true })
  return {
    decode: (chunk) => (chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true })),
    lenient: (chunk) => new TextDecoder(encoding).decode(chunk),
  }
}

/**
 * What exports call Latin-1 is windows-1252, as the WHATWG Encoding Standard also reads it: the bytes 80 to 9F hold
 * letters and quotes there, control characters that no export has in ISO 8859-1.
 */
async function windowsLatin(): Promise<Decoder> {
  // Its tables are large, and most feeds do without.
  const { default: iconv } = await import('iconv-lite')
  const decoder = iconv.getDecoder('win1252')
  const lenient = (chunk: Uint8Array) => decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  return {
    decode: (chunk) => {
      const text = chunk === null ? '' : lenient(chunk)
      if (text.includes('\ufffd')) throw new TypeError('a byte that windows-1252 does not have')
      return text
    },
    lenient,
  }
}

function breaksBefore(text: string, mark: string): number {
  const at = text.indexOf(mark)
  return breaks(at === -1 ? text : text.slice(0, at))
}

function breaks(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++
  return count
}
