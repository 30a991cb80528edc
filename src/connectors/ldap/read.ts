import type { AccountRef, ObservedAccount } from '../../model/account.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Connection, SearchSpec } from '../directory/connection.ts'
import { canonicalDn } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError } from '../directory/errors.ts'
import { anyOf, both, equals } from '../directory/filters.ts'
import type { Filter } from '../directory/filters.ts'
import { portions } from '../directory/flight.ts'
import type { UseOptions } from '../directory/pool.ts'
import { isThereAny, searchAll } from '../directory/search.ts'
import { accountFilter, managedAttributes, readAttributes, toAccount } from './accounts.ts'
import { groupFilter, searchBases } from './catalogue.ts'
import type { Catalogue } from './catalogue.ts'
import type { ServerFacts } from './server.ts'
import { accountsPerSearch } from './session.ts'

/**
 * For so many accounts all groups are read as a whole: the server would take each of them up again for every account that it
 * holds.
 */
const manyAccounts = 200

export interface ReadPort {
  readonly settings: DirectorySettings
  readonly facts: ServerFacts
  readonly catalogue: Catalogue
  readonly signal: AbortSignal
  use<T>(work: (connection: Connection) => Promise<T>, options?: UseOptions): Promise<T>
}

type Draft = ObservedAccount & { entitlements: readonly string[] }

/** Every account under the base: one paged search for accounts, one for each place with groups. Throws when it is not whole. */
export async function readAll(port: ReadPort): Promise<readonly ObservedAccount[]> {
  const accounts = await readAccounts(port, accountFilter(port.settings), {})
  await readGroups(port, accounts)
  return accounts
}

/** Every group with all its members, of which those that are these accounts are noted. */
async function readGroups(port: ReadPort, accounts: readonly Draft[]): Promise<void> {
  const onGroup = membersInto(port, accounts)
  const attributes = ['member', 'uniqueMember', 'memberUid']
  for (const base of searchBases(port.settings)) {
    const spec = { base, scope: 'sub', filter: groupFilter(), attributes } as const
    await port.use((connection) => ifThere(searchAll(connection, spec, onGroup, port.signal)))
  }
}

/** The accounts of some refs, found by native id, by name or by what they are matched by; each once. */
export async function readRefs(port: ReadPort, refs: readonly AccountRef[]): Promise<readonly ObservedAccount[]> {
  const { settings, facts } = port
  const filters = new Map<string, Filter>()
  const want = (attribute: string, value: string): void => {
    if (value !== '') filters.set(`${attribute.toLowerCase()}=${value}`, equals(attribute, value))
  }
  for (const ref of refs) {
    if ('nativeId' in ref) want(facts.nativeId, ref.nativeId)
    else {
      want(settings.schema.nameAttribute, ref.name)
      for (const { attribute, value } of ref.matches) want(attribute, value)
    }
  }
  const found = new Map<string, Draft>()
  const filter = accountFilter(settings)
  await Promise.all(
    portions([...filters.values()], accountsPerSearch).map(async (some) => {
      const accounts = await readAccounts(port, both(anyOf(some), filter), { again: true })
      for (const account of accounts) found.set(account.nativeId, account)
    }),
  )
  const accounts = [...found.values()]
  if (accounts.length >= manyAccounts) {
    await readGroups(port, accounts)
    return accounts
  }
  await Promise.all(portions(accounts, accountsPerSearch).map((some) => readMemberships(port, some)))
  return accounts
}

async function readAccounts(port: ReadPort, filter: Filter, options: UseOptions): Promise<Draft[]> {
  const { settings, facts, signal } = port
  const managed = managedAttributes(settings)
  const spec = { base: settings.base, scope: 'sub', filter, attributes: readAttributes(settings, facts) } as const
  return port.use(async (connection) => {
    const accounts: Draft[] = []
    const onEntry = (entry: Entry): void => {
      const entitlements: string[] = []
      const account = toAccount(entry, settings, facts, managed, entitlements)
      if (account !== undefined) accounts.push({ ...account, entitlements })
    }
    const { references } = await searchAll(connection, spec, onEntry, signal)
    if (references.length > 0) {
      throw new KeyturnError(
        'platform-read-incomplete',
        `${settings.id}: part of ${settings.base} is on another server (${references.join(', ')}), so nobody's absence is proven.`,
        { hint: 'Choose a base that one server holds whole, or make the other part a platform of its own.' },
      )
    }
    return accounts
  }, options)
}

/**
 * Which groups of the catalogue hold these accounts: one search an account, which an index answers, since a single search for
 * many makes the server compare each of them with every member of every group. Only the names of groups come over the
 * network. Where no group holds any of them, as after leavers were stripped, one search says so.
 */
async function readMemberships(port: ReadPort, accounts: readonly Draft[]): Promise<void> {
  // Only attributes that the catalogue's groups have: one that is not indexed would make the server look at every group.
  const kinds = [...new Set([...port.catalogue.byDn.values()].map((group) => group.memberAttribute))]
  const holding = ({ name, address }: Draft): Filter[] =>
    kinds.map((kind) => equals(kind, kind === 'memberUid' ? name : address))
  if (kinds.length === 0 || accounts.length === 0) return
  if (accounts.length > 1 && !(await isAnyHeld(port, accounts.flatMap(holding)))) return
  await Promise.all(
    accounts.map(async (account) => {
      const groups = await groupsBy(port, anyOf(holding(account)))
      for (const dn of groups) hold(account, port.catalogue.byDn.get(canonicalDn(dn))?.name)
    }),
  )
}

async function groupsBy(port: ReadPort, holds: Filter): Promise<string[]> {
  const found = searchBases(port.settings).map((base) =>
    port.use(
      async (connection) => {
        const groups: string[] = []
        await ifThere(searchAll(connection, groupsIn(base, holds), ({ dn }) => groups.push(dn), port.signal))
        return groups
      },
      { again: true },
    ),
  )
  return (await Promise.all(found)).flat()
}

/** The server stops at the first group that it finds. */
async function isAnyHeld(port: ReadPort, values: readonly Filter[]): Promise<boolean> {
  const found = searchBases(port.settings).map((base) =>
    port.use((connection) => isThereAny(connection, groupsIn(base, anyOf(values))), { again: true }),
  )
  return (await Promise.all(found)).includes(true)
}

function groupsIn(base: string, holds: Filter): SearchSpec {
  return { base, scope: 'sub', filter: both(groupFilter(), holds), attributes: ['1.1'] }
}

/** Notes the members of a group of the catalogue among these accounts. */
function membersInto({ catalogue }: ReadPort, accounts: readonly Draft[]): (entry: Entry) => void {
  const find = memberIndex(accounts)
  return (entry) => {
    const group = catalogue.byDn.get(canonicalDn(entry.dn))
    if (group === undefined) return
    for (const value of entry.texts(group.memberAttribute)) hold(find(group.memberAttribute, value), group.name)
  }
}

/** Not by `push`, which makes room for 16 more: of a large directory that is more memory than the memberships. */
function hold(account: Draft | undefined, entitlement: string | undefined): void {
  if (account !== undefined && entitlement !== undefined)
    account.entitlements = account.entitlements.concat(entitlement)
}

async function ifThere(search: Promise<unknown>): Promise<void> {
  try {
    await search
  } catch (error) {
    if (!(error instanceof LdapResultError && error.code === 32)) throw error
  }
}

/** Finds the account that a member value means. Servers mostly return a DN as the entry has it; other spellings cost more. */
function memberIndex(accounts: readonly Draft[]): (attribute: string, value: string) => Draft | undefined {
  const byName = new Map(accounts.map((account) => [account.name, account]))
  const byDn = new Map(accounts.map((account) => [account.address, account]))
  let byCanonicalDn: Map<string, Draft> | undefined
  return (attribute, value) => {
    if (attribute === 'memberUid') return byName.get(value)
    const exact = byDn.get(value)
    if (exact !== undefined) return exact
    byCanonicalDn ??= new Map(accounts.map((account) => [canonicalDn(account.address), account]))
    return byCanonicalDn.get(canonicalDn(value))
  }
}
