import type { AccountRef, ObservedAccount } from '../../model/account.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Connection } from '../directory/connection.ts'
import { canonicalDn } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError } from '../directory/errors.ts'
import { anyOf, both, equals } from '../directory/filters.ts'
import type { Filter } from '../directory/filters.ts'
import { portions } from '../directory/flight.ts'
import { searchAll } from '../directory/search.ts'
import { accountFilter, managedAttributes, readAttributes, toAccount } from './accounts.ts'
import { groupFilter, memberAttributeOf, searchBases } from './catalogue.ts'
import type { Catalogue } from './catalogue.ts'
import type { ServerFacts } from './server.ts'

export interface ReadPort {
  readonly settings: DirectorySettings
  readonly facts: ServerFacts
  readonly catalogue: Catalogue
  readonly signal: AbortSignal
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>
}

type Draft = ObservedAccount & { entitlements: readonly string[] }

/** Every account under the base: one paged search for accounts, one for each place with groups. Throws when it is not whole. */
export async function readAll(port: ReadPort): Promise<readonly ObservedAccount[]> {
  const accounts = await readAccounts(port, accountFilter(port.settings))
  const find = memberIndex(accounts)
  const attributes = ['objectClass', 'member', 'uniqueMember', 'memberUid']
  const onGroup = (entry: Entry): void => {
    const group = port.catalogue.byDn.get(canonicalDn(entry.dn))
    const attribute = memberAttributeOf(entry.texts('objectClass'))
    if (group === undefined || attribute === undefined) return
    for (const value of entry.texts(attribute)) hold(find(attribute, value), group.name)
  }
  for (const base of searchBases(port.settings)) {
    const spec = { base, scope: 'sub', filter: groupFilter(), attributes } as const
    await port.use((connection) => ifThere(searchAll(connection, spec, onGroup, port.signal)))
  }
  return accounts
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
    portions([...filters.values()], 64).map(async (some) => {
      for (const account of await readAccounts(port, both(anyOf(some), filter))) found.set(account.nativeId, account)
    }),
  )
  await Promise.all([...found.values()].map((account) => readMemberships(port, account)))
  return [...found.values()]
}

async function readAccounts(port: ReadPort, filter: Filter): Promise<Draft[]> {
  const { settings, facts, signal } = port
  const managed = managedAttributes(settings)
  const accounts: Draft[] = []
  const spec = { base: settings.base, scope: 'sub', filter, attributes: readAttributes(settings, facts) } as const
  const onEntry = (entry: Entry): void => {
    const entitlements: string[] = []
    const account = toAccount(entry, settings, facts, managed, entitlements)
    if (account !== undefined) accounts.push({ ...account, entitlements })
  }
  const { references } = await port.use((connection) => searchAll(connection, spec, onEntry, signal))
  if (references.length > 0) {
    throw new KeyturnError(
      'platform-read-incomplete',
      `${settings.id}: part of ${settings.base} is on another server (${references.join(', ')}), so nobody's absence is proven.`,
      { hint: 'Choose a base that one server holds whole, or make the other part a platform of its own.' },
    )
  }
  return accounts
}

/** Which groups of the catalogue hold the account: only their names come over the network, never their members. */
async function readMemberships(port: ReadPort, account: Draft): Promise<void> {
  // Only attributes that the catalogue's groups have: one that is not indexed would make the server look at every group.
  const kinds = [...new Set([...port.catalogue.byDn.values()].map((group) => group.memberAttribute))]
  if (kinds.length === 0) return
  const values = kinds.map((kind) => equals(kind, kind === 'memberUid' ? account.name : account.address))
  const filter = both(groupFilter(), anyOf(values))
  for (const base of searchBases(port.settings)) {
    const onGroup = ({ dn }: Entry): void => {
      const group = port.catalogue.byDn.get(canonicalDn(dn))
      if (group !== undefined) hold(account, group.name)
    }
    const spec = { base, scope: 'sub', filter, attributes: ['1.1'] } as const
    await port.use((connection) => ifThere(searchAll(connection, spec, onGroup, port.signal)))
  }
}

/** Not by `push`, which makes room for 16 more: of a large directory that is more memory than the memberships. */
function hold(account: Draft | undefined, entitlement: string): void {
  if (account !== undefined) account.entitlements = account.entitlements.concat(entitlement)
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
