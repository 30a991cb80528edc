import type { IntakeResult, SourceRecord } from '../model/identity.ts'
import type { ReadEnd } from '../model/snapshot.ts'
import { columnsNeeded } from './columns.ts'
import { conclude } from './conclude.ts'
import type { FeedInput } from './input.ts'
import { compileMapping } from './mapping.ts'
import { Reading } from './reading.ts'

export { advance } from './conclude.ts'
export { lightIntake } from './light.ts'

/** One read of one source, on its way from records to people. */
export interface Feed {
  /** Understands some records. Nothing is decided before the end is known. */
  take(batch: readonly SourceRecord[]): void
  /** Decides: accepts the whole read or refuses the whole read, in which case only the clock goes on. */
  close(end: ReadEnd): IntakeResult
}

/**
 * Begins one read. Pure: what goes in decides what comes out, and nothing is read or written. Throws KeyturnError
 * `config-invalid` for attributes that use each other in a circle and for unknown date formats.
 */
export function openFeed(input: FeedInput): Feed {
  const { settings, previous } = input
  const known = new Map(previous.map((identity) => [identity.key, identity]))
  const reading = new Reading(compileMapping(settings), columnsNeeded(settings), known)
  return {
    take: (batch) => batch.forEach((record) => reading.take(record)),
    close: (end) => conclude(input, known, reading, end),
  }
}
