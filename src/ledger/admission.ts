// Admission: the moment at which the changes of a plan become work. Here: of some people, in one unit; all of them or nothing.
import { fingerprint, opens } from '../model/change.ts'
import type { Change, Lane } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Admission, NameClaim, ObligationPointer } from '../model/ledger.ts'
import { claimNames, links } from './accounts.ts'
import { carryOutCorrections } from './corrections.ts'
import { carryOutLinks } from './linking.ts'
import { answerMarks } from './look-again.ts'
import { openStatuses } from './obligations.ts'
import type { Obligation } from './obligations.ts'
import { saveHeldRoles } from './people.ts'
import type { Portion } from './portions.ts'
import { staleAmong } from './stale.ts'
import { whereOpen } from './standby.ts'
import type { Shutting, Standby } from './standby.ts'
import { all, db, forLists, inLists, insertAll, run, updateEach, upsertAll } from './unit.ts'
import type { Unit } from './unit.ts'

/** Changes of one person on one platform. */
interface Work {
  readonly identity: IdentityId
  readonly changes: readonly Change[]
  readonly lane: Lane
  /** Set where this person was to be shut before, and still is: since when counts, not how often it was planned. */
  readonly since: Pick<Obligation, 'received_at' | 'admitted_at'> | undefined
}

interface OpenChange {
  readonly obligation: number
  readonly change: Change
  readonly fingerprint: string
}

export interface Admitted {
  readonly pointers: readonly ObligationPointer[]
  /** People of this portion who changed since the plan was made: nothing was admitted for them. */
  readonly stale: ReadonlySet<IdentityId>
}

/** Throws KeyturnError `name-taken`; then nothing of the portion is admitted. */
export function* admitPortion(admission: Admission, portion: Portion): Unit<Admitted> {
  const stale = yield* staleAmong(admission, portion)
  const fresh = <T extends { readonly identity: IdentityId }>(some: readonly T[]): readonly T[] =>
    stale.size === 0 ? some : some.filter(({ identity }) => !stale.has(identity))
  const changes = fresh(portion.changes)
  yield* saveHeldRoles(fresh(portion.heldRoles))
  yield* carryOutLinks(changes, admission)
  yield* claimNames(changes.flatMap(newName), admission.now)
  const people = portion.people.filter((identity) => !stale.has(identity))
  yield* carryOutCorrections(admission, new Set(people))
  const pointers = yield* oweAll(admission, { ...portion, changes, standby: fresh(portion.standby) })
  yield* saveDue(admission, people)
  yield* saveRemovals(admission, new Set(people))
  yield* answer(admission, fresh(portion.looked.map((identity) => ({ identity }))))
  return { pointers, stale }
}

function* oweAll(admission: Admission, { changes, standby, stopped }: Portion): Unit<readonly ObligationPointer[]> {
  // A later limit does not take back what was admitted.
  const admitted = new Set(stopped.map(fingerprint))
  const pointers: ObligationPointer[] = []
  const work = Map.groupBy(
    changes.filter((change) => change.kind !== 'link'),
    (change) => change.platform,
  )
  const shutting = Map.groupBy(standby, (change) => change.platform)
  for (const platform of new Set([...work.keys(), ...shutting.keys()])) {
    const onTheWay = yield* whereOpen(platform, shutting.get(platform) ?? [])
    const owed = yield* owe(admission, platform, work.get(platform) ?? [], onTheWay, admitted)
    for (const pointer of owed) pointers.push(pointer)
  }
  return pointers
}

/** When the clock alone changes something for these people; written only where it is new. */
function* saveDue({ dueAt }: Admission, people: readonly IdentityId[]): Unit<void> {
  const said = people.filter((identity) => dueAt?.has(identity))
  if (dueAt === undefined || said.length === 0) return
  const known = yield* inLists(said, (some) =>
    all(db.selectFrom('identity').select(['id', 'due_at']).where('id', 'in', some)),
  )
  const changed = known.filter(({ id, due_at }) => (dueAt.get(id) ?? null) !== due_at)
  yield* updateEach(
    'identity',
    { key: 'id', column: 'due_at', type: 'bigint' },
    changed.map(({ id }) => [id, dueAt.get(id) ?? null]),
  )
}

/** Whom the limit on removals let pass: it counts them against the next plans, too. */
function* saveRemovals({ plan, now }: Admission, people: ReadonlySet<IdentityId>): Unit<void> {
  for (const [platform, removed] of Object.entries(plan.removals ?? {})) {
    const rows = removed.filter((identity) => people.has(identity)).map((identity) => ({ platform, identity, at: now }))
    yield* upsertAll('removal', ['platform', 'identity'], rows)
  }
}

/** Of everybody's marks, those of the people here; the rest of them is answered when all are admitted. */
function* answer({ looked }: Admission, people: readonly { readonly identity: IdentityId }[]): Unit<void> {
  if (looked === undefined) return
  yield* answerMarks(
    looked.upTo,
    people.map(({ identity }) => identity),
    new Set(),
  )
}

/** A name is given away when its account is admitted, and never again. */
export function newName(change: Change): NameClaim[] {
  const { platform, identity } = change
  if (change.kind === 'create') return [{ platform, identity, name: change.desired.name }]
  if (change.kind === 'rename') return [{ platform, identity, name: change.to }]
  return []
}

/** Turns the changes on one platform into obligations: joined where the same is owed already, else with a new number. */
function* owe(
  admission: Admission,
  platform: string,
  changes: readonly Change[],
  standby: Standby,
  /** Fingerprints of disables that stay owed where they are, although the plan stops them. */
  stopped: ReadonlySet<string>,
): Unit<readonly ObligationPointer[]> {
  const grouped = Map.groupBy(changes, (change) => change.identity)
  for (const identity of standby.keys()) if (!grouped.has(identity)) grouped.set(identity, [])
  const before = yield* readObligations(platform, [...grouped.keys()])
  const open = Map.groupBy(yield* readOpen([...before.values()]), (change) => change.obligation)
  const shut = yield* readShut(platform, [...grouped.values()])

  const pointers: ObligationPointer[] = []
  const fresh: Work[] = []
  const waiting: number[] = []
  for (const [identity, some] of grouped) {
    const row = before.get(identity)
    const owed = row === undefined ? [] : (open.get(row.id) ?? [])
    const wanted = new Map(some.map((change) => [fingerprint(change), change]))
    for (const old of owed) if (stopped.has(old.fingerprint)) wanted.set(old.fingerprint, old.change)
    const shutting = standby.get(identity)
    if (shutting !== undefined && isOnTheWay(shutting, owed))
      wanted.set(fingerprint(shutting.change), underItsName(shutting.change, owed))
    if (wanted.size === 0) continue
    if (row !== undefined && owed.length === wanted.size && owed.every((old) => wanted.has(old.fingerprint))) {
      pointers.push({ identity, platform, lane: row.lane as Lane })
      if (row.state === 'waiting') waiting.push(row.id)
      continue
    }
    const lane = laneOf([...wanted.values()], shut.has(identity))
    const still = [...wanted.values()].some(isDisable) && owed.some((old) => isDisable(old.change))
    fresh.push({ identity, changes: [...wanted.values()], lane, since: still ? row : undefined })
    pointers.push({ identity, platform, lane })
  }
  yield* renumber(admission, platform, fresh, before)
  // The plan has looked again, so whoever waits may try again.
  yield* forLists(waiting, (some) =>
    run(db.updateTable('obligation').set({ state: 'owed', next_try_at: null }).where('id', 'in', some)),
  )
  return pointers
}

/** Something that opens is owed or being written; or it was, and this very shutting is what is owed since. */
function isOnTheWay({ change, intended }: Shutting, owed: readonly OpenChange[]): boolean {
  const line = fingerprint(change)
  return intended || owed.some((old) => opens(old.change) || old.fingerprint === line)
}

/** What is being made is found by the name that it was to have. */
function underItsName(shutting: Change, owed: readonly OpenChange[]): Change {
  const create = owed.map(({ change }) => change).find((change) => change.kind === 'create')
  return create === undefined ? shutting : { ...shutting, account: create.desired.name }
}

/** Shutting, and the cleaning up of what the leaver protocol has shut, belong to the lane that never waits. */
export function laneOf(changes: readonly Change[], shutByLeaver: boolean): Lane {
  if (changes.some(isDisable)) return 'revoke'
  return shutByLeaver && changes.every(cleansUp) ? 'revoke' : 'change'
}

function isDisable({ kind }: Change): boolean {
  return kind === 'disable'
}

function cleansUp({ kind }: Change): boolean {
  return kind === 'revoke' || kind === 'move' || kind === 'delete'
}

function* readObligations(platform: string, identities: readonly IdentityId[]): Unit<Map<IdentityId, Obligation>> {
  const rows = db.selectFrom('obligation').selectAll().where('platform', '=', platform)
  const found = yield* inLists(identities, (some) => all(rows.where('identity', 'in', some)))
  return new Map(found.map((row) => [row.identity, row]))
}

function* readOpen(rows: readonly Obligation[]): Unit<readonly OpenChange[]> {
  const ids = rows.filter((row) => row.settled < row.wanted).map((row) => row.id)
  const open = db.selectFrom('admitted_change').select(['obligation', 'change']).where('status', 'in', openStatuses)
  const found = yield* inLists(ids, (some) => all(open.where('obligation', 'in', some)))
  return found.map((row) => {
    const change = JSON.parse(row.change) as Change
    return { obligation: row.obligation, change, fingerprint: fingerprint(change) }
  })
}

/** Those of these people whose account the leaver protocol has shut; asked only for people who may be in the revoke lane. */
function* readShut(platform: string, people: readonly (readonly Change[])[]): Unit<ReadonlySet<IdentityId>> {
  const ids = people.flatMap((changes) => {
    const [some] = changes
    return some !== undefined && changes.every(cleansUp) ? [some.identity] : []
  })
  const found = yield* links(platform, ids)
  return new Set(found.filter((link) => link.shutByUs === 'leaver').map((link) => link.identity))
}

/** The next number: older open changes are superseded. A claim stays with who holds it, for the older number. */
function* renumber(
  admission: Admission,
  platform: string,
  work: readonly Work[],
  before: ReadonlyMap<IdentityId, Obligation>,
): Unit<void> {
  const rows = work.map((one) => nextNumber(admission, platform, one, before.get(one.identity)))
  yield* upsertAll('obligation', ['identity', 'platform'], rows)
  const known = work.flatMap(({ identity }) => before.get(identity)?.id ?? [])
  yield* forLists(known, (some) =>
    run(
      db
        .updateTable('admitted_change')
        .set({ status: 'superseded' })
        .where('obligation', 'in', some)
        .where('status', 'in', openStatuses),
    ),
  )
  const after = yield* readObligations(
    platform,
    work.map(({ identity }) => identity),
  )
  yield* insertAll(
    'admitted_change',
    work.flatMap(({ identity, changes }) => {
      const obligation = after.get(identity)
      return obligation === undefined ? [] : changes.map((change) => changeRow(obligation, change))
    }),
  )
}

function nextNumber(
  { plan, correlation, operator, now, effectiveAt, receivedAt }: Admission,
  platform: string,
  { identity, lane, since }: Work,
  before: Obligation | undefined,
): Omit<Obligation, 'id'> {
  return {
    identity,
    platform,
    lane,
    wanted: (before?.wanted ?? 0) + 1,
    settled: before?.settled ?? 0,
    state: 'owed',
    tries: 0,
    next_try_at: null,
    claim: before?.claim ?? null,
    worker: before?.worker ?? null,
    claimed_at: before?.claimed_at ?? null,
    claimed_until: before?.claimed_until ?? null,
    claimed_number: before?.claimed_number ?? null,
    claimed_lane: before?.claimed_lane ?? null,
    admitted_at: Math.min(since?.admitted_at ?? now, now),
    numbered_at: now,
    received_at: Math.min(since?.received_at ?? since?.admitted_at ?? now, receivedAt?.get(identity) ?? now),
    effective_at: effectiveAt.get(identity) ?? null,
    correlation,
    operator,
    plan_hash: plan.id,
    error: null,
    proof: before?.proof ?? null,
  }
}

function changeRow(obligation: Obligation, change: Change) {
  const to = change.kind === 'update' ? change.field.to : []
  return {
    obligation: obligation.id,
    number: obligation.wanted,
    kind: change.kind,
    change: JSON.stringify(change),
    status: 'admitted',
    account_of: 'accountOf' in to ? to.accountOf : null,
    error: null,
  }
}
