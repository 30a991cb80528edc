import type { HeldRole } from '../model/account.ts'
import type {
  AcceptedRead,
  EventKind,
  Identity,
  IdentityId,
  IntakeResult,
  LifecycleEvent,
  LifecycleState,
  RefusedRead,
} from '../model/identity.ts'
import type { Place, Reason } from '../model/place.ts'
import type { IdentityRow } from './schema.ts'
import { sharedTexts } from './shared.ts'
import { all, db, each, first, forLists, inLists, insertAll, run, upsertAll } from './unit.ts'
import type { Unit } from './unit.ts'

export function* identities(source?: string): Unit<readonly Identity[]> {
  const rows = db.selectFrom('identity').selectAll().orderBy('id')
  return yield* each(source === undefined ? rows : rows.where('source', '=', source), identityReader())
}

export function* identitiesById(ids: readonly IdentityId[]): Unit<Identity[]> {
  const rows = db.selectFrom('identity').selectAll().orderBy('id')
  const toIdentity = identityReader()
  return yield* inLists(ids, (some) => each(rows.where('id', 'in', some), toIdentity))
}

export function* findPeople(text: string): Unit<readonly Identity[]> {
  const folded = fold(text.trim())
  const people = yield* all(
    db
      .selectFrom('identity')
      .select('id')
      .where('folded_id', '=', folded)
      .union(db.selectFrom('identity').select('id').where('folded_key', '=', folded))
      .union(db.selectFrom('identity').select('id').where('folded_mail', '=', folded))
      .union(db.selectFrom('identity').select('id').where('folded_email', '=', folded))
      .union(db.selectFrom('name_claim').select('identity as id').where('name', '=', folded))
      .union(db.selectFrom('link').select('identity as id').where('folded_name', '=', folded)),
  )
  return yield* identitiesById(people.map((row) => row.id))
}

export function* acceptedRead(source: string): Unit<AcceptedRead | null> {
  const row = yield* first(db.selectFrom('accepted_read').selectAll().where('source', '=', source))
  if (row === undefined) return null
  const { row_count: rows, modified_at: modifiedAt, mapping_version: mappingVersion, at, active } = row
  return { source, at, rows, active, modifiedAt, mappingVersion }
}

export function* lastRefusal(source: string): Unit<RefusedRead | null> {
  const row = yield* first(db.selectFrom('refused_read').selectAll().where('source', '=', source))
  return row === undefined ? null : { ...row }
}

export function* events(identity: IdentityId, most: number): Unit<readonly LifecycleEvent[]> {
  const rows = db.selectFrom('event').selectAll().where('identity', '=', identity).orderBy('id', 'desc').limit(most)
  return yield* each(rows, (row) => ({
    kind: row.kind as EventKind,
    identity: row.identity,
    effectiveAt: row.effective_at,
    observedAt: row.observed_at,
    reason: JSON.parse(row.reason) as Reason,
    changed: JSON.parse(row.changed) as string[],
  }))
}

export function* dependents(
  of: readonly IdentityId[],
): Unit<readonly { identity: IdentityId; reference: string; to: IdentityId }[]> {
  return yield* inLists(of, function* (some) {
    return yield* each(db.selectFrom('reference').selectAll().where('target', 'in', some), (row) => ({
      identity: row.identity,
      reference: row.name,
      to: row.target,
    }))
  })
}

export function* saveIntake(result: IntakeResult, correlation: string): Unit<void> {
  yield* keepHistory(result, correlation)
  yield* upsertAll('identity', ['id'], result.changed.map(toRow))
  const ids = result.changed.map((identity) => identity.id)
  yield* forLists(ids, (some) => run(db.deleteFrom('reference').where('identity', 'in', some)))
  yield* insertAll('reference', result.changed.flatMap(referencesOf))
  yield* insertAll(
    'event',
    result.events.map((event) => ({
      identity: event.identity,
      kind: event.kind,
      effective_at: event.effectiveAt,
      observed_at: event.observedAt,
      reason: JSON.stringify(event.reason),
      changed: JSON.stringify(event.changed),
      correlation,
    })),
  )
  yield* saveReads(result)
}

/** What the changed people were until now. */
function* keepHistory(result: IntakeResult, correlation: string): Unit<void> {
  const before = yield* identitiesById(result.changed.map((identity) => identity.id))
  const at = result.accepted?.at ?? result.refused?.at ?? Date.now()
  yield* insertAll(
    'identity_history',
    before.map((identity) => ({ identity: identity.id, at, correlation, old: JSON.stringify(identity) })),
  )
}

function* saveReads({ accepted, refused }: IntakeResult): Unit<void> {
  if (accepted !== null) {
    const { source, at, rows, active, modifiedAt, mappingVersion } = accepted
    const row = { source, at, row_count: rows, active, modified_at: modifiedAt, mapping_version: mappingVersion }
    yield* upsertAll('accepted_read', ['source'], [row])
  }
  if (refused !== null) {
    const { source, at, why, hint } = refused
    yield* upsertAll('refused_read', ['source'], [{ source, at, why, hint }])
  }
}

export function* heldRoles(identities?: readonly IdentityId[]): Unit<readonly HeldRole[]> {
  const toRole = (row: { identity: string; role: string; since: number; lost_at: number | null }): HeldRole => ({
    identity: row.identity,
    role: row.role,
    since: row.since,
    lostAt: row.lost_at,
  })
  const rows = db.selectFrom('held_role').selectAll().orderBy('identity').orderBy('role')
  if (identities === undefined) return yield* each(rows, toRole)
  return yield* inLists(identities, (some) => each(rows.where('identity', 'in', some), toRole))
}

/** Replaces the roles of the people in it; who holds what is there already costs no write. */
export function* saveHeldRoles(roles: readonly HeldRole[]): Unit<void> {
  const wanted = Map.groupBy(roles, (role) => role.identity)
  const present = Map.groupBy(yield* heldRoles([...wanted.keys()]), (role) => role.identity)
  const changed = [...wanted].filter(([identity, some]) => !sameRoles(some, present.get(identity) ?? []))
  yield* forLists(
    changed.map(([identity]) => identity),
    (some) => run(db.deleteFrom('held_role').where('identity', 'in', some)),
  )
  yield* insertAll(
    'held_role',
    changed.flatMap(([, some]) =>
      some.map(({ identity, role, since, lostAt }) => ({ identity, role, since, lost_at: lostAt })),
    ),
  )
}

function sameRoles(some: readonly HeldRole[], others: readonly HeldRole[]): boolean {
  const lines = (roles: readonly HeldRole[]) =>
    roles.map(({ role, since, lostAt }) => JSON.stringify([role, since, lostAt])).toSorted()
  return lines(some).join('\n') === lines(others).join('\n')
}

/** Whom somebody's references mean, once more: `dependents` asks from the other end. */
function referencesOf({ id, references }: Identity) {
  return Object.entries(references).flatMap(([name, target]) =>
    target === null ? [] : [{ identity: id, name, target }],
  )
}

/** Case is ignored when people are looked up. */
export function fold(text: string): string {
  return text.toLowerCase()
}

function foldAttribute(identity: Identity, name: string): string | null {
  const value = Object.entries(identity.attributes).find(([attribute]) => fold(attribute) === name)?.[1]
  return value === undefined || value === '' ? null : fold(value)
}

function identityReader(): (row: IdentityRow) => Identity {
  const shared = sharedTexts()
  const placeOf = ({ file, ...rest }: Place): Place => ({ file: shared(file), ...rest })
  const reasonOf = ({ text, place, ...rest }: Reason): Reason => ({
    ...rest,
    text: shared(text),
    ...(place === undefined ? {} : { place: placeOf(place) }),
  })
  return (row) => ({
    id: row.id,
    source: shared(row.source),
    key: row.key,
    attributes: JSON.parse(row.attributes) as Record<string, string>,
    references: JSON.parse(row.refers_to) as Record<string, IdentityId | null>,
    ...(row.unresolved === null ? {} : { unresolved: JSON.parse(row.unresolved) as Record<string, string> }),
    status: shared(row.status) as Identity['status'],
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    accessEndsAt: row.access_ends_at,
    zone: shared(row.zone),
    state: shared(row.state) as LifecycleState,
    next: row.next_at === null ? null : { at: row.next_at, state: row.next_state as LifecycleState },
    held: row.held,
    leftAt: row.left_at,
    announcedAt: row.announced_at,
    vanishedAt: row.vanished_at,
    leftBeforeFirstSeen: row.left_before_first_seen === 1,
    firstSeenAt: row.first_seen_at,
    reason: reasonOf(JSON.parse(row.reason) as Reason),
    recordHash: row.record_hash,
    place: placeOf(JSON.parse(row.place) as Place),
  })
}

function toRow(identity: Identity): IdentityRow {
  return {
    id: identity.id,
    source: identity.source,
    key: identity.key,
    attributes: JSON.stringify(identity.attributes),
    refers_to: JSON.stringify(identity.references),
    unresolved: identity.unresolved === undefined ? null : JSON.stringify(identity.unresolved),
    status: identity.status,
    starts_at: identity.startsAt,
    ends_at: identity.endsAt,
    access_ends_at: identity.accessEndsAt,
    zone: identity.zone,
    state: identity.state,
    next_at: identity.next?.at ?? null,
    next_state: identity.next?.state ?? null,
    held: identity.held,
    left_at: identity.leftAt,
    announced_at: identity.announcedAt,
    vanished_at: identity.vanishedAt,
    left_before_first_seen: identity.leftBeforeFirstSeen ? 1 : 0,
    first_seen_at: identity.firstSeenAt,
    reason: JSON.stringify(identity.reason),
    record_hash: identity.recordHash,
    place: JSON.stringify(identity.place),
    folded_id: fold(identity.id),
    folded_key: fold(identity.key),
    folded_mail: foldAttribute(identity, 'mail'),
    folded_email: foldAttribute(identity, 'email'),
  }
}
