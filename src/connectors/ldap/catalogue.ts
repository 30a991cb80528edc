import type { CatalogueEntry } from '../../model/account.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Connection } from '../directory/connection.ts'
import { canonicalDn, isWithin, parentDn } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError } from '../directory/errors.ts'
import { anyOf, equals } from '../directory/filters.ts'
import { inFlight, mostInFlight } from '../directory/flight.ts'
import type { Filter } from '../directory/filters.ts'
import { readEntry, searchAll } from '../directory/search.ts'
import type { ServerFacts } from './server.ts'

export type MemberAttribute = 'member' | 'uniqueMember' | 'memberUid'

/** A group of the catalogue and how it names its members: by DN, or (posixGroup) by account name. */
export interface Group extends CatalogueEntry {
  readonly memberAttribute: MemberAttribute
  /** Its schema demands a member. */
  readonly neverEmpty: boolean
}

export interface Catalogue {
  readonly byName: ReadonlyMap<string, Group>
  /** By canonical DN. */
  readonly byDn: ReadonlyMap<string, Group>
  /** Names that two groups would have; the first one has it. */
  readonly clashes: readonly string[]
}

const groupClasses = ['groupOfNames', 'groupOfUniqueNames', 'posixGroup']

export function groupFilter(): Filter {
  return anyOf(groupClasses.map((name) => equals('objectClass', name)))
}

/** How a group holds its members, by its object classes; undefined where it holds none that Keyturn knows. */
export function memberAttributeOf(objectClasses: readonly string[]): MemberAttribute | undefined {
  const classes = new Set(objectClasses.map((name) => name.toLowerCase()))
  if (classes.has('groupofnames')) return 'member'
  if (classes.has('groupofuniquenames')) return 'uniqueMember'
  return classes.has('posixgroup') ? 'memberUid' : undefined
}

/** The groups that the configuration lets Keyturn touch: every one `under` a place by its cn, and the `named` ones. */
export async function readCatalogue(
  connection: Connection,
  settings: DirectorySettings,
  facts: ServerFacts,
  signal: AbortSignal,
): Promise<Catalogue> {
  const attributes = ['cn', 'objectClass', facts.nativeId]
  const groups: Group[] = []
  const take = (entry: Entry, name: string | undefined, members: 'additive' | 'exact', privileged: boolean): void => {
    const memberAttribute = memberAttributeOf(entry.texts('objectClass'))
    const nativeId = entry.text(facts.nativeId)
    if (memberAttribute === undefined || name === undefined || nativeId === undefined) return
    // 389 Directory Server lets a group be empty (its schema has member as MAY).
    const neverEmpty = memberAttribute !== 'memberUid' && facts.vendor !== '389ds'
    const address = entry.dn
    groups.push({ platform: settings.id, name, nativeId, address, members, privileged, memberAttribute, neverEmpty })
  }
  const asked = Object.entries(settings.entitlements.named)
  const entries = await inFlight(asked, mostInFlight, ([, { id }]) => readEntry(connection, id, attributes))
  for (const [index, [name, { members, privileged }]] of asked.entries()) {
    const entry = entries[index]
    if (entry !== undefined) take(entry, name, members, privileged)
  }
  const named = new Set(groups.map((group) => canonicalDn(group.address)))
  for (const { dn } of settings.entitlements.under) {
    const spec = { base: dn, scope: 'sub', filter: groupFilter(), attributes } as const
    const onEntry = (entry: Entry): void => {
      if (!named.has(canonicalDn(entry.dn))) take(entry, entry.text('cn'), 'additive', false)
    }
    await unlessMissing(searchAll(connection, spec, onEntry, signal))
  }
  return index(groups)
}

/** A place that does not exist holds no groups; `check` complains about it. */
async function unlessMissing(search: Promise<unknown>): Promise<void> {
  try {
    await search
  } catch (error) {
    if (!(error instanceof LdapResultError && error.code === 32)) throw error
  }
}

function index(groups: readonly Group[]): Catalogue {
  const byName = new Map<string, Group>()
  const byDn = new Map<string, Group>()
  const clashes: string[] = []
  for (const group of groups) {
    const address = canonicalDn(group.address)
    if (byDn.has(address)) continue
    if (byName.has(group.name)) clashes.push(group.name)
    else {
      byName.set(group.name, group)
      byDn.set(address, group)
    }
  }
  return { byName, byDn, clashes }
}

/** The fewest places that hold every group of the catalogue: where to look for somebody's memberships. */
export function searchBases(settings: DirectorySettings): string[] {
  const places = [
    ...settings.entitlements.under.map(({ dn }) => dn),
    ...Object.values(settings.entitlements.named).map(({ id }) => parentDn(id)),
  ]
  return places.filter(
    (place, at) =>
      !places.some((other, index) => {
        const covers = index !== at && isWithin(place, other)
        return covers && (!isWithin(other, place) || index < at)
      }),
  )
}
