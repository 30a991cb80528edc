// What people have said about held changes, and for how long it counts.
import { fingerprint } from '../model/change.ts'
import type { Change, WithheldWhy } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Admission, AuditRecord, Decisions, Hold, HoldItem } from '../model/ledger.ts'
import { openStatuses } from './obligations.ts'
import { writeAudit } from './record.ts'
import { all, db, first, forLists, inLists, run } from './unit.ts'
import type { Unit } from './unit.ts'

/** What a hold is, from what its items are. */
export function statusOf(items: readonly Pick<HoldItem, 'status'>[]): Hold['status'] {
  const some = (status: HoldItem['status']) => items.some((item) => item.status === status)
  if (some('open')) return 'open'
  if (some('approved')) return 'approved'
  if (some('done')) return 'done'
  return some('rejected') ? 'rejected' : 'superseded'
}

const statuses = ['open', 'approved', 'done', 'rejected', 'superseded'] as const satisfies HoldItem['status'][]

/** What a hold is now. Which statuses there are is all that counts: it may have a hundred thousand items. */
export function* statusNow(hold: number): Unit<Hold['status']> {
  const there: { readonly status: HoldItem['status'] }[] = []
  for (const status of statuses) {
    const one = db.selectFrom('hold_item').select('id').where('hold', '=', hold).where('status', '=', status).limit(1)
    if ((yield* first(one)) !== undefined) there.push({ status })
  }
  return statusOf(there)
}

/** With `only`, of these people: a worker must not read what was said about ten thousand others for each of them. */
export function* decisions(platform: string, only?: readonly IdentityId[]): Unit<Decisions> {
  const said = db
    .selectFrom('hold_item')
    .innerJoin('hold', 'hold.id', 'hold_item.hold')
    .select(['hold_item.hold', 'hold.why', 'hold_item.fingerprint', 'hold_item.status'])
    .where('hold.platform', '=', platform)
    .where((is) => is.or([is('hold_item.status', 'in', ['approved', 'rejected']), is('hold.status', '=', 'open')]))
    .orderBy('hold_item.id')
  const rows =
    only === undefined
      ? yield* all(said)
      : yield* inLists([...new Set(only)], (some) => all(said.where('hold_item.identity', 'in', some)))
  const begun = yield* begunOf(rows, only === undefined)
  const decided = rows.filter(({ status, hold }) => status !== 'open' || begun.has(hold))
  const [byHand, ours] = [decided.filter(isOfByHand), decided.filter((row) => !isOfByHand(row))]
  return {
    approved: linesOf(ours, 'approved'),
    rejected: linesOf(ours, 'rejected'),
    leftOpen: linesOf(ours, 'open'),
    doneByHand: linesOf(byHand, 'approved'),
  }
}

/** The holds of which a part is decided. Where not all of their items are here, those of others are asked for, too. */
function* begunOf(
  rows: readonly { readonly hold: number; readonly status: string }[],
  isAll: boolean,
): Unit<ReadonlySet<number>> {
  const begun = new Set(rows.filter(({ status }) => status !== 'open').map(({ hold }) => hold))
  const doubtful = new Set(isAll ? [] : rows.map(({ hold }) => hold).filter((hold) => !begun.has(hold)))
  const others = yield* inLists([...doubtful], (some) =>
    all(db.selectFrom('hold_item').select('hold').distinct().where('hold', 'in', some).where('status', '!=', 'open')),
  )
  for (const { hold } of others) begun.add(hold)
  return begun
}

function isOfByHand({ why }: { readonly why: string }): boolean {
  return (why as WithheldWhy) === 'protected'
}

/** The latest word counts, should two holds name the same change. */
function linesOf(
  rows: readonly { readonly fingerprint: string; readonly status: string }[],
  status: HoldItem['status'],
): ReadonlySet<string> {
  const latest = new Map(rows.map((row) => [row.fingerprint, row.status]))
  return new Set([...latest].filter(([, last]) => last === status).map(([line]) => line))
}

/** Who carried a change out, when and in which story. */
type Doer = Pick<Admission, 'now' | 'correlation' | 'operator'>

/**
 * An approval counts once: it is used up when its change was carried out. So is a rejection, over which an operator's word
 * went: nobody keeps access by it any more.
 */
export function* useUp(identities: readonly IdentityId[], doer: (line: string) => Doer | undefined): Unit<void> {
  const decided = yield* inLists(identities, (some) => all(decidedItems.where('identity', 'in', some)))
  const used = decided.flatMap((item) => {
    const by = doer(item.fingerprint)
    return by === undefined ? [] : { item, by }
  })
  const overruled = used.filter(({ item }) => item.status === 'rejected')
  yield* close(
    used.filter(({ item }) => item.status === 'approved').map(({ item }) => item),
    'done',
  )
  yield* close(
    overruled.map(({ item }) => item),
    'superseded',
  )
  yield* writeAudit(overruled.map(({ item, by }) => endRecord(item, by, 'but carried out by another word')))
}

const decidedItems = db
  .selectFrom('hold_item')
  .innerJoin('hold', 'hold.id', 'hold_item.hold')
  .select(['hold_item.id', 'hold_item.hold', 'fingerprint', 'identity', 'summary', 'platform', 'made_at'])
  .select('hold_item.status')
  .where('hold_item.status', 'in', ['approved', 'rejected'])

/**
 * A decision is for what was seen: it ends when a plan of its platform does not need the change any more, so that an approval
 * cannot surprise anybody months later, and a rejection keeps nobody's account open who comes back and leaves again. What was
 * admitted and is not settled yet keeps its approval.
 */
export function* endUnneeded(admission: Admission, concerns: (identity: IdentityId) => boolean): Unit<void> {
  const { plan } = admission
  const decided = yield* inLists(Object.keys(plan.situations), (some) =>
    all(decidedItems.where('platform', 'in', some)),
  )
  const people = new Set(decided.map(({ identity }) => identity))
  const inPlan = [...plan.changes, ...plan.withheld.map(({ change }) => change), ...(plan.doneByHand ?? [])]
  const needed = new Set(inPlan.filter(({ identity }) => people.has(identity)).map(fingerprint))
  const missing = decided.filter((item) => concerns(item.identity) && !needed.has(item.fingerprint))
  const admitted = yield* admittedOf(missing.map(({ identity }) => identity))
  const ended = missing.filter((item) => item.status === 'rejected' || !admitted.has(item.fingerprint))
  yield* close(ended, 'superseded')
  yield* writeAudit(ended.map((item) => endRecord(item, admission, 'but not needed any more')))
}

type Decided = Awaited<ReturnType<typeof decidedItems.execute>>[number]

function endRecord(item: Decided, { now, correlation, operator }: Doer, why: string): AuditRecord {
  return {
    at: now,
    correlation,
    identity: item.identity,
    platform: item.platform,
    account: null,
    action: 'hold-superseded',
    reason: { kind: 'setting', text: `${item.status}, ${why}` },
    operator,
    before: item.status,
    after: 'superseded',
    askedAt: item.made_at,
    result: 'done',
    detail: item.summary,
  }
}

/** Fingerprints of what was admitted for these people and is still open. */
function* admittedOf(identities: readonly IdentityId[]): Unit<ReadonlySet<string>> {
  const rows = yield* inLists([...new Set(identities)], (some) =>
    all(
      db
        .selectFrom('admitted_change')
        .innerJoin('obligation', 'obligation.id', 'admitted_change.obligation')
        .select('admitted_change.change')
        .where('obligation.identity', 'in', some)
        .where('admitted_change.status', 'in', openStatuses),
    ),
  )
  return new Set(rows.map(({ change }) => fingerprint(JSON.parse(change) as Change)))
}

function* close(
  items: readonly { readonly id: number; readonly hold: number }[],
  status: 'done' | 'superseded',
): Unit<void> {
  const ids = items.map((item) => item.id)
  yield* forLists(ids, (some) => run(db.updateTable('hold_item').set({ status }).where('id', 'in', some)))
  for (const hold of new Set(items.map((item) => item.hold))) {
    const after = yield* statusNow(hold)
    yield* run(db.updateTable('hold').set({ status: after }).where('id', '=', hold))
  }
}
