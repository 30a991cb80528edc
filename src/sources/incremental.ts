import { isUtf8 } from 'node:buffer'
import { KeyturnError } from '../model/errors.ts'
import type { SourceRecord } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Arrival } from '../model/ports.ts'
import type { SourceSettings } from '../model/settings.ts'
import { isSameState, markAt, openFeedFile } from './file.ts'
import type { FeedFile } from './file.ts'
import { hunksOf } from './hunks.ts'
import type { Hunk } from './hunks.ts'
import { largestRemembered, readAs, reliableMark } from './memory.ts'
import type { FeedMemory } from './memory.ts'
import { Rows } from './parser.ts'
import type { Row, WholeRow } from './parser.ts'
import { recordsOf } from './record.ts'
import { longestRecord } from './table.ts'
import { decoded, encodingOf } from './text.ts'

/** More changed rows than this are read as a whole. */
const mostChanged = 200

const lineFeed = 10
const chunkSize = 1024 * 1024
const byteOrderMark = Buffer.from('\ufeff')

/** What a look at a feed found, compared with what is remembered of it. */
export type Look =
  /** Not one byte is different. `memory` also knows the file's present times. */
  | { readonly kind: 'same'; readonly memory: FeedMemory }
  /**
   * Only these rows are different, and all of them can be used: the same keys, in the same order, as they were and as they
   * are. None are different where only quotes, order or line endings are. `memory` is that of the new state.
   */
  | {
      readonly kind: 'changed'
      readonly before: readonly SourceRecord[]
      readonly after: readonly SourceRecord[]
      readonly memory: FeedMemory
      readonly modifiedAt: Instant
      /** Records in the whole feed. */
      readonly rows: number
    }
  /** Only a whole read can tell. Nothing is wrong yet: `why` is one clause for the log. */
  | { readonly kind: 'whole'; readonly why: string }

/**
 * Looks at a feed again and parses only what is different since `memory`: a few milliseconds for one row among ten
 * thousand. Throws nothing for a bad feed: then a whole read is asked for, which says what is wrong with it. Waits for a
 * file that may still be written to as a whole read does (`arrival` as there).
 */
export async function look(
  settings: SourceSettings,
  memory: FeedMemory,
  signal: AbortSignal,
  arrival?: Arrival,
): Promise<Look> {
  if (memory.readAs !== readAs(settings)) return whole('the source is read in another way')
  const now = await markAt(settings.path)
  if (memory.mark !== null && now !== null && isSameState(memory.mark, now)) return { kind: 'same', memory }
  const opening = { settle: settings.settle, before: memory.mark, chunkSize }
  try {
    await using file = await openFeedFile(settings.path, signal, {
      ...opening,
      ...(arrival === undefined ? {} : { arrival }),
    })
    if (file.mark.size > largestRemembered) return whole('it is too large')
    const text = await textOf(file, settings)
    if (text === null) return whole('its bytes are not of its encoding')
    const changed = await file.changed()
    if (changed !== null) return whole(`it changed while it was read: ${changed}`)
    const state = { digest: file.digest(), modifiedAt: file.modifiedAt, mark: reliableMark(file) }
    return await compare(settings, memory, text, state)
  } catch (error) {
    if (error instanceof KeyturnError || signal.aborted) return whole(String(error))
    return whole(`it cannot be read: ${String(error)}`)
  }
}

/** The file as UTF-8 without a byte-order mark; null where its bytes are not of its encoding. */
async function textOf(file: FeedFile, { csv, path }: SourceSettings): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  for await (const chunk of file.chunks()) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  if (encodingOf(bytes, csv.encoding, path) === 'utf-8') {
    // Nothing has to be decoded where the text is only compared: checking is ten times as fast.
    return isUtf8(bytes) && !bytes.includes(0)
      ? bytes.subarray(bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0)
      : null
  }
  const pieces: Buffer[] = []
  for await (const text of decoded(chunks, csv.encoding, path)) pieces.push(Buffer.from(text))
  return Buffer.concat(pieces)
}

/** What is known of the new state besides its text. */
type State = Pick<FeedMemory, 'digest' | 'modifiedAt' | 'mark'>

/** Compares a text with the one that is remembered. Pure but for csv-parse, which is a stream. */
export async function compare(
  settings: SourceSettings,
  memory: FeedMemory,
  text: Uint8Array,
  state: State,
): Promise<Look> {
  if (Buffer.compare(text, memory.text) === 0) return { kind: 'same', memory: { ...memory, ...state } }
  if (text.at(-1) !== lineFeed || memory.text.at(-1) !== lineFeed) return whole('its last line has no line feed')
  const hunks = hunksOf(memory, text)
  if (hunks === null) return whole('the header or too much is different')
  const before = await parsed(oldParts(memory, hunks), memory.delimiter, settings.path)
  const after = await parsed(
    hunks.map(({ start, end }) => text.subarray(start, end)),
    memory.delimiter,
    settings.path,
  )
  if (before === null || after === null) return whole('a row that is different cannot be read')
  const firstLines = linesOf(memory, hunks, after)
  const was = recordsOf(
    placed(
      before,
      hunks.map(({ first }) => memory.lines[first] ?? 0),
    ),
    memory.shape,
    settings,
  )
  const is = recordsOf(placed(after, firstLines), memory.shape, settings)
  const pairs = pairsOf(was, is, memory.unusable)
  if (typeof pairs === 'string') return whole(pairs)
  const next = { ...memory, ...state, text, ...rowEnds(memory, hunks, after, firstLines) }
  return {
    kind: 'changed',
    before: pairs.map(([record]) => record),
    after: pairs.map(([, record]) => record),
    memory: next,
    modifiedAt: state.modifiedAt,
    rows: memory.rows,
  }
}

function whole(why: string): Look {
  return { kind: 'whole', why }
}

function oldParts({ text, ends }: FeedMemory, hunks: readonly Hunk[]): Uint8Array[] {
  return hunks.map(({ first, last }) => text.subarray(ends[first], ends[last]))
}

/** The rows of one part of a text, with lines and ends counted from its beginning. */
type Part = readonly WholeRow[]

/**
 * Parses some parts as one text. Null where a row cannot be read, and where one of the parts does not end with the end of a
 * row: then what follows it in the file would be read in another way, too.
 */
async function parsed(parts: readonly Uint8Array[], delimiter: string, path: string): Promise<readonly Part[] | null> {
  const rows = await rowsIn(Buffer.concat(parts).toString(), new Rows({ delimiter, longestRecord, path }))
  let from = { byte: 0, line: 0 }
  let next = 0
  const found: Part[] = []
  for (const part of parts) {
    const end = from.byte + part.length
    const mine: WholeRow[] = []
    for (let row = rows[next]; row !== undefined && 'fields' in row && row.end <= end; row = rows[++next]) {
      mine.push({ ...row, line: row.line - from.line, end: row.end - from.byte })
    }
    const last = mine.at(-1)
    if (last?.end !== part.length) return null
    found.push(mine)
    from = { byte: end, line: from.line + lastLine(last) }
  }
  return next === rows.length ? found : null
}

/** No rows where the text ends inside quotes, or a row has no end. */
async function rowsIn(text: string, parser: Rows): Promise<readonly Row[]> {
  try {
    return [...(await parser.push(text)), ...(await parser.end())]
  } catch (error) {
    if (error instanceof KeyturnError) return []
    throw error
  }
}

function lastLine({ line, lines }: WholeRow): number {
  return line + lines - 1
}

/** The line before each hunk in the new text. */
function linesOf({ lines }: FeedMemory, hunks: readonly Hunk[], after: readonly Part[]): number[] {
  let shift = 0
  return hunks.map(({ first, last }, index) => {
    const before = (lines[first] ?? 0) + shift
    const end = after[index]?.at(-1)
    shift = end === undefined ? shift : before + lastLine(end) - (lines[last] ?? 0)
    return before
  })
}

/** Rows with the lines that they have in the file. */
function placed(parts: readonly Part[], linesBefore: readonly number[]): WholeRow[] {
  return parts.flatMap((rows, index) => rows.map((row) => ({ ...row, line: row.line + (linesBefore[index] ?? 0) })))
}

/** Old and new record of everybody whose row is different; or why a whole read must tell. */
function pairsOf(
  before: readonly SourceRecord[],
  after: readonly SourceRecord[],
  unusable: ReadonlySet<string>,
): readonly (readonly [SourceRecord, SourceRecord])[] | string {
  if (before.length !== after.length) return 'there are more or fewer rows'
  if ([...before, ...after].some(({ problem }) => problem !== undefined)) {
    return 'a row that is different cannot be used'
  }
  const old = new Map(before.map((record) => [record.key, record]))
  const keys = new Set(after.map(({ key }) => key))
  if (old.size !== before.length || keys.size !== after.length) return 'a key stands in several rows'
  const pairs: (readonly [SourceRecord, SourceRecord])[] = []
  for (const record of after) {
    const was = old.get(record.key)
    if (was === undefined) return 'other people are in it'
    if (was.hash === record.hash) continue
    if (unusable.has(record.key ?? '')) return 'a key that is different stands in several rows, or in an unusable one'
    pairs.push([was, record])
  }
  return pairs.length > mostChanged ? 'too many rows are different' : pairs
}

/** Where the rows of the new text end: those of the old one, moved, and in the hunks the new ones. */
function rowEnds(
  memory: FeedMemory,
  hunks: readonly Hunk[],
  after: readonly Part[],
  linesBefore: readonly number[],
): Pick<FeedMemory, 'ends' | 'lines'> {
  const dropped = hunks.reduce((sum, { first, last }) => sum + last - first, 0)
  const size = memory.ends.length - dropped + after.reduce((sum, rows) => sum + rows.length, 0)
  const ends = new Uint32Array(size)
  const lines = new Uint32Array(size)
  let to = 0
  let from = 0
  let shift = { byte: 0, line: 0 }
  const copy = (until: number) => {
    for (; from < until; from++, to++) {
      ends[to] = (memory.ends[from] ?? 0) + shift.byte
      lines[to] = (memory.lines[from] ?? 0) + shift.line
    }
  }
  hunks.forEach(({ first, last, start }, index) => {
    copy(first + 1)
    for (const row of after[index] ?? []) {
      ends[to] = start + row.end
      lines[to++] = (linesBefore[index] ?? 0) + lastLine(row)
    }
    shift = {
      byte: (ends[to - 1] ?? 0) - (memory.ends[last] ?? 0),
      line: (lines[to - 1] ?? 0) - (memory.lines[last] ?? 0),
    }
    from = last + 1
  })
  copy(memory.ends.length)
  return { ends, lines }
}
