// An operator's durable word above the sources, with its audit and the mark that makes planning hear it.
import { KeyturnError } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { AuditRecord } from '../model/ledger.ts'
import type { NewOverride, Override } from '../model/running.ts'
import { identitiesById } from './people.ts'
import { markAgain } from './look-again.ts'
import { writeAudit } from './record.ts'
import type { OverrideRow } from './schema.ts'
import { db, each, first, inLists, run } from './unit.ts'
import type { Unit } from './unit.ts'

/** Throws KeyturnError `not-found` where the ledger does not know the person. */
export function* override(made: NewOverride, correlation: string): Unit<Override> {
  const { identity, kind, madeAt, operator, reason } = made
  yield* known(identity)
  const ended = { at: madeAt, by: operator, reason: 'replaced by a newer one', correlation }
  const older = yield* endStanding(identity, kind, ended)
  const id = yield* insert(made)
  const now: Override = { ...made, id, endedAt: null }
  const words = { before: older === undefined ? null : say(older), after: say(now) }
  yield* writeAudit([record(now, 'override', { at: madeAt, by: operator, reason, correlation }, words)])
  yield* restate(identity)
  yield* markAgain([identity], 'override', madeAt, correlation)
  return now
}

/** False where none stands. */
export function* endOverride(
  identity: IdentityId,
  kind: Override['kind'],
  by: string,
  reason: string,
  now: Instant,
  correlation: string,
): Unit<boolean> {
  const standing = yield* overrides(now, [identity])
  if (!standing.some((one) => one.kind === kind)) return false
  yield* endStanding(identity, kind, { at: now, by, reason, correlation })
  yield* restate(identity)
  yield* markAgain([identity], 'override', now, correlation)
  return true
}

/** A plan that was made before the operator's word must not be admitted for this person any more. */
function* restate(identity: IdentityId): Unit<void> {
  yield* run(
    db
      .updateTable('identity')
      .set((eb) => ({ revision: eb('revision', '+', 1) }))
      .where('id', '=', identity),
  )
}

interface Act {
  readonly at: Instant
  readonly by: string
  readonly reason: string
  readonly correlation: string
}

/** Ends the one that nobody has ended yet, even where its time has run out, and returns it as it was. */
function* endStanding(identity: IdentityId, kind: Override['kind'], act: Act): Unit<Override | undefined> {
  const of = db.selectFrom('override').selectAll().where('identity', '=', identity).where('kind', '=', kind)
  const [one] = yield* each(of.where('ended_at', 'is', null), toOverride)
  if (one === undefined) return undefined
  yield* run(db.updateTable('override').set({ ended_at: act.at }).where('id', '=', one.id))
  yield* writeAudit([record(one, 'override-ended', act, { before: say(one), after: null })])
  return one
}

function record(
  { identity, madeAt }: Override,
  action: 'override' | 'override-ended',
  { at, by, reason, correlation }: Act,
  words: Pick<AuditRecord, 'before' | 'after'>,
): AuditRecord {
  return {
    at,
    correlation,
    identity,
    platform: null,
    account: null,
    action,
    reason: { kind: 'operator', text: reason },
    operator: by,
    ...words,
    askedAt: madeAt,
    result: 'done',
    detail: null,
  }
}

/** Such as `state left (emergency) until 2031-05-05T06:07:08.000Z`. */
function say({ kind, state, emergency, until }: Override): string {
  const what = kind === 'freeze' ? 'freeze' : `state ${state}`
  const end = until === null ? 'until it is ended' : `until ${new Date(until).toISOString()}`
  return `${what}${emergency ? ' (emergency)' : ''} ${end}`
}

function* known(identity: IdentityId): Unit<void> {
  if ((yield* identitiesById([identity])).length > 0) return
  throw new KeyturnError('not-found', `The ledger knows no person ${identity}.`, {
    hint: 'Give the id as the ledger has it, such as hr:10268. Nobody is known before a read of the source was accepted.',
  })
}

function* insert({ identity, kind, state, emergency, until, reason, operator, madeAt }: NewOverride): Unit<number> {
  const values = { identity, kind, state, emergency: emergency ? 1 : 0, until, reason, operator, made_at: madeAt }
  const row = yield* first(db.insertInto('override').values(values).returning('id'))
  return row?.id ?? 0
}

/** Those that stand at `now`. One whose `until` is reached stands no longer; a clock that was set back changes nothing. */
export function* overrides(now: Instant, identities?: readonly IdentityId[]): Unit<readonly Override[]> {
  const standing = db
    .selectFrom('override')
    .selectAll()
    .where('ended_at', 'is', null)
    .where((is) => is.or([is('until', 'is', null), is('until', '>', now)]))
    .orderBy('identity')
    .orderBy('kind')
  if (identities === undefined) return yield* each(standing, toOverride)
  return yield* inLists(identities, (some) => each(standing.where('identity', 'in', some), toOverride))
}

/** The newest first. */
export function* overridesOf(identity: IdentityId): Unit<readonly Override[]> {
  const rows = db.selectFrom('override').selectAll().where('identity', '=', identity).orderBy('id', 'desc')
  return yield* each(rows, toOverride)
}

/** Counts people, and not this one: to say the same of somebody once more is no further emergency. */
export function* emergenciesBy(operator: string, since: Instant, but: IdentityId): Unit<number> {
  const row = yield* first(
    db
      .selectFrom('override')
      .select(({ fn }) => fn.count<number>('identity').distinct().as('count'))
      .where('operator', '=', operator)
      .where('made_at', '>=', since)
      .where('emergency', '=', 1)
      .where('identity', '!=', but),
  )
  return row?.count ?? 0
}

function toOverride(row: Omit<OverrideRow, 'id'> & { id: number }): Override {
  return {
    id: row.id,
    identity: row.identity,
    kind: row.kind as Override['kind'],
    state: row.state as Override['state'],
    emergency: row.emergency === 1,
    until: row.until,
    reason: row.reason,
    operator: row.operator,
    madeAt: row.made_at,
    endedAt: row.ended_at,
  }
}
