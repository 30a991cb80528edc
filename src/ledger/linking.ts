// Links of a plan: to remember whose account it is needs no platform, so admission itself does it.
import type { Change } from '../model/change.ts'
import type { Instant } from '../model/instant.ts'
import type { Admission, AuditRecord, Link } from '../model/ledger.ts'
import { links, saveLinks, takenLinks, wakeWaiting } from './accounts.ts'
import { writeAudit } from './record.ts'
import { fold } from './identity-row.ts'
import { openStatuses } from './obligations.ts'
import { restored } from './self.ts'
import { all, db, inLists } from './unit.ts'
import type { Unit } from './unit.ts'

type Linking = Extract<Change, { kind: 'link' }>

/** A link, and the change that wants it. */
interface Wanted {
  readonly change: Linking
  readonly link: Link
}

/** Throws KeyturnError `name-taken` where an account is somebody else's. */
export function* carryOutLinks(changes: readonly Change[], admission: Admission): Unit<void> {
  const wanted = wantedIn(changes, admission.now)
  if (wanted.length === 0) return
  const [taken] = (yield* takenLinks(wanted.map(({ link }) => link))).values()
  if (taken !== undefined) throw taken
  const present = new Map<string, string>()
  for (const [platform, some] of Map.groupBy(wanted, ({ link }) => link.platform)) {
    const ids = some.map(({ link }) => link.identity)
    for (const link of yield* links(platform, ids)) present.set(keyOf(link), link.nativeId)
  }
  // What is linked already keeps how it came about, and who holds it shut.
  const fresh = wanted.filter(({ link }) => present.get(keyOf(link)) !== link.nativeId)
  const begun = yield* begunCreates(fresh)
  const made = fresh.map(({ link, change }) => ({ change, link: { ...link, ...begun.get(keyOf(link)) } }))
  yield* saveLinks(made.map(({ link }) => link))
  yield* wakeWaiting(made.map(({ link }) => link))
  yield* writeAudit(made.map((one) => recordOf(one, admission)))
}

export function linksIn(changes: readonly Change[], now: Instant): readonly Link[] {
  return wantedIn(changes, now).map(({ link }) => link)
}

function wantedIn(changes: readonly Change[], now: Instant): readonly Wanted[] {
  return changes.flatMap((change): Wanted[] => {
    if (change.kind !== 'link' || !('nativeId' in change.target)) return []
    const { identity, platform, account: name, address = '' } = change
    const { nativeId } = change.target
    const state = { how: 'matched', linkedAt: now, shutByUs: null, passwordScrambled: false } as const
    return [{ change, link: { identity, platform, nativeId, name, address, ...state } }]
  })
}

function keyOf({ platform, identity }: Pick<Link, 'platform' | 'identity'>): string {
  return JSON.stringify([platform, identity])
}

/**
 * Accounts that a worker has begun to make under this very name, of which it has not told the end: it was killed, or is about
 * to tell. Its intent says so; where the owner left meanwhile and a first look has closed that, the shutting of what was being
 * made is owed still. They are ours, and one that was to be made shut was shut by us (law 8); but a restored ledger cannot say
 * who shut it since.
 */
function* begunCreates(wanted: readonly Wanted[]): Unit<ReadonlyMap<string, Pick<Link, 'how' | 'shutByUs'>>> {
  const names = new Map(wanted.map(({ link }) => [keyOf(link), fold(link.name)]))
  const begun = new Map<string, Pick<Link, 'how' | 'shutByUs'>>()
  if (wanted.length === 0) return begun
  const isRestored = (yield* restored()) !== null
  for (const [platform, some] of Map.groupBy(wanted, ({ link }) => link.platform)) {
    const ids = some.map(({ link }) => link.identity)
    for (const { identity, target, change } of yield* startedOn(platform, ids)) {
      const key = keyOf({ platform, identity })
      const create = JSON.parse(change) as Change
      if (create.kind !== 'create' || names.get(key) !== fold(target) || fold(create.desired.name) !== fold(target))
        continue
      begun.set(key, { how: 'created', shutByUs: create.desired.enabled || isRestored ? null : 'pre-hire' })
    }
  }
  return begun
}

/** Creates that were admitted for these people, the oldest first, and the name under which something of each may be there. */
function* startedOn(platform: string, ids: readonly string[]) {
  const intended = yield* inLists(ids, (some) => all(createsOf(platform, some)))
  const superseded = yield* inLists(ids, (some) => all(supersededOf(platform, some)))
  const shut = superseded.flatMap(({ disable, ...row }) => targetOf(disable).map((target) => ({ ...row, target })))
  return [...intended, ...shut].toSorted((a, b) => a.id - b.id)
}

function createsOf(platform: string, identities: string[]) {
  return db
    .selectFrom('obligation')
    .innerJoin('intent', 'intent.obligation', 'obligation.id')
    .innerJoin('admitted_change', 'admitted_change.obligation', 'obligation.id')
    .select(['admitted_change.id', 'obligation.identity', 'intent.target', 'admitted_change.change'])
    .where('obligation.platform', '=', platform)
    .where('obligation.identity', 'in', identities)
    .where('intent.kind', '=', 'create')
    .where('admitted_change.kind', '=', 'create')
}

/** Creates in whose place the shutting of what they may make is owed. */
function supersededOf(platform: string, identities: string[]) {
  return db
    .selectFrom('obligation')
    .innerJoin('admitted_change', 'admitted_change.obligation', 'obligation.id')
    .innerJoin('admitted_change as shutting', 'shutting.obligation', 'obligation.id')
    .select(['admitted_change.id', 'obligation.identity', 'admitted_change.change', 'shutting.change as disable'])
    .where('obligation.platform', '=', platform)
    .where('obligation.identity', 'in', identities)
    .where('admitted_change.kind', '=', 'create')
    .where('shutting.kind', '=', 'disable')
    .where('shutting.status', 'in', openStatuses)
}

/** The name of the account that was being made; none where it was there. */
function targetOf(disable: string): readonly string[] {
  const { target, account } = JSON.parse(disable) as Change
  return 'creates' in target ? [account] : []
}

function recordOf({ link, change }: Wanted, { now, correlation, operator, effectiveAt }: Admission): AuditRecord {
  return {
    at: now,
    correlation,
    identity: link.identity,
    platform: link.platform,
    account: link.name,
    action: link.how === 'created' ? 'create' : 'link',
    reason: change.reason,
    operator,
    before: null,
    after: link.address,
    askedAt: effectiveAt.get(link.identity) ?? now,
    result: 'done',
    detail: link.how === 'created' ? 'created by a try that has not recorded it' : null,
  }
}
