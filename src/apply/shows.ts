import type { DesiredValue, ObservedAccount } from '../model/account.ts'
import type { Change } from '../model/change.ts'
import type { Connector } from '../model/connector.ts'
import type { IdentityId } from '../model/identity.ts'
import { DAY, type Instant } from '../model/instant.ts'

/** How values of one platform are compared, and where other people's accounts stand there. */
export interface Comparison {
  readonly connector: Pick<Connector, 'canonical' | 'within'>
  addressOf(identity: IdentityId): string | undefined
}

/**
 * Does the account, as it was read, show that the change is so? Credentials cannot be seen; for them the answer is yes
 * where the account exists.
 *
 * @param account null: a complete read had no such account
 */
export function shows(change: Change, account: ObservedAccount | null, comparison: Comparison): boolean {
  if (account === null) return change.kind === 'delete' || change.kind === 'disable' || change.kind === 'revoke'
  switch (change.kind) {
    case 'link':
    case 'issue-credential':
      return true
    case 'create':
      // Made open and shut a moment later: its owner has left meanwhile. It was made all the same.
      return change.desired.enabled || !account.enabled
    case 'enable':
      return account.enabled
    case 'disable':
      return !account.enabled
    case 'delete':
      return false
    case 'rename':
      return account.name.toLowerCase() === change.to.toLowerCase()
    case 'move':
      return comparison.connector.within(account.address, change.to)
    case 'expire':
      return sameDay(account.expiresAt, change.to)
    case 'update':
      return showsValue(change.field.attribute, change.field.to, account, comparison)
    case 'grant':
      return account.entitlements.includes(change.entitlement)
    case 'revoke':
      return !account.entitlements.includes(change.entitlement)
  }
}

function showsValue(name: string, wanted: DesiredValue, account: ObservedAccount, comparison: Comparison): boolean {
  const texts: readonly (string | undefined)[] =
    'accountOf' in wanted ? [comparison.addressOf(wanted.accountOf)] : wanted
  if (texts.includes(undefined)) return false
  const canonical = (values: readonly (string | undefined)[]) =>
    new Set(values.map((value) => comparison.connector.canonical(name, value ?? '')))
  const held = canonical(account.attributes[name] ?? [])
  return canonical(texts).symmetricDifference(held).size === 0
}

/** Platforms keep an expiry in units from 100 nanoseconds (AD) to days (shadowExpire). */
function sameDay(a: Instant | null, b: Instant | null): boolean {
  if (a === null || b === null) return a === b
  return Math.abs(a - b) < DAY
}
