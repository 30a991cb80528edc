import { finished } from 'node:stream/promises'
import { parse } from 'csv-parse'
import type { CsvError, Parser } from 'csv-parse'
import { KeyturnError } from '../model/errors.ts'

/** A row with its fields. `line` is where it begins, `lines` how many it spans, `end` where it ends: bytes of UTF-8 text so far. */
export interface WholeRow {
  readonly fields: readonly string[]
  readonly line: number
  readonly lines: number
  readonly end: number
}

/** One row of the file: its fields, or why it has none. */
export type Row = WholeRow | { readonly broken: string; readonly line: number }

interface RowsOptions {
  readonly delimiter: string
  readonly longestRecord: number
  readonly path: string
}

/**
 * csv-parse, pushed: every piece of text gives the rows that it completes. Its own readable side stays empty, which makes
 * one step per piece instead of one per row.
 */
export class Rows {
  readonly #parser: Parser
  readonly #path: string
  #rows: Row[] = []
  #fatal: KeyturnError | null = null
  /** The line on which the latest row ended. */
  #line = 0
  /** Lines that csv-parse counted twice: it takes a quoted CR LF for two line breaks. */
  #doubled = 0

  constructor({ delimiter, longestRecord, path }: RowsOptions) {
    this.#path = path
    this.#parser = parse({
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      max_record_size: longestRecord,
      on_record: (fields: string[], { lines, bytes }) => {
        this.#add(fields, lines, bytes)
        return null
      },
    })
    this.#parser.on('skip', (error: CsvError | undefined) => {
      if (error !== undefined) this.#skip(error)
    })
    this.#parser.resume()
  }

  /** Rows that this text completes. Throws KeyturnError `source-incomplete` where nothing after it can be trusted. */
  async push(text: string): Promise<readonly Row[]> {
    await new Promise<void>((resolve, reject) => {
      this.#parser.write(text, (error) => (error ? reject(error) : resolve()))
    })
    return this.#drain()
  }

  async end(): Promise<readonly Row[]> {
    this.#parser.end()
    await finished(this.#parser)
    return this.#drain()
  }

  #drain(): readonly Row[] {
    if (this.#fatal !== null) throw this.#fatal
    const rows = this.#rows
    this.#rows = []
    return rows
  }

  #add(fields: string[], lines: number, end: number): void {
    const isOneLine = lines - this.#doubled - this.#line === 1
    if (!isOneLine) this.#doubled += count(fields, /\r\n/g)
    const spans = isOneLine ? 1 : 1 + count(fields, /\r\n|\n|\r/g)
    this.#line = lines - this.#doubled
    this.#rows.push({ fields, line: this.#line - spans + 1, lines: spans, end })
  }

  #skip(error: CsvError): void {
    const at = typeof error['lines'] === 'number' ? error['lines'] - this.#doubled : this.#line + 1
    switch (error.code) {
      case 'CSV_QUOTE_NOT_CLOSED':
        this.#fatal ??= this.#incomplete('ends inside quotes: it is cut, or a quote is not closed', this.#line + 1)
        return
      case 'CSV_MAX_RECORD_SIZE':
        this.#fatal ??= this.#incomplete(
          'has a row of more than 1 MiB: most likely a quote is not closed',
          this.#line + 1,
        )
        return
      default:
        // csv-parse may find more than one wrong quote in one row.
        if (at === this.#line) return
        this.#rows.push({ broken: 'a quote stands where none may stand; inside quotes it must be doubled', line: at })
        this.#line = at
    }
  }

  #incomplete(what: string, line: number): KeyturnError {
    return new KeyturnError('source-incomplete', `${this.#path} ${what} (from line ${line} on)`, {
      hint: 'Look at that line. Write the feed under another name and rename it when it is whole.',
    })
  }
}

function count(fields: readonly string[], pattern: RegExp): number {
  return fields.reduce((sum, field) => sum + (field.match(pattern)?.length ?? 0), 0)
}
