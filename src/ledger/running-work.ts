// The side of work, accounts and timings of what only a running daemon and the operators' words need.
import type { Lane } from '../model/change.ts'
import type { Proof } from '../model/connector.ts'
import { isPlatformDown } from '../model/errors.ts'
import type { ErrorSummary } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { AtStake, RevocationTiming, RunningLedger } from '../model/running.ts'
import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import { owners } from './accounts.ts'
import { claimants, peek, releaseAllOf } from './claims.ts'
import type { Driver } from './driver.ts'
import { fold } from './identity-row.ts'
import { leavers } from './leavers.ts'
import { hindrances } from './hindrances.ts'
import { openHoldCounts, rejectedLeavers } from './holds.ts'
import { openStates, unsettled } from './obligations.ts'
import { auditAfter, auditSince, lastAudit } from './record.ts'
import type { Schema } from './schema.ts'
import { removalsSince } from './stale.ts'
import { all, db, each, first, inLists, run } from './unit.ts'
import type { Unit } from './unit.ts'
import { unspool } from './unspool.ts'

const auditMost = 1_000

export function aboutRunningWork({ read, write }: Driver) {
  return {
    peek: (pointers, now) => read(() => peek(pointers, now)),
    wake: (platform, now) => wake({ read, write }, platform, now),
    claimants: () => read(() => claimants()),
    releaseAllOf: (worker) => write(() => releaseAllOf(worker)),
    clockSetBack: async (now, longestWait) =>
      (await read(() => isAhead(now, longestWait))) && write(() => clockSetBack(now, longestWait)),
    removalsSince: (platform, since) => read(() => removalsSince(platform, since)),
    leavers: (platform, page) => read(() => leavers(platform, page)),
    namesTaken: (platform, names) => read(() => namesTaken(platform, names)),
    population: (platform) => read(() => population(platform)),
    atStake: () => read(atStake),
    owners: (platform, nativeIds) => read(() => owners(platform, nativeIds)),
    unspool: (spooled, now, correlation) => write(() => unspool(spooled, now, correlation)),
    auditSince: (action, since) => read(() => auditSince(action, since, auditMost)),
    auditAfter: (after, most) => read(() => auditAfter(after, most)),
    lastAudit: () => read(() => lastAudit()),
    revocations: (after, most) => read(() => revocations(after, most)),
    revocationsSince: (since, most) => read(() => revocationsSince(since, most)),
    openRevocations: (receivedBefore) => read(() => openRevocations(receivedBefore)),
    openHoldCounts: () => read(() => openHoldCounts()),
    rejectedLeavers: (most) => read(() => rejectedLeavers(most)),
    hindrances: (platforms, most) => read(() => hindrances(platforms, most)),
  } satisfies Partial<RunningLedger>
}

/** Obligations that are woken in one transaction: a revocation elsewhere must not wait for a hundred thousand. */
const wokenAtOnce = 2_000

async function wake({ read, write }: Pick<Driver, 'read' | 'write'>, platform: string, now: Instant): Promise<number> {
  const asleep = await read(() => waitingForOutage(platform, now))
  let woken = 0
  for (let start = 0; start < asleep.length; start += wokenAtOnce) {
    const some = asleep.slice(start, start + wokenAtOnce)
    woken += await write(() => wakeThese(some, now))
  }
  return woken
}

function* waitingForOutage(platform: string, now: Instant): Unit<readonly number[]> {
  const rows = db
    .selectFrom('obligation')
    .select(['id', 'error'])
    .where(unsettled)
    .where('platform', '=', platform)
    .where('state', '=', 'owed')
    .where('next_try_at', '>', now)
  const found = yield* each(rows, ({ id, error }) => {
    const code = error === null ? undefined : (JSON.parse(error) as ErrorSummary).code
    return code !== undefined && isPlatformDown(code) ? id : null
  })
  return found.filter((id) => id !== null)
}

function* wakeThese(ids: readonly number[], now: Instant): Unit<number> {
  const rows = yield* inLists(ids, (some) =>
    all(
      db
        .updateTable('obligation')
        .set({ next_try_at: null })
        .where('id', 'in', some)
        .where('state', '=', 'owed')
        .where('next_try_at', '>', now)
        .returning('id'),
    ),
  )
  return rows.length
}

/** Machines need not agree to the second. */
const clocksDiffer = 5_000
/** Whoever lives renews a claim every second. */
const claimsEndWithin = 10_000

/** A tick is fired at its moment or later: one that lies ahead was fired by a clock that was ahead. */
function* firedAhead(now: Instant): Unit<boolean> {
  const ahead = db
    .selectFrom('tick')
    .select('at')
    .where('at', '>', now + clocksDiffer)
  return (yield* first(ahead.limit(1))) !== undefined
}

/** A clock may have been ahead for so short a time that no tick fired: then what waits for longer than anything may tells it. */
function* isAhead(now: Instant, longestWait: number): Unit<boolean> {
  if (yield* firedAhead(now)) return true
  const waiting = db.selectFrom('obligation').select('id').where(unsettled)
  return (yield* first(waiting.where('next_try_at', '>', now + longestWait).limit(1))) !== undefined
}

function* clockSetBack(now: Instant, longestWait: number): Unit<boolean> {
  if (!(yield* isAhead(now, longestWait))) return false
  const open = db.updateTable('obligation').where(unsettled)
  yield* run(open.set({ next_try_at: now }).where('next_try_at', '>', now))
  yield* run(open.set({ claimed_until: now + claimsEndWithin }).where('claimed_until', '>', now + claimsEndWithin))
  // Else no plan of these people would be young enough until the clock has caught up.
  yield* run(db.updateTable('obligation').set({ numbered_at: now }).where('numbered_at', '>', now))
  yield* run(db.deleteFrom('tick').where('at', '>', now + clocksDiffer))
  return true
}

/** An account keeps its name from others, whether the name was claimed or only found with the account. */
function* namesTaken(
  platform: string,
  names: readonly string[],
): Unit<readonly { readonly name: string; readonly identity: IdentityId }[]> {
  const folded = [...new Set(names.map(fold))]
  const claims = db.selectFrom('name_claim').select(['name', 'identity']).where('platform', '=', platform)
  const links = db.selectFrom('link').select(['folded_name as name', 'identity']).where('platform', '=', platform)
  const claimed = yield* inLists(folded, (some) => all(claims.where('name', 'in', some)))
  const held = yield* inLists(folded, (some) => all(links.where('folded_name', 'in', some)))
  const taken = [...claimed, ...held]
  return [...new Map(taken.map((one) => [JSON.stringify([one.name, one.identity]), one])).values()]
}

function* population(platform: string): Unit<number> {
  const linked = db.selectFrom('link').where('platform', '=', platform)
  return (yield* first(linked.select(({ fn }) => fn.countAll<number>().as('count'))))?.count ?? 0
}

function* atStake(): Unit<AtStake> {
  const linked = db.selectFrom('link').select('platform').groupBy('platform')
  const links = yield* all(linked.select(({ fn }) => fn.countAll<number>().as('count')))
  const reads = yield* all(db.selectFrom('accepted_read').select(['source', 'active']))
  return {
    links: new Map(links.map(({ platform, count }) => [platform, count])),
    people: new Map(reads.map(({ source, active }) => [source, active])),
  }
}

function* revocations(after: number, most: number): Unit<readonly RevocationTiming[]> {
  return yield* each(
    db.selectFrom('revocation').selectAll().where('id', '>', after).orderBy('id').limit(most),
    toTiming,
  )
}

function* revocationsSince(since: Instant, most: number): Unit<readonly RevocationTiming[]> {
  const rows = db.selectFrom('revocation').selectAll().where('proven_at', '>=', since)
  return yield* each(rows.orderBy('proven_at', 'desc').orderBy('id', 'desc').limit(most), toTiming)
}

function toTiming(row: Selectable<Schema['revocation']>): RevocationTiming {
  return {
    id: row.id,
    identity: row.identity,
    platform: row.platform,
    lane: 'revoke',
    effectiveAt: row.effective_at,
    receivedAt: row.received_at,
    admittedAt: row.admitted_at,
    provenAt: row.proven_at,
    grade: row.grade as Proof['grade'],
  }
}

function* openRevocations(receivedBefore?: Instant) {
  let rows = db
    .selectFrom('obligation')
    .selectAll()
    .where(unsettled)
    // A literal, for the partial index.
    .where(sql<boolean>`${sql.ref('lane')} = ${sql.lit('revoke')}`)
    .where('state', 'in', openStates)
    .orderBy('admitted_at')
  if (receivedBefore !== undefined)
    rows = rows.where(({ fn }) => fn.coalesce('received_at', 'admitted_at'), '<=', receivedBefore)
  return yield* each(rows, (row) => ({
    identity: row.identity,
    platform: row.platform,
    lane: row.lane as Lane,
    effectiveAt: row.effective_at,
    receivedAt: row.received_at ?? row.admitted_at,
    admittedAt: row.admitted_at,
    tries: row.tries,
    lastError: row.error === null ? null : (JSON.parse(row.error) as ErrorSummary),
    proof: row.proof === null ? null : (JSON.parse(row.proof) as Proof),
  }))
}
