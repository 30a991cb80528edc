import { KeyturnError } from '../model/errors.ts'
import type { SourceRecord } from '../model/identity.ts'
import type { SourceSettings } from '../model/settings.ts'
import { delimiterOf } from './delimiter.ts'
import { shapeOf } from './header.ts'
import type { Shape } from './header.ts'
import { Rows } from './parser.ts'
import type { Row } from './parser.ts'
import { recordsOf } from './record.ts'

/** Longest record (and header) in characters. More than that is a quote that was never closed, not a person. */
export const longestRecord = 1024 * 1024

/** Sees what a table is made of, and what is made of it. */
export interface Witness {
  text(text: string): void
  rows(rows: readonly Row[], records: readonly SourceRecord[]): void
  shape(shape: Shape, delimiter: string): void
}

/** Header first, then rows: turns text into records. */
export class Table {
  readonly #settings: SourceSettings
  readonly #witness: Witness | undefined
  /** Text until the header line is whole: the delimiter is looked for in it. */
  #head = ''
  #rows: Rows | null = null
  #shape: Shape | null = null
  #delimiter = ''
  #last: Row | null = null
  /** Records so far. */
  count = 0

  constructor(settings: SourceSettings, witness?: Witness) {
    this.#settings = settings
    this.#witness = witness
  }

  async push(text: string): Promise<SourceRecord[]> {
    this.#witness?.text(text)
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
    this.#delimiter = csv.delimiter ?? delimiterOf(line, key)
    this.#rows = new Rows({ delimiter: this.#delimiter, longestRecord, path })
    return this.#take(await this.#rows.push(this.#head))
  }

  #take(rows: readonly Row[]): SourceRecord[] {
    if (rows.length === 0) return []
    const withoutHeader = this.#shape === null ? rows.slice(1) : rows
    if (this.#shape === null) {
      this.#shape = shapeOf(rows[0], this.#settings)
      this.#witness?.shape(this.#shape, this.#delimiter)
    }
    this.#last = rows.at(-1) ?? null
    const records = recordsOf(withoutHeader, this.#shape, this.#settings)
    this.#witness?.rows(rows, records)
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
