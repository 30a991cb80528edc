// Claims: who works on what, for how long, and what must be committed before a write that opens something.
import type { Change, Lane } from '../model/change.ts'
import type { Instant } from '../model/instant.ts'
import type { ClaimedObligation, Intent, ObligationPointer, StepRecord } from '../model/ledger.ts'
import { byPlatformAndLane, isDue, openStatuses, unclaimed, unsettled } from './obligations.ts'
import type { Obligation } from './obligations.ts'
import { writeAudit } from './record.ts'
import { restored } from './self.ts'
import { all, db, each, forLists, inLists, insertAll, run } from './unit.ts'
import type { Unit } from './unit.ts'

interface Claim {
  /** Random text, new for every call. */
  readonly id: string
  readonly worker: string
  readonly leaseMs: number
  readonly now: Instant
}

/** A token names the obligation, so that it is found by its key, and the claim, which nobody can guess or repeat. */
export function tokenOf(obligation: number, claim: string): string {
  return `${obligation}.${claim}`
}

export function parseToken(token: string): { readonly obligation: number; readonly claim: string } {
  const dot = token.indexOf('.')
  return { obligation: Number(token.slice(0, dot)), claim: token.slice(dot + 1) }
}

export function* claim(
  pointers: readonly ObligationPointer[],
  { id, worker, leaseMs, now }: Claim,
): Unit<readonly ClaimedObligation[]> {
  const claimed: Obligation[] = []
  for (const { platform, lane, identities } of byPlatformAndLane(pointers)) {
    const rows = yield* inLists(identities, (some) =>
      all(
        db
          .updateTable('obligation')
          .set((eb) => ({
            claim: id,
            worker,
            claimed_at: now,
            claimed_until: now + leaseMs,
            claimed_number: eb.ref('wanted'),
            claimed_lane: lane,
          }))
          .where('platform', '=', platform)
          .where('identity', 'in', some)
          .where('lane', '=', lane)
          .where(isDue(now))
          .returningAll(),
      ),
    )
    claimed.push(...rows)
  }
  return yield* withWork(inOrderOf(pointers, claimed))
}

function inOrderOf(pointers: readonly ObligationPointer[], rows: readonly Obligation[]): readonly Obligation[] {
  const order = new Map(pointers.map((pointer, index) => [keyOf(pointer), index]))
  const placed = rows.map((row) => ({ row, at: order.get(keyOf(row)) ?? 0 }))
  return placed.toSorted((a, b) => a.at - b.at).map(({ row }) => row)
}

function keyOf({ platform, identity }: { readonly platform: string; readonly identity: string }): string {
  return `${platform}\n${identity}`
}

/** What `claim` would give, and nothing of it is claimed: its tokens fit no claim. */
export function* peek(pointers: readonly ObligationPointer[], now: Instant): Unit<readonly ClaimedObligation[]> {
  const found: Obligation[] = []
  for (const { platform, lane, identities } of byPlatformAndLane(pointers)) {
    const rows = yield* inLists(identities, (some) =>
      all(
        db
          .selectFrom('obligation')
          .selectAll()
          .where('platform', '=', platform)
          .where('identity', 'in', some)
          .where('lane', '=', lane)
          .where(isDue(now)),
      ),
    )
    found.push(...rows)
  }
  return yield* withWork(inOrderOf(pointers, found).map((row) => ({ ...row, claim: null })))
}

/** Adds what was admitted and is still open, and what earlier claims left behind. */
function* withWork(rows: readonly Obligation[]): Unit<readonly ClaimedObligation[]> {
  const ids = rows.map((row) => row.id)
  const changes = Map.groupBy(yield* inLists(ids, openChanges), (row) => row.obligation)
  const steps = Map.groupBy(yield* inLists(ids, recordedSteps), (row) => row.obligation)
  const intents = Map.groupBy(yield* inLists(ids, openIntents), (row) => row.obligation)
  return rows.map((row) => ({
    identity: row.identity,
    platform: row.platform,
    lane: row.lane as Lane,
    number: row.wanted,
    token: tokenOf(row.id, row.claim ?? ''),
    changes: (changes.get(row.id) ?? []).map(({ id, change }) => ({ id, change: JSON.parse(change) as Change })),
    tries: row.tries,
    admittedAt: row.admitted_at,
    effectiveAt: row.effective_at,
    correlation: row.correlation,
    operator: row.operator,
    planId: row.plan_hash,
    stepsDone: (steps.get(row.id) ?? []).map(({ step, at, detail }) => ({ step, at, detail })),
    openIntents: (intents.get(row.id) ?? []).map(({ kind, target }) => ({
      identity: row.identity,
      platform: row.platform,
      kind: kind as Intent['kind'],
      target,
    })),
  }))
}

function* openChanges(some: number[]) {
  const open = db.selectFrom('admitted_change').select(['id', 'obligation', 'change']).where('obligation', 'in', some)
  return inOrder(yield* all(open.where('status', 'in', openStatuses)))
}

function* recordedSteps(some: number[]) {
  return inOrder(yield* all(db.selectFrom('revocation_step').selectAll().where('obligation', 'in', some)))
}

function* openIntents(some: number[]) {
  return inOrder(yield* all(db.selectFrom('intent').selectAll().where('obligation', 'in', some)))
}

/** Sorted here: asked to, SQLite would rather read the whole table by id than look the obligations up. */
function inOrder<Row extends { readonly id: number }>(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted((a, b) => a.id - b.id)
}

/** Obligations and their tokens, one list per claim. */
function byClaim(tokens: readonly string[]): ReadonlyMap<string, number[]> {
  const groups = Map.groupBy(tokens.map(parseToken), ({ claim }) => claim)
  return new Map([...groups].map(([claim, some]) => [claim, some.map(({ obligation }) => obligation)]))
}

/** Also a lease that has run out is renewed, as long as nobody else has claimed. */
export function* renew(tokens: readonly string[], leaseMs: number, now: Instant): Unit<ReadonlySet<string>> {
  const ours = new Set<string>()
  for (const [claim, ids] of byClaim(tokens)) {
    const rows = yield* inLists(ids, (some) =>
      all(
        db
          .updateTable('obligation')
          .set({ claimed_until: now + leaseMs })
          .where('id', 'in', some)
          .where('claim', '=', claim)
          .returning('id'),
      ),
    )
    for (const { id } of rows) ours.add(tokenOf(id, claim))
  }
  return ours
}

export function* release(tokens: readonly string[]): Unit<void> {
  for (const [claim, ids] of byClaim(tokens)) {
    yield* forLists(ids, (some) =>
      run(db.updateTable('obligation').set(unclaimed).where('id', 'in', some).where('claim', '=', claim)),
    )
  }
}

export function* claimants(): Unit<readonly string[]> {
  const rows = db.selectFrom('obligation').select('worker').distinct().where(unsettled).where('worker', 'is not', null)
  return yield* each(rows, ({ worker }) => worker ?? '')
}

/** Intents stay open: what was on its way when that worker ended may still arrive. */
export function* releaseAllOf(worker: string): Unit<void> {
  yield* run(db.updateTable('obligation').set(unclaimed).where(unsettled).where('worker', '=', worker))
}

/**
 * Commits intents of those tokens that still hold a claim on the newest number; of none while the ledger is restored. From here on the account may be open, so the
 * steps of an earlier revocation prove nothing any more and are forgotten.
 */
export function* intend(
  intents: readonly (Intent & { readonly token: string })[],
  now: Instant,
): Unit<ReadonlySet<string>> {
  const current = new Set<string>()
  // Whatever was admitted: a restored ledger does not know what happened to these accounts since (law 8).
  if ((yield* restored()) !== null) return current
  for (const [claim, ids] of byClaim([...new Set(intents.map(({ token }) => token))])) {
    const rows = yield* inLists(ids, (some) =>
      all(
        db
          .selectFrom('obligation')
          .select('id')
          .where('id', 'in', some)
          .where('claim', '=', claim)
          .where('claimed_until', '>', now)
          .whereRef('claimed_number', '=', 'wanted'),
      ),
    )
    for (const { id } of rows) current.add(tokenOf(id, claim))
  }
  const kept = intents.filter(({ token }) => current.has(token))
  yield* insertAll(
    'intent',
    kept.map(({ token, kind, target }) => ({ obligation: parseToken(token).obligation, token, kind, target, at: now })),
  )
  yield* forgetSteps([...current].map((token) => parseToken(token).obligation))
  return current
}

export function* forgetSteps(obligations: readonly number[]): Unit<void> {
  yield* forLists(obligations, (some) => run(db.deleteFrom('revocation_step').where('obligation', 'in', some)))
}

/** Returns the tokens of which somebody else has claimed the obligation since: their steps are a record only. */
export function* stepsDone(steps: readonly StepRecord[]): Unit<ReadonlySet<string>> {
  const held = yield* heldTokens(steps.map(({ token }) => token))
  yield* insertAll(
    'revocation_step',
    steps.flatMap(({ token, step: { step, at, detail }, counts }) =>
      counts && held.has(token) ? [{ obligation: parseToken(token).obligation, step, at, detail }] : [],
    ),
  )
  yield* writeAudit(steps.map(({ audit }) => audit))
  return new Set(steps.map(({ token }) => token).filter((token) => !held.has(token)))
}

function* heldTokens(tokens: readonly string[]): Unit<ReadonlySet<string>> {
  const held = new Set<string>()
  for (const [claim, ids] of byClaim([...new Set(tokens)])) {
    const rows = yield* inLists(ids, (some) =>
      all(db.selectFrom('obligation').select('id').where('id', 'in', some).where('claim', '=', claim)),
    )
    for (const { id } of rows) held.add(tokenOf(id, claim))
  }
  return held
}
