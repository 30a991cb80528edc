import type { AccountRef, ObservedAccount } from '../../model/account.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { Connection } from '../directory/connection.ts'
import { parentDn } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { equals } from '../directory/filters.ts'
import type { Filter } from '../directory/filters.ts'
import { searchAll } from '../directory/search.ts'
import type { Groups } from './catalogue.ts'
import type { Domain } from './domain.ts'
import { domainError } from './errors.ts'
import { allValues, isPartial } from './ranges.ts'
import { byId, isDisabled, isUser, searchUsers, stateAttributes, stateOf } from './state.ts'
import { computedLockout, guidDn } from './values.ts'

/**
 * Accounts with their memberships. Those are taken from memberOf and primaryGroupID of the accounts, in the one search that
 * reads them: unlike `member` of a group that has the primary group in it, and it needs no second read of large groups.
 * Whatever fails on the way makes the snapshot incomplete.
 */
export async function observe(
  domain: Domain,
  scope: 'all' | readonly AccountRef[],
  signal: AbortSignal,
): Promise<Snapshot<ObservedAccount>> {
  const takenAt = domain.clock()
  let seen = new Map<string, ObservedAccount>()
  const look = async (connection: Connection) => {
    const accounts = new Map<string, ObservedAccount>()
    seen = accounts
    const { catalogue } = domain
    const groups = await (scope === 'all' ? catalogue.fresh(connection, signal) : catalogue.recent(connection, signal))
    const unsettled: Unsettled = { locked: [], partial: [] }
    await readUsers(domain, connection, scope, signal, (entry) => {
      const account = note(domain.settings, entry, groups, unsettled)
      accounts.set(account.nativeId, account)
    })
    await completeMemberships(connection, groups, unsettled, accounts)
    await markLocked(domain, connection, unsettled, accounts, signal)
    return accounts
  }
  try {
    const accounts = await domain.use(look, { again: scope !== 'all' })
    return { complete: true, takenAt, items: [...accounts.values()] }
  } catch (error) {
    const cause = domainError(error, { platform: domain.id, doing: 'reading accounts' })
    return { complete: false, takenAt, items: [...seen.values()], cause }
  }
}

/** What one search cannot tell of an account, so that it is asked for again. */
interface Unsettled {
  /** Native ids of those that were locked at some time. */
  readonly locked: string[]
  /** Those with so many memberships that the server gave only the first of them. */
  readonly partial: Entry[]
}

async function readUsers(
  { settings }: Domain,
  connection: Connection,
  scope: 'all' | readonly AccountRef[],
  signal: AbortSignal,
  onEntry: (entry: Entry) => void,
): Promise<void> {
  const attributes = [...stateAttributes, 'memberOf', ...namesToRead(settings)]
  if (scope === 'all') {
    const spec = { base: settings.base, scope: 'sub', filter: isUser(), attributes } as const
    await searchAll(connection, spec, onEntry, signal)
  } else {
    await searchUsers(connection, { base: settings.base, attributes, signal }, scope.flatMap(filtersOf), onEntry)
  }
}

function filtersOf(ref: AccountRef): Filter[] {
  if ('nativeId' in ref) return byId(ref.nativeId)
  const matches = ref.matches.filter(({ value }) => value !== '')
  return [
    ...(ref.name === '' ? [] : [equals('sAMAccountName', ref.name)]),
    ...matches.map(({ attribute, value }) => equals(attribute, value)),
  ]
}

/** Attributes that the configuration manages or matches by, under the names that it uses. */
function namesToRead({ accounts }: DirectorySettings): string[] {
  return [...new Set([...Object.keys(accounts.attributes), ...accounts.match.map(({ account }) => account)])]
}

function note(settings: DirectorySettings, entry: Entry, groups: Groups, unsettled: Unsettled): ObservedAccount {
  const state = stateOf(entry)
  if (state.hasBeenLocked) unsettled.locked.push(state.nativeId)
  if (isPartial(entry, 'memberOf')) unsettled.partial.push(entry)
  return {
    platform: settings.id,
    nativeId: state.nativeId,
    address: state.dn,
    name: state.name,
    container: parentDn(state.dn),
    enabled: !isDisabled(state),
    attributes: attributesOf(settings, entry),
    entitlements: groups.heldBy(entry.texts('memberOf'), state.primaryGroup),
    expiresAt: state.expiresAt,
    ...(state.cannotManage === undefined ? {} : { cannotManage: state.cannotManage }),
  }
}

function attributesOf(settings: DirectorySettings, entry: Entry): Record<string, readonly string[]> {
  const attributes: Record<string, readonly string[]> = {}
  for (const name of namesToRead(settings)) {
    const values = entry.texts(name)
    if (values.length > 0) attributes[name] = values
  }
  return attributes
}

async function completeMemberships(
  connection: Connection,
  groups: Groups,
  { partial }: Unsettled,
  accounts: Map<string, ObservedAccount>,
): Promise<void> {
  for (const entry of partial) {
    const { nativeId, primaryGroup } = stateOf(entry)
    const account = accounts.get(nativeId)
    if (account === undefined) continue
    const memberOf = await allValues(connection, guidDn(nativeId), 'memberOf', entry)
    accounts.set(nativeId, { ...account, entitlements: groups.heldBy(memberOf, primaryGroup) })
  }
}

/** Only the domain controller can say whether a lock still holds; it is asked about those only that were ever locked. */
async function markLocked(
  { settings }: Domain,
  connection: Connection,
  { locked }: Unsettled,
  accounts: Map<string, ObservedAccount>,
  signal: AbortSignal,
): Promise<void> {
  const computed = 'msDS-User-Account-Control-Computed'
  const where = { base: settings.base, attributes: ['objectGUID', computed], signal }
  await searchUsers(connection, where, locked.flatMap(byId), (entry) => {
    if ((Number(entry.text(computed) ?? 0) & computedLockout) === 0) return
    const { nativeId } = stateOf(entry)
    const account = accounts.get(nativeId)
    if (account !== undefined) accounts.set(nativeId, { ...account, lockedOut: true })
  })
}
