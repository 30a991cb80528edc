import type { CatalogueEntry } from '../../model/account.ts'
import { SECOND } from '../../model/instant.ts'
import type { Connection } from '../directory/connection.ts'
import { canonicalDn } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError } from '../directory/errors.ts'
import { equals } from '../directory/filters.ts'
import { inFlight, mostInFlight } from '../directory/flight.ts'
import { readEntry, searchAll } from '../directory/search.ts'
import type { Domain } from './domain.ts'
import { guidBytes, guidDn, guidText, relativeId } from './values.ts'

/** A little longer than those who ask for the whole catalogue wait between two times, so that their read serves all looks. */
const keptFor = 90 * SECOND

const groupAttributes = ['objectGUID', 'objectSid', 'cn', 'adminCount', 'objectClass']

export interface Group extends CatalogueEntry {
  /** Relative id, which primaryGroupID of a member may name. */
  readonly relativeId: number
}

/** The groups that Keyturn may touch, found by what they are looked up by. */
export class Groups {
  readonly all: readonly Group[]
  /** Groups of which two have one name: none of them is in the catalogue, since nobody can say which is meant. */
  readonly ambiguous: readonly Group[]
  readonly #byName: ReadonlyMap<string, Group>
  readonly #byDn: ReadonlyMap<string, Group>
  readonly #byRelativeId: ReadonlyMap<number, Group>

  constructor(found: readonly Group[]) {
    const byName = Map.groupBy(found, (group) => group.name)
    const isAlone = ({ name }: Group): boolean => byName.get(name)?.length === 1
    this.all = found.filter(isAlone)
    this.ambiguous = found.filter((group) => !isAlone(group))
    this.#byName = new Map(this.all.map((group) => [group.name, group]))
    this.#byDn = new Map(this.all.map((group) => [canonicalDn(group.address), group]))
    this.#byRelativeId = new Map(this.all.map((group) => [group.relativeId, group]))
  }

  named(name: string): Group | undefined {
    return this.#byName.get(name)
  }

  /**
   * Catalogue names that somebody holds directly: what memberOf lists, and the primary group, which it never does.
   * Memberships through a nested group are not among them.
   */
  heldBy(memberOf: readonly string[], primaryGroup: number): string[] {
    const primary = this.#byRelativeId.get(primaryGroup)
    const held = memberOf.flatMap((dn) => this.#byDn.get(canonicalDn(dn))?.name ?? [])
    return primary === undefined ? held : [...new Set([...held, primary.name])]
  }
}

/**
 * The catalogue, kept for a minute and a half: every look at a few accounts needs it, and reading thousands of groups each
 * time would be most of the work. A group that was made or renamed meanwhile is noticed by the next read of everything, or
 * by whoever grants it.
 */
export class Catalogue {
  readonly #domain: Domain
  #kept: { readonly groups: Groups; readonly until: number } | null = null

  constructor(domain: Domain) {
    this.#domain = domain
  }

  async fresh(connection: Connection, signal?: AbortSignal): Promise<Groups> {
    const until = this.#domain.clock() + keptFor
    const groups = await readGroups(this.#domain, connection, signal)
    this.#kept = { groups, until }
    return groups
  }

  async recent(connection: Connection, signal?: AbortSignal): Promise<Groups> {
    if (this.#kept !== null && this.#domain.clock() < this.#kept.until) return this.#kept.groups
    return this.fresh(connection, signal)
  }
}

/** Reads the catalogue as the groups are now. A named group or a container that does not exist adds nothing to it. */
async function readGroups(domain: Domain, connection: Connection, signal?: AbortSignal): Promise<Groups> {
  const { named, under } = domain.settings.entitlements
  const groups = new Map<string, Group>()
  const asked = Object.entries(named)
  const read = ([, { id }]: (typeof asked)[number]) => readEntry(connection, addressOf(id), groupAttributes)
  const entries = await inFlight(asked, mostInFlight, read)
  for (const [index, [name, entitlement]] of asked.entries()) {
    const entry = entries[index]
    if (entry === undefined || !entry.texts('objectClass').includes('group')) continue
    const group = groupOf(domain.id, name, entry, entitlement)
    groups.set(group.nativeId, group)
  }
  const take = (entry: Entry): void => {
    const group = groupOf(domain.id, entry.text('cn') ?? '', entry, { members: 'additive', privileged: false })
    if (!groups.has(group.nativeId)) groups.set(group.nativeId, group)
  }
  for (const { dn } of under) {
    const spec = {
      base: dn,
      scope: 'sub',
      filter: equals('objectClass', 'group'),
      attributes: groupAttributes,
    } as const
    await ifThere(searchAll(connection, spec, take, signal))
  }
  return new Groups([...groups.values()])
}

async function ifThere(search: Promise<unknown>): Promise<void> {
  try {
    await search
  } catch (error) {
    if (!(error instanceof LdapResultError && error.code === 32)) throw error
  }
}

function groupOf(
  platform: string,
  name: string,
  entry: Entry,
  declared: Pick<CatalogueEntry, 'members' | 'privileged'>,
): Group {
  const [guid = Buffer.alloc(0)] = entry.buffers('objectGUID')
  const [sid = Buffer.alloc(0)] = entry.buffers('objectSid')
  return {
    platform,
    name,
    nativeId: guidText(guid),
    address: entry.dn,
    members: declared.members,
    // What AdminSDHolder protects gives power over the domain, whether the configuration says so or not.
    privileged: declared.privileged || Number(entry.text('adminCount') ?? 0) > 0,
    relativeId: relativeId(sid),
  }
}

/** An entitlement may be named by DN or by objectGUID. */
function addressOf(id: string): string {
  return guidBytes(id) === undefined ? id : guidDn(id)
}
