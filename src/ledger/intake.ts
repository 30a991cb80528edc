// What one read of a source changed, written together with the marks that make planning look at it: a small one in one
// transaction, a large one in several, with the ledger free in between, so that no revocation waits for it.
import { KeyturnError } from '../model/errors.ts'
import type { AcceptedRead, Identity, IdentityId, IntakeResult, RefusedRead } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Driver } from './driver.ts'
import { toRow } from './identity-row.ts'
import { markAgain } from './look-again.ts'
import { acceptedRead, identitiesById } from './people.ts'
import { all, db, forLists, inLists, insertAll, run, upsertAll } from './unit.ts'
import type { Unit } from './unit.ts'

/** People in one transaction: a few ten milliseconds of work. */
const portion = 1_000

/**
 * Saves the people that changed, what they were, their events and the read itself, and marks them. Throws KeyturnError
 * `read-overtaken`; then nothing is kept, but of a large one the portions before. Each of them counts as an accepted read, so
 * that no other read builds on half of this one, and what the last one was stays as it was until all of them are saved:
 * whoever reads next, even after a crash, finds everything that is missing.
 */
export async function saveIntake(
  { write }: Pick<Driver, 'write'>,
  result: IntakeResult,
  correlation: string,
): Promise<void> {
  let rest = result.changed.length > portion ? { ...result, changed: shutFirst(result.changed) } : result
  while (rest.changed.length > portion) {
    const [some, others] = divide(rest)
    const number = await write(() => savePortion(some, correlation))
    rest = rest.base === undefined ? others : { ...others, base: number }
  }
  await write(() => saveLast(rest, correlation))
}

function shutFirst(people: readonly Identity[]): readonly Identity[] {
  const groups = Map.groupBy(people, ({ state }) => state !== 'active' && state !== 'pre-hire')
  return [...(groups.get(true) ?? []), ...(groups.get(false) ?? [])]
}

function divide(result: IntakeResult): readonly [some: IntakeResult, others: IntakeResult] {
  const people = result.changed.slice(0, portion)
  const ids = new Set(people.map(({ id }) => id))
  const events = Map.groupBy(result.events, ({ identity }) => ids.has(identity))
  return [
    { ...result, changed: people, events: events.get(true) ?? [] },
    { ...result, changed: result.changed.slice(portion), events: events.get(false) ?? [] },
  ]
}

/** Returns the number of the accepted read that is in force then. */
function* savePortion(result: IntakeResult, correlation: string): Unit<number> {
  const number = yield* comparedWith(result)
  yield* saveChanged(result, correlation)
  // Before the first accepted read everybody is new to everybody: there is nothing that another read could build on.
  if (result.accepted === null || number === 0) return number
  const next = number + 1
  yield* run(db.updateTable('accepted_read').set({ number: next, digest: null }).where('source', '=', result.source))
  return next
}

function* saveLast(result: IntakeResult, correlation: string): Unit<void> {
  const number = yield* comparedWith(result)
  yield* saveChanged(result, correlation)
  if (result.accepted !== null) yield* saveAccepted(result.accepted, number + 1)
  if (result.refused !== null) yield* saveRefused(result.refused)
}

/** Marks all of them; who was described anew since `known` is not described again. */
export function* saveChanged(result: IntakeResult, correlation: string): Unit<void> {
  const { accepted, refused, receivedAt } = result
  const at = accepted?.at ?? refused?.at ?? Date.now()
  const { changed, events } = yield* withoutOutdated(result)
  yield* forLists(changed, (some) => savePeople(some, at, correlation))
  yield* saveEvents(events, correlation)
  // Also who was left out: somebody thought of them.
  const ids = result.changed.map(({ id }) => id)
  yield* markAgain(ids, accepted === null ? 'clock' : 'feed', receivedAt ?? at, correlation)
}

/** Admission knows better when the clock changes something; until then, no date that is reached meanwhile is missed. */
function* noteDue(rows: readonly { readonly id: string; readonly next_at: number | null }[]): Unit<void> {
  const dated = rows.filter(({ next_at }) => next_at !== null).map(({ id }) => id)
  yield* forLists(dated, (some) =>
    run(
      db
        .updateTable('identity')
        .set((is) => ({ due_at: is.ref('next_at') }))
        .where('id', 'in', some)
        .where((is) => is.or([is('due_at', 'is', null), is('due_at', '>', is.ref('next_at'))])),
    ),
  )
}

/**
 * Whoever was described anew meanwhile is not described again by what was known before. A read says more than the clock: it is
 * made again, since it may open whom the clock has shut.
 */
function* withoutOutdated(result: IntakeResult): Unit<Pick<IntakeResult, 'changed' | 'events'>> {
  const { accepted, source, changed, events, known = new Map<IdentityId, number>() } = result
  const ids = changed.flatMap(({ id }) => (known.has(id) ? id : []))
  const stored = yield* inLists(ids, (some) =>
    all(db.selectFrom('identity').select(['id', 'revision']).where('id', 'in', some)),
  )
  const outdated = new Set(stored.filter(({ id, revision }) => known.get(id) !== revision).map(({ id }) => id))
  if (accepted !== null && outdated.size > 0)
    throw overtaken(`This read of ${source} was compared with people of whom ${outdated.size} have changed meanwhile.`)
  return {
    changed: changed.filter(({ id }) => !outdated.has(id)),
    events: events.filter(({ identity }) => !outdated.has(identity)),
  }
}

function overtaken(message: string): KeyturnError {
  return new KeyturnError('read-overtaken', message, {
    hint: 'Another process of Keyturn reads the same feed. Give the command again: it reads anew.',
  })
}

/** The number of the accepted read that is in force. Throws KeyturnError `read-overtaken` where the result knew another one. */
function* comparedWith({ source, base }: IntakeResult): Unit<number> {
  const number = (yield* acceptedRead(source))?.number ?? 0
  if (base === undefined || base === number) return number
  throw overtaken(
    `This read of ${source} was compared with accepted read ${base}, and read ${number} is in force: another one was accepted meanwhile.`,
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
  yield* noteDue(rows)
  // Whoever is new refers to nobody yet.
  yield* forLists([...revisions.keys()], (some) => run(db.deleteFrom('reference').where('identity', 'in', some)))
  yield* insertAll('reference', people.flatMap(referencesOf))
}

function* saveEvents(events: IntakeResult['events'], correlation: string): Unit<void> {
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
  const { source, at, rows, active, modifiedAt, mappingVersion, digest = null, setAside } = read
  const counts = { row_count: rows, active, number }
  const aside = { set_aside: setAside === undefined ? null : JSON.stringify(setAside) }
  const row = { source, at, ...counts, modified_at: modifiedAt, mapping_version: mappingVersion, digest, ...aside }
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
