import type { Instant } from '../../model/instant.ts'
import type { Connection } from '../directory/connection.ts'
import type { Entry } from '../directory/entry.ts'
import { anyOf, both, equals } from '../directory/filters.ts'
import type { Filter } from '../directory/filters.ts'
import { portions } from '../directory/flight.ts'
import { searchAll } from '../directory/search.ts'
import { accountControl, fromFiletime, guidBytes, guidText, normalUserAccount } from './values.ts'

/** How many accounts one search asks for by name or id. */
const accountsPerSearch = 100

export const stateAttributes: readonly string[] = [
  'objectGUID',
  'sAMAccountName',
  'userPrincipalName',
  'userAccountControl',
  'accountExpires',
  'lockoutTime',
  'pwdLastSet',
  'primaryGroupID',
  'adminCount',
  'isCriticalSystemObject',
]

/** An account as it stands, in what a write has to know. */
export interface AccountState {
  readonly nativeId: string
  readonly dn: string
  readonly name: string
  readonly principalName: string | undefined
  /** userAccountControl. */
  readonly flags: number
  readonly expiresAt: Instant | null
  /** Locked for wrong passwords, perhaps no longer: the lock ends without leaving a trace in the attribute. */
  readonly hasBeenLocked: boolean
  /** FILETIME; "0" when the password must be changed. */
  readonly passwordSetAt: string
  /** Relative id of the primary group. */
  readonly primaryGroup: number
  /** Why we cannot count on our rights here. */
  readonly cannotManage: string | undefined
}

/** Ordinary users only: no computers, trusts or managed service accounts. */
export function isUser(): Filter {
  return equals('sAMAccountType', normalUserAccount)
}

export function stateOf(entry: Entry): AccountState {
  const [guid = Buffer.alloc(0)] = entry.buffers('objectGUID')
  const lockedAt = entry.text('lockoutTime') ?? '0'
  return {
    nativeId: guidText(guid),
    dn: entry.dn,
    name: entry.text('sAMAccountName') ?? '',
    principalName: entry.text('userPrincipalName'),
    flags: Number(entry.text('userAccountControl') ?? 0),
    expiresAt: fromFiletime(entry.text('accountExpires')),
    hasBeenLocked: lockedAt !== '0',
    passwordSetAt: entry.text('pwdLastSet') ?? '0',
    primaryGroup: Number(entry.text('primaryGroupID') ?? 0),
    cannotManage: protection(entry),
  }
}

export function isDisabled(state: AccountState): boolean {
  return (state.flags & accountControl.disabled) !== 0
}

function protection(entry: Entry): string | undefined {
  const name = entry.text('sAMAccountName') ?? entry.dn
  if (entry.text('isCriticalSystemObject') === 'TRUE') {
    return `${name} is an account of Windows itself (isCriticalSystemObject), which Keyturn leaves alone.`
  }
  if (Number(entry.text('adminCount') ?? 0) === 0) return undefined
  return (
    `${name} is protected by AdminSDHolder (adminCount=1), which takes delegated rights away within the hour. ` +
    'Change it by hand. If it is in no privileged group any more, clear adminCount and turn on the inheritance of permissions.'
  )
}

/** Searches users by any of these filters, in portions, without a limit to how many match. */
export async function searchUsers(
  connection: Connection,
  where: { readonly base: string; readonly attributes: readonly string[]; readonly signal?: AbortSignal },
  filters: readonly Filter[],
  onEntry: (entry: Entry) => void,
): Promise<void> {
  for (const some of portions(filters, accountsPerSearch)) {
    const spec = {
      base: where.base,
      scope: 'sub',
      filter: both(isUser(), anyOf(some)),
      attributes: where.attributes,
    } as const
    await searchAll(connection, spec, onEntry, where.signal)
  }
}

/** The accounts of these native ids that exist below `base`, by native id. */
export async function statesById(
  connection: Connection,
  base: string,
  nativeIds: readonly string[],
): Promise<Map<string, AccountState>> {
  const states = new Map<string, AccountState>()
  await searchUsers(connection, { base, attributes: stateAttributes }, nativeIds.flatMap(byId), (entry) => {
    const state = stateOf(entry)
    states.set(state.nativeId, state)
  })
  return states
}

/** A filter for a native id; none where the text cannot be one, so that it is simply not found. */
export function byId(nativeId: string): Filter[] {
  const bytes = guidBytes(nativeId)
  return bytes === undefined ? [] : [equals('objectGUID', bytes)]
}
