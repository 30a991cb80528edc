// The accounts of people who have left: the leaver lock looks at them every few seconds, so this reads few rows.
import { sql } from 'kysely'
import type { OrderByItemBuilder } from 'kysely'
import type { IdentityId } from '../model/identity.ts'
import type { Leaver } from '../model/running.ts'
import { all, db, inLists } from './unit.ts'
import type { Unit } from './unit.ts'

/** Said in full: where no time is known, databases differ in whether that is first or last. */
const newestFirst = (time: OrderByItemBuilder) => time.desc().nullsLast()

type Page = { readonly after: IdentityId | null; readonly most: number } | { readonly newest: number }

/** Literals, for the partial indexes. */
const isGone = sql<boolean>`${sql.ref('state')} in (${sql.lit('left')}, ${sql.lit('archived')})`
const shutForGood = sql<boolean>`${sql.ref('shut_by_us')} = ${sql.lit('leaver')}`

/**
 * Whose account the leaver protocol has shut, and who has left without an account but with a name that is theirs here: what a
 * stale write makes would stand under it. In the order of their ids after the given one, or the newest first.
 */
export function* leavers(platform: string, page: Page): Unit<readonly Leaver[]> {
  const found = 'newest' in page ? yield* newest(platform, page.newest) : yield* inOrder(platform, page)
  const names = Map.groupBy(
    yield* claimsOf(
      platform,
      found.map(({ identity }) => identity),
    ),
    ({ identity }) => identity,
  )
  return found.map(({ identity, nativeId }) => ({
    identity,
    nativeId,
    names: (names.get(identity) ?? []).map(({ name }) => name),
  }))
}

type Found = Omit<Leaver, 'names'>

function* inOrder(platform: string, page: { readonly after: IdentityId | null; readonly most: number }): Unit<Found[]> {
  const after = page.after ?? ''
  const shut = yield* all(shutHere(platform).where('identity', '>', after).orderBy('identity').limit(page.most))
  const last = shut.length === page.most ? shut.at(-1)?.identity : undefined
  let rest = goneWithout(platform).where('id', '>', after).orderBy('id').limit(page.most)
  // Not further than the others of this page: each page looks at its own part only.
  if (last !== undefined) rest = rest.where('id', '<=', last)
  const gone = (yield* all(rest)).map(withoutAccount)
  const offboarded = (yield* overruled(platform)).filter(
    ({ identity }) => identity > after && (last === undefined || identity <= last),
  )
  const unique = new Map([...shut, ...gone, ...offboarded].map((one) => [one.identity, one]))
  return [...unique.values()].toSorted((a, b) => (a.identity < b.identity ? -1 : 1)).slice(0, page.most)
}

function* newest(platform: string, most: number): Unit<Found[]> {
  const shut = yield* all(shutHere(platform).orderBy('shut_at', newestFirst).limit(most))
  const latest = db.selectFrom('identity').select('id').where(isGone).orderBy('left_at', newestFirst).limit(most)
  const gone = (yield* all(goneWithout(platform).where('id', 'in', latest))).map(withoutAccount)
  const unique = new Map([...(yield* overruled(platform)), ...gone, ...shut].map((one) => [one.identity, one]))
  return [...unique.values()].slice(0, most)
}

function shutHere(platform: string) {
  const rows = db.selectFrom('link').select(['identity', 'native_id as nativeId'])
  return rows.where('platform', '=', platform).where(shutForGood)
}

function goneWithout(platform: string) {
  const people = db.selectFrom('identity').select('id').where(isGone)
  return people.where(namedHere(platform, 'identity.id')).where(unlinkedHere(platform, 'identity.id'))
}

/** Few: an operator says that they have left, whatever their source says. */
function* overruled(platform: string): Unit<Found[]> {
  const rows = db.selectFrom('override').select('identity as id').where('ended_at', 'is', null)
  const left = rows.where('kind', '=', 'state').where('state', '=', 'left')
  const people = left.where(namedHere(platform, 'override.identity')).where(unlinkedHere(platform, 'override.identity'))
  return (yield* all(people)).map(withoutAccount)
}

function withoutAccount({ id }: { readonly id: IdentityId }): Found {
  return { identity: id, nativeId: null }
}

function namedHere(platform: string, person: string) {
  return sql<boolean>`exists (select 1 from ${sql.table('name_claim')} where ${sql.ref('name_claim.identity')} = ${sql.ref(person)}
    and ${sql.ref('name_claim.platform')} = ${platform})`
}

function unlinkedHere(platform: string, person: string) {
  return sql<boolean>`not exists (select 1 from ${sql.table('link')} where ${sql.ref('link.identity')} = ${sql.ref(person)}
    and ${sql.ref('link.platform')} = ${platform})`
}

function* claimsOf(platform: string, identities: readonly IdentityId[]) {
  const rows = db.selectFrom('name_claim').select(['identity', 'name']).where('platform', '=', platform)
  return yield* inLists(identities, (some) => all(rows.where('identity', 'in', some)))
}
