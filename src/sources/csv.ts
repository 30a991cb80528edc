import { KeyturnError } from '../model/errors.ts'
import type { SourceRecord } from '../model/identity.ts'
import type { Clock } from '../model/instant.ts'
import type { Source } from '../model/ports.ts'
import type { SourceSettings } from '../model/settings.ts'
import type { ReadEnd } from '../model/snapshot.ts'
import { openFeedFile } from './file.ts'
import type { FeedFile, FileMark, Opening } from './file.ts'
import { Table } from './table.ts'
import { decoded } from './text.ts'

/** A feed as comma-separated (or semicolon-, tab-, pipe-separated) text with a header line, read as a stream. */
export function csvSource(settings: SourceSettings, clock: Clock): Source {
  /** The file of the last complete read. */
  let before: FileMark | null = null
  return {
    id: settings.id,
    read: async function* (signal, arrival) {
      const opening = { settle: settings.settle, before, ...(arrival === undefined ? {} : { arrival }) }
      return yield* read(settings, clock, signal, opening, (mark) => {
        before = mark
      })
    },
  }
}

async function* read(
  settings: SourceSettings,
  clock: Clock,
  signal: AbortSignal,
  opening: Opening,
  wasRead: (mark: FileMark) => void,
): AsyncGenerator<readonly SourceRecord[], ReadEnd> {
  const takenAt = clock()
  const table = new Table(settings)
  try {
    await using file = await openFeedFile(settings.path, signal, opening)
    yield* batchesOf(table, settings, file)
    wasRead(file.mark)
    return { complete: true, takenAt, count: table.count, modifiedAt: file.modifiedAt, digest: file.digest() }
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

/** Yields the records. Throws KeyturnError for everything that makes the read incomplete. */
export async function* batchesOf(
  table: Table,
  settings: SourceSettings,
  file: FeedFile,
): AsyncGenerator<readonly SourceRecord[]> {
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
