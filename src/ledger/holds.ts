// Holds: what safety stopped, per platform and cause, until a person decides.
import { awaitsDecision, fingerprint } from '../model/change.ts'
import type { Plan, Withheld, WithheldWhy } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Hold, HoldItem } from '../model/ledger.ts'
import { summary } from '../model/summary.ts'
import type { HoldCount, RejectedLeavers } from '../model/running.ts'
import { statusOf } from './decisions.ts'
import { all, db, each, first, forLists, inLists, insertAll, run } from './unit.ts'
import type { Unit } from './unit.ts'

/** Items that are still to be written, so that the caller can do it in portions. */
export interface NewItems {
  readonly hold: Numbered
  readonly items: readonly NewItem[]
}

interface Numbered {
  readonly id: number
  /** What people call it. */
  readonly number: number
}

interface NewItem extends HoldItem {
  /** The change itself, where releasing it admits it at once. */
  readonly change: string | null
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
      const added = items.filter((item) => !before.has(item.fingerprint))
      if (added.length > 0) fresh.push({ hold: yield* renumber(hold, now, concerns), items: added })
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

function toItems(withheld: readonly Withheld[], decided: ReadonlySet<string>): readonly NewItem[] {
  const items = new Map<string, NewItem>()
  for (const one of withheld) {
    const { identity } = one.change
    const line = fingerprint(one.change)
    if (decided.has(line)) continue
    const change = isAdmittedByRelease(one) ? JSON.stringify(one.change) : null
    items.set(line, { fingerprint: line, identity, summary: summary(one.change), status: 'open', change })
  }
  return [...items.values()]
}

/** What shuts people, and what follows from it: nobody waits for another plan when a person has seen this one. */
function isAdmittedByRelease({ change: { kind }, why }: Withheld): boolean {
  return (why === 'removals-limit' || why === 'backlog') && (kind === 'disable' || kind === 'revoke' || kind === 'move')
}

function* insertHold([some]: readonly Withheld[], text: string, now: Instant): Unit<Numbered> {
  const number = yield* nextNumber()
  const { change, why = '' } = some ?? {}
  const values = { number, platform: change?.platform ?? '', why, text, status: 'open', made_at: now }
  const row = yield* first(db.insertInto('hold').values(values).returning('id'))
  return { id: row?.id ?? 0, number }
}

/** Greater than each that any hold ever had: one that is superseded is smaller than its successor. */
function* nextNumber(): Unit<number> {
  const last = yield* first(db.selectFrom('hold').select('number').orderBy('number', 'desc').limit(1))
  return (last?.number ?? 0) + 1
}

/** Nobody must approve by the old number what was not there when they looked. */
function* renumber(
  { id, number: old, items }: StoredHold,
  now: Instant,
  concerns: (identity: IdentityId) => boolean,
): Unit<Numbered> {
  const number = yield* nextNumber()
  yield* run(db.insertInto('superseded_number').values({ number: old, hold: id }))
  yield* run(db.updateTable('hold').set({ number }).where('id', '=', id))
  // What is held of others was planned when the hold was made.
  const isOfAll = items.every(({ status, identity }) => status !== 'open' || concerns(identity))
  if (isOfAll) yield* run(db.updateTable('hold').set({ made_at: now }).where('id', '=', id))
  return { id, number }
}

export function* addItems({ hold, items }: NewItems): Unit<void> {
  if (items.length === 0) return
  yield* insertAll(
    'hold_item',
    items.map((item) => ({ hold: hold.id, joined: hold.number, ...item })),
  )
  // A person may have decided about all that was there until now.
  yield* run(db.updateTable('hold').set({ status: 'open' }).where('id', '=', hold.id))
}

interface StoredHold extends Numbered {
  readonly platform: string
  readonly why: WithheldWhy
  readonly text: string
  readonly items: readonly (Pick<HoldItem, 'fingerprint' | 'identity' | 'status'> & { readonly id: number })[]
}

function* openNow(): Unit<readonly StoredHold[]> {
  const rows = yield* all(db.selectFrom('hold').selectAll().where('status', '=', 'open').orderBy('id'))
  const items = Map.groupBy(yield* itemsOf(rows.map(({ id }) => id)), ({ hold }) => hold)
  return rows.map(({ id, number, platform, why, text }) => ({
    id,
    number,
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

/** Who left and keeps access because a person said so, the first so many of them. */
export function* rejectedLeavers(most: number): Unit<RejectedLeavers> {
  const rows = yield* all(
    db
      .selectFrom('hold')
      .innerJoin('hold_item', 'hold_item.hold', 'hold.id')
      .select(['hold_item.identity', 'hold.platform', 'hold.number as hold'])
      .distinct()
      .where('hold_item.status', '=', 'rejected')
      .where('hold_item.summary', 'like', leaverDisable)
      .orderBy('hold_item.identity'),
  )
  return { count: rows.length, first: rows.slice(0, most) }
}

/** What is open, without its items: of them there may be a hundred thousand. */
export function* openHoldCounts(): Unit<readonly HoldCount[]> {
  const open = db.selectFrom('hold').innerJoin('hold_item', 'hold_item.hold', 'hold.id')
  const rows = open
    .select(['hold.number as id', 'hold.id as lasting', 'hold.platform', 'hold.why', 'hold.text'])
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
    .groupBy(['hold.id', 'hold.number', 'hold.platform', 'hold.why', 'hold.text'])
    .orderBy('hold.id')
  return yield* each(rows, (row) => ({ ...row, why: row.why as WithheldWhy }))
}

const shownItems = db
  .selectFrom('hold_item')
  .select(['hold', 'fingerprint', 'identity', 'summary', 'status', 'decided_at', 'decided_by', 'reason'])

/** By an `id` that is superseded the hold is found as well; it comes with the one that it has now. */
export function* holds(filter: { readonly status?: Hold['status']; readonly id?: number }): Unit<readonly Hold[]> {
  let rows = (filter.id === undefined ? db.selectFrom('hold') : withNumber(filter.id)).selectAll().orderBy('id')
  if (filter.status !== undefined) rows = rows.where('status', '=', filter.status)
  const found = yield* all(rows)
  const items = yield* inLists(
    found.map((row) => row.id),
    (some) => all(shownItems.where('hold', 'in', some).orderBy('id')),
  )
  const grouped = Map.groupBy(items, (item) => item.hold)
  return found.map((row) => ({
    id: row.number,
    platform: row.platform,
    why: row.why as WithheldWhy,
    text: row.text,
    status: row.status as Hold['status'],
    madeAt: row.made_at,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    reason: row.reason,
    items: (grouped.get(row.id) ?? []).map(toItem),
  }))
}

/** The hold that has this number, or had it. */
export function withNumber(number: number) {
  const before = db.selectFrom('superseded_number').select('hold').where('number', '=', number)
  return db.selectFrom('hold').where((is) => is.or([is('number', '=', number), is('id', 'in', before)]))
}

interface ShownItem {
  readonly fingerprint: string
  readonly identity: IdentityId
  readonly summary: string
  readonly status: string
  readonly decided_at: Instant | null
  readonly decided_by: string | null
  readonly reason: string | null
}

function toItem({
  fingerprint,
  identity,
  summary,
  status,
  decided_at: at,
  decided_by: by,
  reason,
}: ShownItem): HoldItem {
  const item = { fingerprint, identity, summary, status: status as HoldItem['status'] }
  return at === null || by === null ? item : { ...item, decided: { at, by, reason: reason ?? '' } }
}
