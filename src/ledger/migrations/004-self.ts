import { randomUUID } from 'node:crypto'
import { db, run } from '../unit.ts'
import type { Unit } from '../unit.ts'
import { integer, maybeInstant, maybeText, table, text } from './table.ts'

/** What the ledger knows of itself, in one row: who it is, how far it has come, and whether it came back from a backup. */
export function* self(): Unit<void> {
  yield* table(
    'ledger_self',
    {
      one: integer,
      id: text,
      beat: integer,
      beat_at: maybeInstant,
      restored_at: maybeInstant,
      known_until: maybeInstant,
      restored_reads: maybeText,
    },
    { primary: ['one'] },
  )
  const fresh = { beat_at: null, restored_at: null, known_until: null, restored_reads: null }
  yield* run(db.insertInto('ledger_self').values({ one: 1, id: randomUUID(), beat: 0, ...fresh }))
}
