import type { CatalogueEntry } from '../../model/account.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { Connection } from '../directory/connection.ts'
import { canonicalDn } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { equals } from '../directory/filters.ts'
import { readEntry, searchAll } from '../directory/search.ts'
import type { Domain } from './domain.ts'
import { guidBytes, guidDn, guidText, relativeId } from './values.ts'

const groupAttributes = ['objectGUID', 'objectSid', 'cn', 'adminCount', 'objectClass']

export interface Group extends CatalogueEntry {
  /** Relative id, which primaryGroupID of a member may name. */
  readonly relativeId: number
}

/** The groups that Keyturn may touch, found by what they are looked up by. */
export class Groups {
  readonly all: readonly Group[]
  readonly #byName: ReadonlyMap<string, Group>
  readonly #byDn: ReadonlyMap<string, Group>
  readonly #byRelativeId: ReadonlyMap<number, Group>

  constructor(all: readonly Group[]) {
    this.all = all
    this.#byName = new Map(all.map((group) => [group.name, group]))
    this.#byDn = new Map(all.map((group) => [canonicalDn(group.address), group]))
    this.#byRelativeId = new Map(all.map((group) => [group.relativeId, group]))
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
 * Reads the catalogue as the groups are now. A named group that does not exist is not in it.
 * @throws KeyturnError `config-invalid` when one name would mean two groups
 */
export async function readGroups(domain: Domain, connection: Connection, signal?: AbortSignal): Promise<Groups> {
  const { named, under } = domain.settings.entitlements
  const groups = new Map<string, Group>()
  for (const [name, entitlement] of Object.entries(named)) {
    const entry = await readEntry(connection, addressOf(entitlement.id), groupAttributes)
    if (entry === undefined || !entry.texts('objectClass').includes('group')) continue
    const group = groupOf(domain.id, name, entry, entitlement)
    groups.set(group.nativeId, group)
  }
  for (const { dn } of under) {
    const spec = {
      base: dn,
      scope: 'sub',
      filter: equals('objectClass', 'group'),
      attributes: groupAttributes,
    } as const
    await searchAll(
      connection,
      spec,
      (entry) => {
        const group = groupOf(domain.id, entry.text('cn') ?? '', entry, { members: 'additive', privileged: false })
        if (!groups.has(group.nativeId)) groups.set(group.nativeId, group)
      },
      signal,
    )
  }
  refuseAmbiguous(domain.id, [...groups.values()])
  return new Groups([...groups.values()])
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

function refuseAmbiguous(platform: string, groups: readonly Group[]): void {
  for (const [name, same] of Map.groupBy(groups, (group) => group.name)) {
    const [first, second] = same
    if (first === undefined || second === undefined) continue
    throw new KeyturnError(
      'config-invalid',
      `${platform}: the entitlement "${name}" could mean ${first.address} or ${second.address}.`,
      { hint: 'Give one of them a name of its own in entitlements.named, or narrow entitlements.under.' },
    )
  }
}
