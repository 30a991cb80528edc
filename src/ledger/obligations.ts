import type { Lane } from '../model/change.ts'
import type { Proof } from '../model/connector.ts'
import type { ErrorSummary } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { ObligationPointer, ObligationStatus, OpenCount } from '../model/ledger.ts'
import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import type { ObligationRow } from './schema.ts'
import { db, each, first, inLists } from './unit.ts'
import type { Unit } from './unit.ts'

export type Obligation = Selectable<ObligationRow>

/** Statuses of admitted changes that somebody still has to carry out. */
export const openStatuses = ['admitted', 'retry', 'waiting']

/** States of obligations of which something is still to be done. */
export const openStates = ['owed', 'waiting']

/**
 * A condition for the index over what is not settled. It must stand in the SQL as a literal: a database uses a partial index
 * only where it can see that the condition implies it.
 */
export const unsettled = sql<boolean>`${sql.ref('state')} <> ${sql.lit('settled')}`

/** Groups pointers by what one statement can ask for. */
export function byPlatformAndLane(pointers: readonly ObligationPointer[]) {
  const groups = Map.groupBy(pointers, ({ platform, lane }) => JSON.stringify([platform, lane]))
  return [...groups.values()].map((some) => ({
    platform: some[0]?.platform ?? '',
    lane: some[0]?.lane ?? 'change',
    identities: some.map((pointer) => pointer.identity),
  }))
}

export function* due(platform: string, lane: Lane, now: Instant, most: number): Unit<readonly ObligationPointer[]> {
  const rows = db
    .selectFrom('obligation')
    .select(['identity', 'platform', 'lane'])
    .where(unsettled)
    .where('platform', '=', platform)
    .where('lane', '=', lane)
    .where(isDue(now))
    .orderBy('admitted_at')
    .limit(most)
  return yield* each(rows, (row) => ({ identity: row.identity, platform: row.platform, lane: row.lane as Lane }))
}

export function* isOwed(platform: string, lane: Lane): Unit<boolean> {
  const rows = db.selectFrom('obligation').select('id').where(unsettled).where('state', 'in', openStates)
  return (yield* first(rows.where('platform', '=', platform).where('lane', '=', lane).limit(1))) !== undefined
}

/**
 * Owed, or waiting with a time at which to look again, that has come; and nobody's at the moment. A revocation does not
 * wait for who still works on an older number as on a change (law 3): that worker's later intents and results are refused,
 * and what it has begun stays as open intents. Who revokes is never disturbed.
 */
export function isDue(now: Instant) {
  return sql<boolean>`(${sql.ref('state')} = ${sql.lit('owed')} and (${sql.ref('next_try_at')} is null or ${sql.ref('next_try_at')} <= ${now})
    or ${sql.ref('state')} = ${sql.lit('waiting')} and ${sql.ref('next_try_at')} <= ${now})
    and (${sql.ref('claimed_until')} is null or ${sql.ref('claimed_until')} <= ${now}
    or ${sql.ref('lane')} = ${sql.lit('revoke')} and ${sql.ref('claimed_lane')} = ${sql.lit('change')} and ${sql.ref('claimed_number')} < ${sql.ref('wanted')})`
}

/** Nobody works on it. */
export const unclaimed = {
  claim: null,
  worker: null,
  claimed_at: null,
  claimed_until: null,
  claimed_number: null,
  claimed_lane: null,
}

export function* obligations(filter: {
  readonly identity?: IdentityId
  readonly platform?: string
  readonly open?: boolean
  readonly failed?: boolean
}): Unit<readonly ObligationStatus[]> {
  let rows = db.selectFrom('obligation').selectAll().orderBy('platform').orderBy('lane', 'desc').orderBy('admitted_at')
  if (filter.identity !== undefined) rows = rows.where('identity', '=', filter.identity)
  if (filter.platform !== undefined) rows = rows.where('platform', '=', filter.platform)
  if (filter.open === true) rows = rows.where(unsettled).where('state', 'in', openStates)
  if (filter.failed === true) rows = rows.where(unsettled).where('state', '=', 'failed')
  if (filter.open === false) rows = rows.where('state', 'in', ['settled', 'failed'])
  return yield* each(rows, toStatus)
}

export function* obligationsOf(pointers: readonly ObligationPointer[]): Unit<readonly ObligationStatus[]> {
  const result: ObligationStatus[] = []
  // The lane may have changed since the pointer was made: a revocation has taken the place of a change.
  for (const [platform, some] of Map.groupBy(pointers, (pointer) => pointer.platform)) {
    const found = yield* inLists(
      some.map((pointer) => pointer.identity),
      (identities) =>
        each(
          db.selectFrom('obligation').selectAll().where('platform', '=', platform).where('identity', 'in', identities),
          toStatus,
        ),
    )
    for (const one of found) result.push(one)
  }
  return result
}

export function* openCounts(): Unit<readonly OpenCount[]> {
  const rows = db
    .selectFrom('obligation')
    .where(unsettled)
    .select(({ fn }) => [
      'platform',
      'lane',
      'state',
      fn.countAll<number>().as('count'),
      fn.min('admitted_at').as('oldest'),
    ])
    .groupBy(['platform', 'lane', 'state'])
    .orderBy('platform')
    .orderBy('lane')
  const groups = Map.groupBy(yield* each(rows, (row) => row), ({ platform, lane }) => JSON.stringify([platform, lane]))
  return [...groups.values()].map((states) => {
    const count = (state: string) => states.find((row) => row.state === state)?.count ?? 0
    const open = states.filter((row) => row.state !== 'failed').map((row) => row.oldest)
    return {
      platform: states[0]?.platform ?? '',
      lane: (states[0]?.lane ?? 'change') as Lane,
      owed: count('owed'),
      failed: count('failed'),
      waiting: count('waiting'),
      oldest: open.length === 0 ? null : Math.min(...open),
    }
  })
}

function toStatus(row: Obligation): ObligationStatus {
  return {
    identity: row.identity,
    platform: row.platform,
    lane: row.lane as Lane,
    wanted: row.wanted,
    settled: row.settled,
    tries: row.tries,
    nextTryAt: row.next_try_at,
    claimedUntil: row.claimed_until,
    admittedAt: row.admitted_at,
    receivedAt: row.received_at ?? row.admitted_at,
    effectiveAt: row.effective_at,
    lastError: row.error === null ? null : (JSON.parse(row.error) as ErrorSummary),
    state: row.state as ObligationStatus['state'],
    proof: row.proof === null ? null : (JSON.parse(row.proof) as Proof),
  }
}
