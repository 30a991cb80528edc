// Holds: what safety stopped, per platform and cause, until a person decides.
import { awaitsDecision, fingerprint } from '../model/change.ts'
import type { Plan, Withheld, WithheldWhy } from '../model/change.ts'
import { KeyturnError } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Hold, HoldItem } from '../model/ledger.ts'
import { summary } from '../model/summary.ts'
import type { HoldCount } from '../model/running.ts'
import { statusOf } from './decisions.ts'
import { markAgain } from './look-again.ts'
import { writeAudit } from './record.ts'
import { all, db, each, first, forLists, inLists, insertAll, run } from './unit.ts'
import type { Unit } from './unit.ts'

type Decision = 'approved' | 'rejected'

/** Nothing is left to decide about these items. */
const closed: readonly HoldItem['status'][] = ['done', 'superseded']

/** Items that are still to be written, so that the caller can do it in portions. */
export interface NewItems {
  readonly hold: number
  readonly items: readonly HoldItem[]
}

/**
 * Makes the open holds equal to what the plan withholds, but for what is new in them: that is returned. Platforms that the
 * plan has not looked at keep theirs, and so do people whom it does not concern.
 */
export function* saveHolds(
  plan: Plan,
  now: Instant,
  concerns: (identity: IdentityId) => boolean,
): Unit<readonly NewItems[]> {
  const stopped = plan.withheld.filter((one) => awaitsDecision(one) && concerns(one.change.identity))
  const withheld = Map.groupBy(stopped, ({ change, why }) => pairOf(change.platform, why))
  const seen = new Set([...Object.keys(plan.situations), ...plan.withheld.map(({ change }) => change.platform)])
  const open = new Map((yield* openNow()).map((hold) => [pairOf(hold.platform, hold.why), hold]))
  const decided = yield* decidedItems()
  for (const [pair, hold] of open) {
    if (!withheld.has(pair) && seen.has(hold.platform)) yield* dropItems(hold, [], hold.text, concerns)
  }
  const fresh: NewItems[] = []
  for (const [pair, some] of withheld) {
    const items = toItems(some, decided.get(pair) ?? new Set())
    const hold = open.get(pair)
    const text = some[0]?.text ?? ''
    if (hold !== undefined) {
      yield* dropItems(hold, items, text, concerns)
      const before = new Set(hold.items.filter(({ status }) => status === 'open').map(({ fingerprint }) => fingerprint))
      fresh.push({ hold: hold.id, items: items.filter((item) => !before.has(item.fingerprint)) })
    } else if (items.length > 0) fresh.push({ hold: yield* insertHold(some, text, now), items })
  }
  return fresh
}

/** Those of these people themselves are among them. */
export function* heldTogether(identities: readonly IdentityId[]): Unit<readonly IdentityId[]> {
  const limited = db
    .selectFrom('hold_item')
    .innerJoin('hold', 'hold.id', 'hold_item.hold')
    .select('hold.id')
    .distinct()
    .where('hold.status', '=', 'open')
    .where('hold.why', 'in', limits)
    .where('hold_item.status', '=', 'open')
  const together = yield* inLists(identities, (some) => all(limited.where('hold_item.identity', 'in', some)))
  const items = db.selectFrom('hold_item').select('identity').distinct().where('status', '=', 'open')
  const people = yield* inLists(
    together.map(({ id }) => id),
    (some) => all(items.where('hold', 'in', some)),
  )
  return [...new Set(people.map(({ identity }) => identity))]
}

const limits = ['removals-limit', 'creations-limit', 'updates-limit'] satisfies WithheldWhy[]

/** The open holds that this plan withholds something by. */
export function* openHolds(plan: Plan): Unit<readonly Hold[]> {
  const pairs = new Set(plan.withheld.filter(awaitsDecision).map(({ change, why }) => pairOf(change.platform, why)))
  if (pairs.size === 0) return []
  return (yield* holds({ status: 'open' })).filter((hold) => pairs.has(pairOf(hold.platform, hold.why)))
}

function pairOf(platform: string, why: WithheldWhy): string {
  return JSON.stringify([platform, why])
}

/** Fingerprints that a person has decided and that are not used up, per platform and cause: they are not asked again. */
function* decidedItems(): Unit<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows = yield* all(
    db
      .selectFrom('hold_item')
      .innerJoin('hold', 'hold.id', 'hold_item.hold')
      .select(['hold.platform', 'hold.why', 'hold_item.fingerprint'])
      .where('hold_item.status', 'in', ['approved', 'rejected']),
  )
  const groups = Map.groupBy(rows, (row) => pairOf(row.platform, row.why as WithheldWhy))
  return new Map([...groups].map(([pair, some]) => [pair, new Set(some.map((row) => row.fingerprint))]))
}

function toItems(withheld: readonly Withheld[], decided: ReadonlySet<string>): readonly HoldItem[] {
  const items = new Map<string, HoldItem>()
  for (const { change } of withheld) {
    const line = fingerprint(change)
    if (decided.has(line)) continue
    items.set(line, { fingerprint: line, identity: change.identity, summary: summary(change), status: 'open' })
  }
  return [...items.values()]
}

function* insertHold([some]: readonly Withheld[], text: string, now: Instant): Unit<number> {
  const values = { platform: some?.change.platform ?? '', why: some?.why ?? '', text, status: 'open', made_at: now }
  const row = yield* first(db.insertInto('hold').values(values).returning('id'))
  return row?.id ?? 0
}

export function* addItems({ hold, items }: NewItems): Unit<void> {
  if (items.length === 0) return
  yield* insertAll(
    'hold_item',
    items.map((item) => ({ hold, ...item })),
  )
  // A person may have decided about all that was there until now.
  yield* run(db.updateTable('hold').set({ status: 'open' }).where('id', '=', hold))
}

interface StoredHold {
  readonly id: number
  readonly platform: string
  readonly why: WithheldWhy
  readonly text: string
  readonly items: readonly (Pick<HoldItem, 'fingerprint' | 'identity' | 'status'> & { readonly id: number })[]
}

function* openNow(): Unit<readonly StoredHold[]> {
  const rows = yield* all(db.selectFrom('hold').selectAll().where('status', '=', 'open').orderBy('id'))
  const items = Map.groupBy(yield* itemsOf(rows.map(({ id }) => id)), ({ hold }) => hold)
  return rows.map(({ id, platform, why, text }) => ({
    id,
    platform,
    why: why as WithheldWhy,
    text,
    items: items.get(id) ?? [],
  }))
}

function* itemsOf(ids: readonly number[]) {
  const rows = db.selectFrom('hold_item').select(['id', 'hold', 'fingerprint', 'identity', 'status'])
  return yield* inLists(ids, (some) =>
    each(rows.where('hold', 'in', some), (row) => ({ ...row, status: row.status as HoldItem['status'] })),
  )
}

/** Open items of people whom the plan concerns go where it does not withhold them any more; what was decided stays. */
function* dropItems(
  hold: StoredHold,
  items: readonly HoldItem[],
  text: string,
  concerns: (identity: IdentityId) => boolean,
): Unit<void> {
  const present = new Set(items.map((item) => item.fingerprint))
  const gone = hold.items.filter(
    ({ status, identity, fingerprint }) => status === 'open' && concerns(identity) && !present.has(fingerprint),
  )
  const ids = gone.map(({ id }) => id)
  yield* forLists(ids, (some) => run(db.deleteFrom('hold_item').where('id', 'in', some).where('status', '=', 'open')))
  const dropped = new Set(ids)
  const left = hold.items.filter(({ id }) => !dropped.has(id))
  const status = statusOf([...left, ...items])
  // The sentence counts all of them: a plan of a few people cannot say it anew.
  const others = left.some((item) => item.status === 'open' && !concerns(item.identity))
  const said = others || items.length === 0 ? hold.text : text
  if (status !== 'open' || said !== hold.text) {
    yield* run(db.updateTable('hold').set({ status, text: said }).where('id', '=', hold.id))
  }
}

/** The `summary` of a change that shuts a leaver. */
const leaverDisable = 'disable % (leaver)'

/** What is open, without its items: of them there may be a hundred thousand. */
export function* openHoldCounts(): Unit<readonly HoldCount[]> {
  const open = db.selectFrom('hold').innerJoin('hold_item', 'hold_item.hold', 'hold.id')
  const rows = open
    .select(['hold.id', 'hold.platform', 'hold.why', 'hold.text'])
    .select(({ fn }) => [
      fn.count<number>('hold_item.identity').distinct().as('people'),
      fn
        .count<number>('hold_item.identity')
        .distinct()
        .filterWhere('hold_item.summary', 'like', leaverDisable)
        .as('leavers'),
      fn.min('hold_item.identity').as('someone'),
    ])
    .where('hold.status', '=', 'open')
    .where('hold_item.status', '=', 'open')
    .groupBy(['hold.id', 'hold.platform', 'hold.why', 'hold.text'])
    .orderBy('hold.id')
  return yield* each(rows, (row) => ({ ...row, why: row.why as WithheldWhy }))
}

export function* holds(filter: { readonly status?: Hold['status']; readonly id?: number }): Unit<readonly Hold[]> {
  let rows = db.selectFrom('hold').selectAll().orderBy('id')
  if (filter.status !== undefined) rows = rows.where('status', '=', filter.status)
  if (filter.id !== undefined) rows = rows.where('id', '=', filter.id)
  const found = yield* all(rows)
  const items = yield* inLists(
    found.map((row) => row.id),
    (some) => all(db.selectFrom('hold_item').selectAll().where('hold', 'in', some).orderBy('id')),
  )
  const grouped = Map.groupBy(items, (item) => item.hold)
  return found.map((row) => ({
    id: row.id,
    platform: row.platform,
    why: row.why as WithheldWhy,
    text: row.text,
    status: row.status as Hold['status'],
    madeAt: row.made_at,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    reason: row.reason,
    items: (grouped.get(row.id) ?? []).map(({ fingerprint, identity, summary, status }) => ({
      fingerprint,
      identity,
      summary,
      status: status as HoldItem['status'],
    })),
  }))
}

/** Throws KeyturnError `not-found` for an unknown hold or person, `usage` where nothing is left to decide. */
export function* decideHold(
  id: number,
  decision: Decision,
  by: string,
  reason: string,
  now: Instant,
  only?: readonly IdentityId[],
): Unit<Hold> {
  const hold = yield* findHold(id)
  const chosen = choose(hold, decision, only)
  const lines = new Set(chosen.map((item) => item.fingerprint))
  const stored = (yield* itemsOf([id])).filter(
    ({ fingerprint, status }) => lines.has(fingerprint) && !closed.includes(status),
  )
  yield* forLists(
    stored.map((item) => item.id),
    (some) => run(db.updateTable('hold_item').set({ status: decision }).where('id', 'in', some)),
  )
  const now_ = new Set(chosen)
  const status = statusOf(hold.items.map((item) => (now_.has(item) ? { status: decision } : item)))
  yield* run(db.updateTable('hold').set({ status, decided_at: now, decided_by: by, reason }).where('id', '=', id))
  yield* writeAudit(chosen.map((item) => decisionRecord(hold, item, decision, by, reason, now)))
  yield* markAgain([...new Set(chosen.map(({ identity }) => identity))], 'hold', now, `hold-${id}`)
  return yield* findHold(id)
}

function* findHold(id: number): Unit<Hold> {
  const [hold] = yield* holds({ id })
  if (hold !== undefined) return hold
  throw new KeyturnError('not-found', `There is no hold ${id}.`, { hint: 'keyturn holds list shows them.' })
}

/** A decision may be changed as long as the change has not been carried out. */
function choose(hold: Hold, decision: Decision, only: readonly IdentityId[] | undefined): readonly HoldItem[] {
  if (hold.status === 'superseded') {
    throw new KeyturnError('usage', `Hold ${hold.id} is superseded: a later plan does not need its changes.`, {
      hint: 'keyturn holds list shows what is held now.',
    })
  }
  const people = new Set(hold.items.map((item) => item.identity))
  const strangers = (only ?? []).filter((identity) => !people.has(identity))
  if (strangers.length > 0) {
    throw new KeyturnError('not-found', `Hold ${hold.id} has no change of ${strangers.join(', ')}.`, {
      hint: `keyturn holds show ${hold.id} lists its people.`,
    })
  }
  const chosen = hold.items.filter(
    (item) =>
      !closed.includes(item.status) && item.status !== decision && (only === undefined || only.includes(item.identity)),
  )
  if (chosen.length > 0) return chosen
  throw new KeyturnError('usage', `Nothing in hold ${hold.id} is left to be ${decision}: it is ${hold.status}.`, {
    hint: `keyturn holds show ${hold.id} says who decided, and when.`,
  })
}

function decisionRecord(hold: Hold, item: HoldItem, decision: Decision, by: string, reason: string, now: Instant) {
  return {
    at: now,
    correlation: `hold-${hold.id}`,
    identity: item.identity,
    platform: hold.platform,
    account: null,
    action: `hold-${decision}`,
    reason: { kind: 'operator', text: reason } as const,
    operator: by,
    before: item.status,
    after: decision,
    askedAt: hold.madeAt,
    result: 'done',
    detail: item.summary,
  }
}
