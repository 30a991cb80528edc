import { sql } from 'kysely'
import { KeyturnError } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { AuditRecord, Grant, Link, NameClaim } from '../model/ledger.ts'
import type { Reason } from '../model/place.ts'
import { fold } from './identity-row.ts'
import { writeAudit } from './record.ts'
import type { LinkRow } from './schema.ts'
import { sharedTexts } from './shared.ts'
import { all, db, each, first, forLists, inLists, insertMissing, run, upsertAll } from './unit.ts'
import type { Unit } from './unit.ts'

export function* links(platform: string, identities?: readonly IdentityId[]): Unit<readonly Link[]> {
  const rows = db.selectFrom('link').selectAll().where('platform', '=', platform)
  const toLink = linkReader()
  if (identities === undefined) return yield* each(rows, toLink)
  return yield* inLists(identities, (some) => each(rows.where('identity', 'in', some), toLink))
}

export function* linksOf(identity: IdentityId): Unit<readonly Link[]> {
  return yield* each(
    db.selectFrom('link').selectAll().where('identity', '=', identity).orderBy('platform'),
    linkReader(),
  )
}

/** Those of these accounts that are linked. */
export function* owners(platform: string, nativeIds: readonly string[]): Unit<readonly Link[]> {
  const rows = db.selectFrom('link').selectAll().where('platform', '=', platform)
  const toLink = linkReader()
  return yield* inLists(nativeIds, (some) => each(rows.where('native_id', 'in', some), toLink))
}

/** Throws KeyturnError `name-taken`, and then nothing of it is kept. */
export function* adopt(adopted: readonly Link[], audit: readonly AuditRecord[]): Unit<void> {
  const [taken] = (yield* takenLinks(adopted)).values()
  if (taken !== undefined) throw taken
  yield* saveLinks(adopted)
  yield* wakeWaiting(adopted)
  yield* writeAudit(audit)
}

/** The links whose account is somebody else's, each with the error that says whose. */
export function* takenLinks(wanted: readonly Link[]): Unit<ReadonlyMap<Link, KeyturnError>> {
  const owners = new Map<string, IdentityId>()
  for (const [platform, some] of Map.groupBy(wanted, (link) => link.platform)) {
    const rows = yield* inLists(
      some.map((link) => link.nativeId),
      (ids) =>
        all(
          db
            .selectFrom('link')
            .select(['native_id', 'identity'])
            .where('platform', '=', platform)
            .where('native_id', 'in', ids),
        ),
    )
    for (const row of rows) owners.set(accountKey(platform, row.native_id), row.identity)
  }
  const result = new Map<Link, KeyturnError>()
  for (const link of wanted) {
    const key = accountKey(link.platform, link.nativeId)
    const owner = owners.get(key) ?? link.identity
    owners.set(key, owner)
    if (owner !== link.identity) result.set(link, accountTaken(link, owner))
  }
  return result
}

function accountKey(platform: string, nativeId: string): string {
  return JSON.stringify([platform, nativeId])
}

function accountTaken({ platform, name, nativeId, identity }: Link, owner: IdentityId): KeyturnError {
  return new KeyturnError(
    'name-taken',
    `The account ${name} (${nativeId}) on ${platform} is linked to ${owner}, so it cannot be linked to ${identity}.`,
    {
      hint: 'An account belongs to one person. Find out whose it is: "keyturn explain PERSON" shows it for each of the two.',
    },
  )
}

/** Writes links that `takenLinks` has let pass, and claims their names: an account that exists keeps its name from others. */
export function* saveLinks(wanted: readonly Link[]): Unit<void> {
  yield* upsertAll('link', ['identity', 'platform'], wanted.map(toRow))
  yield* insertMissing(
    'name_claim',
    ['platform', 'name'],
    wanted.map((link) => ({
      platform: link.platform,
      name: fold(link.name),
      identity: link.identity,
      claimed_at: link.linkedAt,
    })),
  )
}

/** Whoever waits for the account of one of these people may try again at once. */
export function* wakeWaiting(
  accounts: readonly { readonly platform: string; readonly identity: IdentityId }[],
): Unit<void> {
  for (const [platform, some] of Map.groupBy(accounts, (account) => account.platform)) {
    const rows = yield* inLists(
      some.map((account) => account.identity),
      (people) =>
        all(
          db
            .selectFrom('admitted_change')
            .select('obligation')
            // A literal, for the partial index.
            .where(sql.ref('status'), '=', sql.lit('waiting'))
            .where('account_of', 'in', people),
        ),
    )
    yield* forLists([...new Set(rows.map((row) => row.obligation))], (ids) =>
      run(
        db
          .updateTable('obligation')
          .set({ state: 'owed', next_try_at: null })
          .where('id', 'in', ids)
          .where('platform', '=', platform)
          .where('state', 'in', ['owed', 'waiting']),
      ),
    )
  }
}

/** Claims names for good. Throws KeyturnError `name-taken` for one that somebody else has. */
export function* claimNames(claims: readonly NameClaim[], now: Instant): Unit<void> {
  const folded = claims.map((claim) => ({ ...claim, name: fold(claim.name) }))
  yield* insertMissing(
    'name_claim',
    ['platform', 'name'],
    folded.map(({ platform, name, identity }) => ({ platform, name, identity, claimed_at: now })),
  )
  yield* refuseClaimed(folded, false)
}

/** Throws KeyturnError `name-taken` where one plan gives a name or an account to two people. */
export function refuseDoubles(claims: readonly NameClaim[], wanted: readonly Link[]): void {
  const names = new Map<string, IdentityId>()
  for (const claim of claims) {
    const key = accountKey(claim.platform, fold(claim.name))
    const owner = names.get(key) ?? claim.identity
    if (owner !== claim.identity) throw nameTaken(claim, owner)
    names.set(key, owner)
  }
  const accounts = new Map<string, IdentityId>()
  for (const link of wanted) {
    const key = accountKey(link.platform, link.nativeId)
    const owner = accounts.get(key) ?? link.identity
    if (owner !== link.identity) throw accountTaken(link, owner)
    accounts.set(key, owner)
  }
}

/** Throws KeyturnError `name-taken` for a name that somebody else has; those that nobody has may be claimed. */
export function* freeNames(claims: readonly NameClaim[]): Unit<void> {
  yield* refuseClaimed(
    claims.map((claim) => ({ ...claim, name: fold(claim.name) })),
    true,
  )
}

function* refuseClaimed(folded: readonly NameClaim[], mayBeFree: boolean): Unit<void> {
  for (const [platform, some] of Map.groupBy(folded, (claim) => claim.platform)) {
    const rows = yield* inLists(
      some.map((claim) => claim.name),
      (names) =>
        all(db.selectFrom('name_claim').selectAll().where('platform', '=', platform).where('name', 'in', names)),
    )
    const owners = new Map(rows.map((row) => [row.name, row.identity]))
    const loser = some.find((claim) => (owners.get(claim.name) ?? (mayBeFree && claim.identity)) !== claim.identity)
    if (loser !== undefined) throw nameTaken(loser, owners.get(loser.name) ?? 'somebody else')
  }
}

function nameTaken({ platform, name, identity }: NameClaim, owner: IdentityId): KeyturnError {
  return new KeyturnError(
    'name-taken',
    `The name ${name} on ${platform} belongs to ${owner} for good, so ${identity} cannot have it.`,
    { hint: 'Plan again: names are given out anew, and a name is never given to two people.' },
  )
}

export function* names(platform: string, identities?: readonly IdentityId[]): Unit<readonly NameClaim[]> {
  const rows = db.selectFrom('name_claim').select(['name', 'identity']).where('platform', '=', platform)
  const toClaim = (row: Omit<NameClaim, 'platform'>): NameClaim => ({
    platform,
    name: row.name,
    identity: row.identity,
  })
  if (identities === undefined) return yield* each(rows, toClaim)
  return yield* inLists(identities, (some) => each(rows.where('identity', 'in', some), toClaim))
}

export function* grants(platform: string, identities?: readonly IdentityId[]): Unit<readonly Grant[]> {
  const rows = db.selectFrom('grant').selectAll().where('platform', '=', platform)
  const reasonOf = sharedReasons()
  const toGrant = (row: { identity: string; entitlement: string; reason: string; granted_at: number }): Grant => ({
    identity: row.identity,
    platform,
    entitlement: row.entitlement,
    reason: reasonOf(row.reason),
    grantedAt: row.granted_at,
  })
  if (identities === undefined) return yield* each(rows, toGrant)
  return yield* inLists(identities, (some) => each(rows.where('identity', 'in', some), toGrant))
}

/** Reads reasons; the same text is the same object, since a role's line is the reason for thousands of grants. */
function sharedReasons(): (text: string) => Reason {
  const known = new Map<string, Reason>()
  return (text) => {
    const reason = known.get(text) ?? (JSON.parse(text) as Reason)
    known.set(text, reason)
    return reason
  }
}

export function* saveGrants(added: readonly Grant[]): Unit<void> {
  yield* insertMissing(
    'grant',
    ['platform', 'identity', 'entitlement'],
    added.map(({ identity, platform, entitlement, reason, grantedAt }) => ({
      identity,
      platform,
      entitlement,
      reason: JSON.stringify(reason),
      granted_at: grantedAt,
    })),
  )
}

export function* removeGrants(platform: string, identity: IdentityId, entitlements: readonly string[]): Unit<void> {
  if (entitlements.length === 0) return
  yield* run(
    db
      .deleteFrom('grant')
      .where('platform', '=', platform)
      .where('identity', '=', identity)
      .where('entitlement', 'in', entitlements),
  )
}

/** Forgets whose account it was, and what was granted there; the names stay claimed. */
export function* unlink(platform: string, identity: IdentityId): Unit<void> {
  yield* run(db.deleteFrom('link').where('platform', '=', platform).where('identity', '=', identity))
  yield* run(db.deleteFrom('grant').where('platform', '=', platform).where('identity', '=', identity))
}

/** One statement, so that two who allocate at once can never read the same number. */
export function* allocate(sequence: string, count: number, floor: number): Unit<number> {
  const next = sql.ref('number_sequence.next')
  const greater = sql`case when ${next} > ${floor} then ${next} else ${floor} end`
  const row = yield* first(
    db
      .insertInto('number_sequence')
      .values({ name: sequence, next: floor + count })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ next: sql`${greater} + ${count}` }))
      .returning('next'),
  )
  return (row?.next ?? 0) - count
}

function linkReader(): (row: LinkRow) => Link {
  const shared = sharedTexts()
  return (row) => ({
    identity: row.identity,
    platform: shared(row.platform),
    nativeId: row.native_id,
    name: row.name,
    address: row.address,
    how: shared(row.how) as Link['how'],
    linkedAt: row.linked_at,
    shutByUs: row.shut_by_us as Link['shutByUs'],
    passwordScrambled: row.password_scrambled === 1,
    ...(row.found_shut === 1 ? { foundShut: true } : {}),
    ...(row.shut_at === null ? {} : { shutAt: row.shut_at }),
  })
}

function toRow(link: Link): LinkRow {
  return {
    identity: link.identity,
    platform: link.platform,
    native_id: link.nativeId,
    name: link.name,
    folded_name: fold(link.name),
    address: link.address,
    how: link.how,
    linked_at: link.linkedAt,
    shut_by_us: link.shutByUs,
    password_scrambled: link.passwordScrambled ? 1 : 0,
    found_shut: link.foundShut === true ? 1 : 0,
    shut_at: link.shutAt ?? null,
  }
}
