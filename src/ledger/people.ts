import type { HeldRole } from '../model/account.ts'
import type {
  AcceptedRead,
  EventKind,
  Identity,
  IdentityId,
  LifecycleEvent,
  RefusedRead,
  SetAside,
} from '../model/identity.ts'
import type { Reason } from '../model/place.ts'
import type { HeldPeople } from '../model/running.ts'
import { fold, identityReader } from './identity-row.ts'
import { all, db, each, first, forLists, inLists, insertAll, run } from './unit.ts'
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

/** The first and the count, by an index over those who are held. */
export function* heldPeople(most: number): Unit<HeldPeople> {
  const held = db.selectFrom('identity').where('held', 'is not', null).orderBy('id').limit(most)
  const rows = yield* all(held.select(['id', 'held']).select(({ fn }) => fn.countAll<number>().over().as('count')))
  return { count: rows[0]?.count ?? 0, first: rows.map((row) => ({ identity: row.id, held: row.held ?? '' })) }
}

export function* acceptedRead(source: string): Unit<AcceptedRead | null> {
  const row = yield* first(db.selectFrom('accepted_read').selectAll().where('source', '=', source))
  if (row === undefined) return null
  const { row_count: rows, modified_at: modifiedAt, mapping_version: mappingVersion, at, active, number, digest } = row
  const base = { source, at, rows, active, modifiedAt, mappingVersion, number }
  const aside = row.set_aside === null ? {} : { setAside: JSON.parse(row.set_aside) as SetAside }
  return { ...base, ...(digest === null ? {} : { digest }), ...aside }
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
