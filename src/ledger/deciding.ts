// A person's word about a hold. Who is released to be shut is admitted with that very word: the plan was made as a whole, and
// somebody has seen it. In portions, since ten thousand people may be in one hold (law 3).
import type { Change, Plan } from '../model/change.ts'
import { KeyturnError } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Admission, AuditRecord, Hold, HoldItem } from '../model/ledger.ts'
import { admitPortion } from './admission.ts'
import { statusNow } from './decisions.ts'
import type { Driver } from './driver.ts'
import { holds, withNumber } from './holds.ts'
import { markAgain, shutAmong } from './look-again.ts'
import { writeAudit } from './record.ts'
import { all, db, first, forLists, inLists, run } from './unit.ts'
import type { Unit } from './unit.ts'

/** What was said, by whom and why. */
export interface Word {
  readonly decision: 'approved' | 'rejected'
  readonly by: string
  readonly reason: string
  readonly now: Instant
}

/** Nothing is left to decide about these items. */
const closed: readonly HoldItem['status'][] = ['done', 'superseded']
/** People about whom is decided in one transaction: some ten milliseconds. */
const atOnce = 100

/**
 * Decides about all that is open in a hold, or only about some people. Throws KeyturnError `not-found` for an unknown hold or
 * person, `usage` where the hold is superseded or nothing is left to decide.
 */
export async function decideHold(
  { read, write }: Pick<Driver, 'read' | 'write'>,
  id: number,
  word: Word,
  only?: readonly IdentityId[],
): Promise<Hold> {
  const hold = await read(() => findHold(id))
  const chosen = Map.groupBy(choose(hold, word.decision, only), ({ identity }) => identity)
  const people = [...chosen.keys()]
  for (let start = 0; start < people.length; start += atOnce) {
    const some = people.slice(start, start + atOnce).flatMap((identity) => chosen.get(identity) ?? [])
    await write(() => decideSome(hold, some, word))
  }
  await write(() => conclude(id, word))
  const [decided = hold] = await read(() => holds({ id }))
  return decided
}

function* findHold(id: number): Unit<Hold> {
  const [hold] = yield* holds({ id })
  if (hold === undefined)
    throw new KeyturnError('not-found', `There is no hold ${id}.`, { hint: 'keyturn holds list shows them.' })
  if (hold.id !== id) throw yield* supersededBy(id, hold)
  return hold
}

/** In each transaction: a plan may add something while hundreds are decided about. */
function* rowOf({ id }: Hold): Unit<number> {
  const row = yield* first(db.selectFrom('hold').select('id').where('number', '=', id))
  return row?.id ?? (yield* findHold(id)).id
}

function* supersededBy(id: number, { id: now }: Hold): Unit<KeyturnError> {
  const more = yield* all(
    db
      .selectFrom('hold_item')
      .innerJoin('hold', 'hold.id', 'hold_item.hold')
      .select('hold_item.identity')
      .where('hold.number', '=', now)
      .where('hold_item.status', '=', 'open')
      .where('hold_item.joined', '>', id),
  )
  const people = new Set(more.map(({ identity }) => identity)).size
  const changes = `${more.length} ${more.length === 1 ? 'change' : 'changes'}`
  const holding = `, which holds ${changes} of ${people} ${people === 1 ? 'person' : 'people'} more`
  return new KeyturnError('usage', `Hold ${id} is superseded by hold ${now}${more.length === 0 ? '' : holding}.`, {
    hint: `keyturn holds show ${now} shows all of it; decide about hold ${now} then.`,
  })
}

/**
 * A decision may be changed as long as the change has not been carried out: by name, or of the whole hold where nothing is
 * open. A word about the rest of a hold takes nothing back that was decided person by person.
 */
function choose(hold: Hold, decision: Word['decision'], only: readonly IdentityId[] | undefined): readonly HoldItem[] {
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
  const named = only === undefined ? people : new Set(only)
  const possible = hold.items.filter((item) => isOpenTo(decision, item) && named.has(item.identity))
  const open = possible.filter(({ status }) => status === 'open')
  if (only === undefined && open.length > 0) return open
  if (possible.length > 0) return possible
  throw new KeyturnError('usage', `Nothing in hold ${hold.id} is left to be ${decision}: it is ${hold.status}.`, {
    hint: `keyturn holds show ${hold.id} says who decided, and when.`,
  })
}

function isOpenTo(decision: Word['decision'], { status }: Pick<HoldItem, 'status'>): boolean {
  return !closed.includes(status) && status !== decision
}

interface Item extends HoldItem {
  readonly id: number
  readonly change: Change | null
}

function* decideSome(hold: Hold, chosen: readonly HoldItem[], word: Word): Unit<void> {
  const { decision, by, reason, now } = word
  const lines = new Set(chosen.map(({ fingerprint }) => fingerprint))
  const there = yield* itemsOf(yield* rowOf(hold), [...new Set(chosen.map(({ identity }) => identity))])
  const items = there.filter((item) => lines.has(item.fingerprint) && isOpenTo(decision, item))
  const said = { status: decision, decided_at: now, decided_by: by, reason }
  yield* forLists(
    items.map(({ id }) => id),
    (some) => run(db.updateTable('hold_item').set(said).where('id', 'in', some)),
  )
  yield* writeAudit(recordsOf(hold, items, word))
  const admitted = word.decision === 'approved' ? yield* release(hold, items, word) : new Set<IdentityId>()
  // A plan admits what is left, as far as it is needed still.
  const left = items.filter(({ identity, change }) => change === null || !admitted.has(identity))
  yield* markAgain([...new Set(left.map(({ identity }) => identity))], 'hold', word.now, correlationOf(hold))
}

function* itemsOf(hold: number, people: readonly IdentityId[]): Unit<readonly Item[]> {
  const rows = yield* inLists(people, (some) =>
    all(db.selectFrom('hold_item').selectAll().where('hold', '=', hold).where('identity', 'in', some)),
  )
  return rows.map((row) => ({
    ...row,
    status: row.status as HoldItem['status'],
    change: row.change === null ? null : (JSON.parse(row.change) as Change),
  }))
}

/** One record for each of them, with all that was decided. */
function recordsOf(hold: Hold, items: readonly Item[], { decision, by, reason, now }: Word): readonly AuditRecord[] {
  const groups = Map.groupBy(items, ({ identity, status }) => JSON.stringify([identity, status]))
  return [...groups.values()].flatMap((some) => {
    const [first] = some
    if (first === undefined) return []
    return {
      at: now,
      correlation: correlationOf(hold),
      identity: first.identity,
      platform: hold.platform,
      account: null,
      action: `hold-${decision}`,
      reason: { kind: 'operator', text: reason } as const,
      operator: by,
      before: first.status,
      after: decision,
      askedAt: hold.madeAt,
      result: 'done',
      detail: some.map(({ summary }) => summary).join('; '),
    }
  })
}

function correlationOf({ id }: Hold): string {
  return `hold-${id}`
}

/**
 * Admits what shuts people who still must not be let in, unless something younger is owed to them. Whether it is needed as it
 * was, the worker finds out when it looks again. Returns whose changes are admitted.
 */
function* release(hold: Hold, items: readonly Item[], { by, now }: Word): Unit<ReadonlySet<IdentityId>> {
  const held = items.flatMap(({ change }) => change ?? [])
  const shut = held.filter(({ kind }) => kind === 'disable').map(({ identity }) => identity)
  const gone = yield* shutAmong([...new Set(shut)])
  const people = yield* inLists([...gone], (some) =>
    all(db.selectFrom('identity').select(['id', 'revision', 'left_at']).where('id', 'in', some)),
  )
  const changes = held.filter(({ identity }) => gone.has(identity))
  const admission: Admission = {
    plan: planOf(hold, changes),
    correlation: correlationOf(hold),
    operator: by,
    now,
    effectiveAt: new Map(people.flatMap(({ id, left_at: at }) => (at === null ? [] : [[id, at] as const]))),
    heldRoles: [],
    revisions: new Map(people.map(({ id, revision }) => [id, revision])),
  }
  const nothing = { standby: [], heldRoles: [], stopped: [], looked: [] }
  const { pointers } = yield* admitPortion(admission, { ...nothing, people: [...gone], changes })
  return new Set(pointers.map(({ identity }) => identity))
}

/** What is younger than the plan that made the hold comes before it. */
function planOf(hold: Hold, changes: readonly Change[]): Plan {
  const seen = { population: {}, situations: {}, withheld: [], notes: [], policyVersion: '' }
  return { ...seen, id: correlationOf(hold), madeAt: hold.madeAt, changes }
}

/** By the number that was given: all is decided, whatever was added since. */
function* conclude(number: number, { by, reason, now }: Word): Unit<void> {
  const row = yield* first(withNumber(number).select('id'))
  if (row === undefined) return
  const status = yield* statusNow(row.id)
  yield* run(db.updateTable('hold').set({ status, decided_at: now, decided_by: by, reason }).where('id', '=', row.id))
}
