import type { ObservedAccount } from '../../model/account.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import { parentDn } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { anyOf, both, equals, present } from '../directory/filters.ts'
import type { Filter } from '../directory/filters.ts'
import { expiryOf, isEnabled, isLockedOut, stateAttributes } from './lock.ts'
import type { ServerFacts } from './server.ts'

/** What counts as an account: a person or a system account that has the attribute of names. */
export function accountFilter({ schema }: DirectorySettings): Filter {
  const classes = new Set(
    ['person', 'posixAccount', 'account', ...schema.objectClasses].filter((name) => name !== 'top'),
  )
  return both(anyOf([...classes].map((name) => equals('objectClass', name))), present(schema.nameAttribute))
}

/** Attributes under the names of the configuration: those that are managed and those that accounts are matched by. */
export function managedAttributes({ accounts }: DirectorySettings): string[] {
  return [...new Set([...Object.keys(accounts.attributes), ...accounts.match.map((match) => match.account)])]
}

/** Everything that a read asks for, and nothing else. */
export function readAttributes(settings: DirectorySettings, facts: ServerFacts): string[] {
  const wanted = [
    settings.schema.nameAttribute,
    facts.nativeId,
    ...managedAttributes(settings),
    ...stateAttributes(facts),
  ]
  return [...new Map(wanted.map((name) => [name.toLowerCase(), name])).values()]
}

/** The account that an entry is; `entitlements` is filled by whoever reads the groups. Undefined: it is none. */
export function toAccount(
  entry: Entry,
  settings: DirectorySettings,
  facts: ServerFacts,
  managed: readonly string[],
  entitlements: readonly string[],
): ObservedAccount | undefined {
  const nativeId = entry.text(facts.nativeId)
  const name = entry.text(settings.schema.nameAttribute)
  if (nativeId === undefined || name === undefined) return undefined
  const attributes: Record<string, readonly string[]> = {}
  for (const attribute of managed) if (entry.has(attribute)) attributes[attribute] = entry.texts(attribute)
  return {
    platform: settings.id,
    nativeId,
    address: entry.dn,
    name,
    container: parentDn(entry.dn),
    enabled: isEnabled(entry, facts),
    ...(isLockedOut(entry, facts) ? { lockedOut: true } : {}),
    attributes,
    entitlements,
    expiresAt: expiryOf(entry, facts),
  }
}
