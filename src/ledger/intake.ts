// What one read of a source changed, in one transaction with the marks that make planning look at it.
import { KeyturnError } from '../model/errors.ts'
import type { AcceptedRead, Identity, IntakeResult, RefusedRead } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import { toRow } from './identity-row.ts'
import { markAgain } from './look-again.ts'
import { acceptedRead, identitiesById } from './people.ts'
import { db, forLists, insertAll, run, upsertAll } from './unit.ts'
import type { Unit } from './unit.ts'

/**
 * Saves the people that changed, what they were, their events and the read itself, and marks them.
 * Throws KeyturnError `read-overtaken`, and then nothing of it is kept.
 */
export function* saveIntake(result: IntakeResult, correlation: string): Unit<void> {
  const { changed, accepted, refused, receivedAt } = result
  const number = yield* comparedWith(result)
  const at = accepted?.at ?? refused?.at ?? Date.now()
  yield* forLists(changed, (some) => savePeople(some, at, correlation))
  yield* saveEvents(result, correlation)
  if (accepted !== null) yield* saveAccepted(accepted, number + 1)
  if (refused !== null) yield* saveRefused(refused)
  yield* markAgain(
    changed.map(({ id }) => id),
    accepted === null ? 'clock' : 'feed',
    receivedAt ?? at,
    correlation,
  )
}

/** The number of the accepted read that is in force. Throws KeyturnError `read-overtaken` where the result knew another one. */
function* comparedWith({ source, base }: IntakeResult): Unit<number> {
  const number = (yield* acceptedRead(source))?.number ?? 0
  if (base === undefined || base === number) return number
  throw new KeyturnError(
    'read-overtaken',
    `This read of ${source} was compared with accepted read ${base}, and read ${number} is in force: another one was accepted meanwhile.`,
    { hint: `Nothing of it was saved. Read ${source} again and compare it with what is known now.` },
  )
}

/** The people as they are now, and what they were. */
function* savePeople(people: readonly Identity[], at: Instant, correlation: string): Unit<void> {
  const before = yield* identitiesById(people.map(({ id }) => id))
  yield* insertAll(
    'identity_history',
    before.map((identity) => ({ identity: identity.id, at, correlation, old: JSON.stringify(identity) })),
  )
  const revisions = new Map(before.map(({ id, revision = 0 }) => [id, revision]))
  const rows = people.map((identity) => toRow(identity, (revisions.get(identity.id) ?? 0) + 1))
  yield* upsertAll('identity', ['id'], rows, ['source', 'key', 'folded_id', 'folded_key'])
  // Whoever is new refers to nobody yet.
  yield* forLists([...revisions.keys()], (some) => run(db.deleteFrom('reference').where('identity', 'in', some)))
  yield* insertAll('reference', people.flatMap(referencesOf))
}

function* saveEvents({ events }: IntakeResult, correlation: string): Unit<void> {
  yield* insertAll(
    'event',
    events.map((event) => ({
      identity: event.identity,
      kind: event.kind,
      effective_at: event.effectiveAt,
      observed_at: event.observedAt,
      reason: JSON.stringify(event.reason),
      changed: JSON.stringify(event.changed),
      correlation,
    })),
  )
}

function* saveAccepted(read: AcceptedRead, number: number): Unit<void> {
  const { source, at, rows, active, modifiedAt, mappingVersion, digest = null } = read
  const counts = { row_count: rows, active, number }
  const row = { source, at, ...counts, modified_at: modifiedAt, mapping_version: mappingVersion, digest }
  yield* upsertAll('accepted_read', ['source'], [row])
}

function* saveRefused({ source, at, why, hint }: RefusedRead): Unit<void> {
  yield* upsertAll('refused_read', ['source'], [{ source, at, why, hint }])
}

/** Whom somebody's references mean, once more: `dependents` asks from the other end. */
function referencesOf({ id, references }: Identity) {
  return Object.entries(references).flatMap(([name, target]) =>
    target === null ? [] : [{ identity: id, name, target }],
  )
}
