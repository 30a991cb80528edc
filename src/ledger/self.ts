// What the ledger knows of itself. Beside it stands a witness (witness.ts) that says how far the ledger had come: a ledger that is
// behind its witness was restored from a backup (docs/decisions/033).
import { randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Instant } from '../model/instant.ts'
import type { Admission } from '../model/ledger.ts'
import type { Restored } from '../model/running.ts'
import { markAgain } from './look-again.ts'
import { writeAudit } from './record.ts'
import type { SelfRow } from './schema.ts'
import { all, db, first, run } from './unit.ts'
import type { Unit } from './unit.ts'

/** Which ledger, and how far it had come. */
export interface Standing {
  readonly ledger: string
  readonly beat: number
}

export function* standing(): Unit<Standing & { readonly restoredAt: Instant | null }> {
  const { id: ledger, beat, restored_at: restoredAt } = yield* self()
  return { ledger, beat, restoredAt }
}

/** Goes on by one. */
export function* beatOnce(now: Instant): Unit<Standing> {
  const { id: ledger, beat } = yield* self()
  yield* run(db.updateTable('ledger_self').set({ beat: beat + 1, beat_at: now }))
  return { ledger, beat: beat + 1 }
}

export function* restored(): Unit<Restored | null> {
  const { restored_at: at, known_until: knownUntil } = yield* self()
  return at === null ? null : { at, knownUntil }
}

/**
 * Until a reconciliation has run, nothing is opened. Everybody is marked; the count goes on above what the witness has seen,
 * whose `beat` is 0 where it cannot be compared.
 */
export function* markRestored(witness: Standing, now: Instant, correlation: string): Unit<Standing> {
  const { id: ledger, beat, beat_at, restored_at, known_until } = yield* self()
  // Another process has noticed it meanwhile.
  if (restored_at !== null && witness.ledger === ledger && witness.beat <= beat) return { ledger, beat }
  const next = { ledger, beat: Math.max(beat, witness.beat) + 1 }
  // Each time that it is noticed is another mark: a plan that was made before ends none that came after.
  const at = restored_at === null ? now : Math.max(now, restored_at + 1)
  const knownUntil = restored_at === null ? beat_at : known_until
  const reads = JSON.stringify(Object.fromEntries(yield* acceptedReads()))
  yield* run(
    db
      .updateTable('ledger_self')
      .set({ beat: next.beat, restored_at: at, known_until: knownUntil, restored_reads: reads }),
  )
  yield* markAgain(null, 'policy', now, correlation)
  const until =
    knownUntil === null
      ? 'it is a new one, or does not say how old it is'
      : `it knows nothing after ${new Date(knownUntil).toISOString()}`
  yield* tell(now, correlation, 'keyturn', 'ledger-restored', `behind its witness: ${until}; nothing is opened`)
  return next
}

/** Everybody and every platform was looked at: the mark ends, and everybody is looked at again, now for what opens. */
export function* endRestored({ reconciles, now, correlation, operator }: Admission, isWhole: boolean): Unit<void> {
  if (reconciles === undefined || !isWhole) return
  const { restored_at, restored_reads } = yield* self()
  if (restored_at !== reconciles.restoredAt) return
  const before = new Map(Object.entries(JSON.parse(restored_reads ?? '{}') as Record<string, number>))
  const reads = yield* acceptedReads()
  if (!reconciles.sources.every((source) => (reads.get(source) ?? 0) > (before.get(source) ?? 0))) return
  yield* run(db.updateTable('ledger_self').set({ restored_at: null, known_until: null, restored_reads: null }))
  // A story of its own: this admission's own marks may be answered by what follows from it.
  yield* markAgain(null, 'policy', now, randomUUID())
  const detail = 'everybody and every platform was looked at after the ledger was restored'
  yield* tell(now, correlation, operator, 'ledger-reconciled', detail)
}

function* acceptedReads(): Unit<ReadonlyMap<string, number>> {
  const rows = yield* all(db.selectFrom('accepted_read').select(['source', 'number']))
  return new Map(rows.map(({ source, number }) => [source, number]))
}

function* self(): Unit<Selectable<SelfRow>> {
  const row = yield* first(db.selectFrom('ledger_self').selectAll())
  if (row === undefined) throw new Error('the ledger does not know itself: its table ledger_self is empty')
  return row
}

function* tell(at: Instant, correlation: string, operator: string, action: string, detail: string): Unit<void> {
  const nobody = { identity: null, platform: null, account: null, reason: null }
  const nothing = { before: null, after: null, askedAt: null, result: 'done' }
  yield* writeAudit([{ at, correlation, operator, action, detail, ...nobody, ...nothing }])
}
