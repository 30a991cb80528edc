import { KeyturnError } from '../model/errors.ts'
import type { SourceRecord } from '../model/identity.ts'
import type { Clock, Instant } from '../model/instant.ts'
import type { Source } from '../model/ports.ts'
import type { SourceSettings } from '../model/settings.ts'
import type { ReadEnd } from '../model/snapshot.ts'
import { delimiterOf } from './delimiter.ts'
import { openFeedFile } from './file.ts'
import type { FeedFile } from './file.ts'
import { shapeOf } from './header.ts'
import type { Shape } from './header.ts'
import { Rows } from './parser.ts'
import type { Row } from './parser.ts'
import { recordsOf } from './record.ts'
import { decoded } from './text.ts'

/** Longest record (and header) in characters. More than that is a quote that was never closed, not a person. */
const longestRecord = 1024 * 1024

/** A feed as comma-separated (or semicolon-, tab-, pipe-separated) text with a header line, read as a stream. */
export function csvSource(settings: SourceSettings, clock: Clock): Source {
  return { id: settings.id, read: (signal) => read(settings, clock, signal) }
}

async function* read(
  settings: SourceSettings,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceRecord[], ReadEnd> {
  const takenAt = clock()
  const table = new Table(settings)
  try {
    const modifiedAt = yield* batchesOf(table, settings, signal)
    return { complete: true, takenAt, count: table.count, modifiedAt }
  } catch (error) {
    return { complete: false, takenAt, count: table.count, cause: causeOf(error, settings) }
  }
}

function causeOf(error: unknown, settings: SourceSettings): KeyturnError {
  if (error instanceof KeyturnError) return error
  const text = error instanceof Error ? error.message : String(error)
  return new KeyturnError('source-incomplete', `${settings.path} could not be read to its end: ${text}`, {
    cause: error,
    hint: 'Nothing was changed. The feed is read again at the next occasion.',
  })
}

/** Yields the records and returns when the file was last written. Throws for everything that makes the read incomplete. */
async function* batchesOf(
  table: Table,
  settings: SourceSettings,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceRecord[], Instant> {
  await using file = await openFeedFile(settings.path, signal)
  const ending = new Ending()
  for await (const text of decoded(file.chunks(), settings.csv.encoding, settings.path)) {
    ending.see(text)
    const records = await table.push(text)
    if (records.length > 0) yield records
  }
  const last = await table.end()
  if (last.length > 0) yield last
  refuseIfCut(settings, ending, table)
  await refuseIfChanged(file, settings)
  return file.modifiedAt
}

/** Header first, then rows: turns text into records. */
class Table {
  readonly #settings: SourceSettings
  /** Text until the header line is whole: the delimiter is looked for in it. */
  #head = ''
  #rows: Rows | null = null
  #shape: Shape | null = null
  #last: Row | null = null
  /** Records so far. */
  count = 0

  constructor(settings: SourceSettings) {
    this.#settings = settings
  }

  async push(text: string): Promise<SourceRecord[]> {
    if (this.#rows !== null) return this.#take(await this.#rows.push(text))
    this.#head += text
    if (headerLine(this.#head) === null && this.#head.length <= longestRecord) return []
    return this.#begin()
  }

  /** The last records. Throws when the file ends where it must not. */
  async end(): Promise<SourceRecord[]> {
    const { path } = this.#settings
    if (this.#head.trim() === '') {
      throw new KeyturnError('source-incomplete', `${path} is empty; a header line and rows are needed`, {
        hint: empty,
      })
    }
    const before = this.#rows === null ? await this.#begin() : []
    const after = this.#take((await this.#rows?.end()) ?? [])
    if (this.count === 0 && this.#settings.content === 'full') {
      throw new KeyturnError('source-incomplete', `${path} has a header and no rows`, { hint: empty })
    }
    return [...before, ...after]
  }

  /** Is the last row one that lacks something? */
  get endsBroken(): boolean {
    const last = this.#last
    return last !== null && (!('fields' in last) || last.fields.length < (this.#shape?.columns.length ?? 0))
  }

  async #begin(): Promise<SourceRecord[]> {
    const { csv, key, path } = this.#settings
    const line = headerLine(this.#head) ?? this.#head
    this.#rows = new Rows({ delimiter: csv.delimiter ?? delimiterOf(line, key), longestRecord, path })
    return this.#take(await this.#rows.push(this.#head))
  }

  #take(rows: readonly Row[]): SourceRecord[] {
    if (rows.length === 0) return []
    const withoutHeader = this.#shape === null ? rows.slice(1) : rows
    this.#shape ??= shapeOf(rows[0], this.#settings)
    this.#last = rows.at(-1) ?? null
    const records = recordsOf(withoutHeader, this.#shape, this.#settings)
    this.count += records.length
    return records
  }
}

const empty = 'An empty feed proves nothing about anybody, so nothing was changed. Look at what exports it.'

/** The text up to the first line ending outside quotes (blank lines before it are skipped), or null while there is none. */
function headerLine(text: string): string | null {
  let quoted = false
  for (let index = text.length - text.trimStart().length; index < text.length; index++) {
    const character = text[index]
    if (character === '"') quoted = !quoted
    else if (!quoted && (character === '\n' || character === '\r')) return text.slice(0, index)
  }
  return null
}

/** Remembers how the text ends. */
class Ending {
  #last = ''
  #hasLineFeed = false

  see(text: string): void {
    this.#last = text.at(-1) ?? this.#last
    this.#hasLineFeed ||= text.includes('\n')
  }

  /** A carriage return alone ends the last line only where all lines end so: otherwise its line feed was cut off. */
  get isWhole(): boolean {
    return this.#last === '\n' || (this.#last === '\r' && !this.#hasLineFeed)
  }
}

function refuseIfCut(settings: SourceSettings, ending: Ending, table: Table): void {
  if (ending.isWhole) return
  if (settings.csv.finalNewline === 'required') {
    throw new KeyturnError(
      'source-incomplete',
      `${settings.path} ends in the middle of a line: it is cut or still being written`,
      {
        hint: 'If what exports it never ends the last line, set csv.final-newline: optional. A cut is then harder to see.',
      },
    )
  }
  if (table.endsBroken) {
    throw new KeyturnError('source-incomplete', `${settings.path} is cut: its last row lacks fields`, {
      hint: 'Write the feed under another name and rename it when it is whole.',
    })
  }
}

async function refuseIfChanged(file: FeedFile, settings: SourceSettings): Promise<void> {
  const what = await file.changed()
  if (what === null) return
  throw new KeyturnError('source-incomplete', `${settings.path} changed while it was read: ${what}`, {
    hint: 'Write the feed under another name and rename it when it is whole. It is read again at the next occasion.',
  })
}
