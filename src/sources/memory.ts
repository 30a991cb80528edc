import type { SourceRecord } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { SourceSettings } from '../model/settings.ts'
import { batchesOf } from './csv.ts'
import { openFeedFile } from './file.ts'
import type { FeedFile, FileMark } from './file.ts'
import type { Shape } from './header.ts'
import type { Row } from './parser.ts'
import { Table } from './table.ts'
import type { Witness } from './table.ts'

/** Larger feeds are not remembered: a memory takes as much as the file. */
export const largestRemembered = 64 * 1024 * 1024

/** Bytes that are parsed in one turn of the event loop: about two milliseconds. */
const portion = 16 * 1024

/**
 * A file whose modification time is younger than this, as it is read, may be written to again without a later time: file
 * systems count in ticks. Such a file is compared by its bytes.
 */
const tick = 100

/** What is remembered of one state of a feed, so that the next can be compared with it. Never changes. */
export interface FeedMemory {
  /** SHA-256 of the file's bytes: as `AcceptedRead.digest`. */
  readonly digest: string
  /** Records in it. */
  readonly rows: number
  readonly modifiedAt: Instant
  /** By which the same state of the file is known without reading it; null where it cannot be. */
  readonly mark: FileMark | null
  /** The settings under which it was read. */
  readonly readAs: string
  /** The file as UTF-8 without a byte-order mark, whatever its encoding. */
  readonly text: Uint8Array
  /** Where in the text the header ends, and then each row that csv-parse could read, in order. */
  readonly ends: Uint32Array
  /** The line on which each of them ends. */
  readonly lines: Uint32Array
  readonly shape: Shape
  readonly delimiter: string
  /** Keys that stand in several rows, or in a row that cannot be used. */
  readonly unusable: ReadonlySet<string>
}

/**
 * Reads a feed once for remembering it, in small portions between which the event loop turns. Null where it is no whole,
 * readable feed of at most 64 MiB: then every look at it is a whole read. Whether the bytes are those of the last
 * accepted read says the digest.
 */
export async function remember(settings: SourceSettings, signal: AbortSignal): Promise<FeedMemory | null> {
  try {
    await using file = await openFeedFile(settings.path, signal, { settle: 0, chunkSize: portion })
    if (file.mark.size > largestRemembered) return null
    const notes = new Notes()
    const table = new Table(settings, notes)
    let records = 0
    for await (const batch of batchesOf(table, settings, file)) records += batch.length
    return notes.memory(settings, file, records)
  } catch {
    // Whoever reads it as a whole is told what is wrong with it.
    return null
  }
}

/** What tells that a feed is read in another way. */
export function readAs({ id, path, key, csv }: SourceSettings): string {
  return JSON.stringify([id, path, key, csv.delimiter, csv.encoding, csv.finalNewline])
}

/** The mark of a file that was read now; null where the same mark may soon mean other bytes. */
export function reliableMark({ mark, modifiedAt }: Pick<FeedFile, 'mark' | 'modifiedAt'>): FileMark | null {
  return Date.now() - modifiedAt < tick ? null : mark
}

/** Gathers what a table shows while it is made. */
export class Notes implements Witness {
  readonly #pieces: Buffer[] = []
  readonly #ends: number[] = []
  readonly #lines: number[] = []
  readonly #keys = new Set<string>()
  readonly #unusable = new Set<string>()
  #table: { readonly shape: Shape; readonly delimiter: string } | null = null

  text(text: string): void {
    this.#pieces.push(Buffer.from(text))
  }

  shape(shape: Shape, delimiter: string): void {
    this.#table = { shape, delimiter }
  }

  rows(rows: readonly Row[], records: readonly SourceRecord[]): void {
    for (const row of rows) {
      if (!('fields' in row)) continue
      this.#ends.push(row.end)
      this.#lines.push(row.line + row.lines - 1)
    }
    for (const { key, problem } of records) {
      if (key === null) continue
      if (problem !== undefined || this.#keys.has(key)) this.#unusable.add(key)
      this.#keys.add(key)
    }
  }

  /** Null where there was no header. */
  memory(
    settings: SourceSettings,
    file: Pick<FeedFile, 'mark' | 'modifiedAt' | 'digest'>,
    rows: number,
  ): FeedMemory | null {
    if (this.#table === null) return null
    return {
      ...this.#table,
      digest: file.digest(),
      rows,
      modifiedAt: file.modifiedAt,
      mark: reliableMark(file),
      readAs: readAs(settings),
      text: Buffer.concat(this.#pieces),
      ends: Uint32Array.from(this.#ends),
      lines: Uint32Array.from(this.#lines),
      unusable: this.#unusable,
    }
  }
}
