import type { DesiredAccount, ObservedAccount } from '../model/account.ts'
import type { IdentityId } from '../model/identity.ts'
import type { IndexedView } from './view.ts'

/** An account that a strong key found for a person, and the rule that did, such as `employeeNumber "10268"`. */
export interface Match {
  readonly account: ObservedAccount
  readonly by: string
  readonly attribute: string
}

/** Strong keys that cannot be believed: several accounts, several people, or somebody else's account already. */
export interface Dispute {
  /** Accounts that nobody is linked to and that may be this person's; where there are none, those of others. */
  readonly matches: readonly Match[]
  readonly text: string
  /** Every account that was found is linked to somebody else. */
  readonly isTheirs: boolean
}

/** Whose accounts those are that nobody is linked to; a guess is never among the answers. */
export interface Matching {
  /** Exactly one account for exactly one person, by a strong key. */
  readonly matched: ReadonlyMap<IdentityId, Match>
  /** For a person to decide. */
  readonly disputed: ReadonlyMap<IdentityId, Dispute>
  readonly disputedAccounts: ReadonlySet<string>
  /** What a weak key found: proposed to a person, never acted upon. */
  readonly proposed: ReadonlyMap<IdentityId, readonly Match[]>
  /** People who have no account here and shall get one. */
  readonly creating: ReadonlySet<IdentityId>
}

interface Claims {
  /** Native id to everybody whose strong key it carries. */
  readonly people: Map<string, IdentityId[]>
  readonly strong: Map<IdentityId, readonly Match[]>
  readonly weak: Map<IdentityId, readonly Match[]>
  readonly creating: Set<IdentityId>
}

/** Would an account of this person be found by a key that says so for certain? */
export function hasStrongKey({ matches }: DesiredAccount): boolean {
  return matches.some(({ value, then }) => then === 'link' && value !== '')
}

/** What else the strong keys of somebody find who has an account linked, where nobody is linked to it. Never touched. */
export function foundBesides(index: IndexedView, desired: DesiredAccount): readonly Match[] {
  return find(index, desired, 'link').filter(({ account }) => !index.owners.has(account.nativeId))
}

/** Whose key such an account carries, and that Keyturn leaves it as it is. */
export function besidesText({ identity }: DesiredAccount, linked: ObservedAccount, { account, by }: Match): string {
  return `${account.name} is another account with a key of ${identity} (${by}), who is linked to ${linked.name}. Keyturn touches the linked one only`
}

/** Looks for the accounts of people who have none linked. People who left, or shall have none, are found by strong keys only. */
export function matchAccounts(index: IndexedView, people: Iterable<DesiredAccount>): Matching {
  const claims: Claims = { people: new Map(), strong: new Map(), weak: new Map(), creating: new Set() }
  for (const desired of people) {
    if (index.linkedAccount(desired.identity) === undefined) claim(index, desired, claims)
  }
  return decide(index, claims)
}

function claim(index: IndexedView, desired: DesiredAccount, claims: Claims): void {
  const strong = concerning(index, desired, find(index, desired, 'link'))
  if (strong.length > 0) {
    claims.strong.set(desired.identity, strong)
    for (const { account } of strong) {
      const others = claims.people.get(account.nativeId)
      if (others === undefined) claims.people.set(account.nativeId, [desired.identity])
      else others.push(desired.identity)
    }
    return
  }
  if (desired.create) claims.creating.add(desired.identity)
  const weak = desired.state === 'shut' ? [] : find(index, desired, 'propose')
  if (weak.length > 0) claims.weak.set(desired.identity, weak)
}

/**
 * Whoever shall be given no account needs nothing of one that is linked to somebody else: it is that person's, and will
 * stay so. One that nobody is linked to may be this person's, and must be told, whatever else was found.
 */
function concerning({ owners }: IndexedView, { create }: DesiredAccount, found: readonly Match[]): readonly Match[] {
  return create || found.some(({ account }) => !owners.has(account.nativeId)) ? found : []
}

/** Every account that one of the person's values finds, once, with the first rule that finds it. */
function find(index: IndexedView, desired: DesiredAccount, then: 'link' | 'propose'): readonly Match[] {
  const found = new Map<string, Match>()
  for (const { attribute, value, then: rule } of desired.matches) {
    if (rule !== then || value === '') continue
    for (const account of index.holding(attribute, value)) {
      if (!found.has(account.nativeId))
        found.set(account.nativeId, { account, attribute, by: `${attribute} "${value}"` })
    }
  }
  return [...found.values()]
}

function decide(index: IndexedView, claims: Claims): Matching {
  const matched = new Map<IdentityId, Match>()
  const disputed = new Map<IdentityId, Dispute>()
  const disputedAccounts = new Set<string>()
  for (const [identity, matches] of claims.strong) {
    const [match] = matches as [Match, ...Match[]]
    const text = dispute(index, claims, identity, matches)
    if (text === null) {
      matched.set(identity, match)
      continue
    }
    const free = matches.filter(({ account }) => !index.owners.has(account.nativeId))
    const isTheirs = free.length === 0
    disputed.set(identity, { matches: isTheirs ? matches : free, text, isTheirs })
    for (const { account } of free) disputedAccounts.add(account.nativeId)
  }
  const proposed = new Map<IdentityId, readonly Match[]>()
  for (const [identity, matches] of claims.weak) {
    const free = matches.filter(
      ({ account: { nativeId } }) => !index.owners.has(nativeId) && !claims.people.has(nativeId),
    )
    if (free.length > 0) proposed.set(identity, free)
  }
  return { matched, disputed, disputedAccounts, proposed, creating: claims.creating }
}

/** Why this person's matches cannot be believed, or null. */
function dispute(index: IndexedView, claims: Claims, identity: IdentityId, matches: readonly Match[]): string | null {
  if (matches.length > 1) {
    const accounts = matches.map(({ account, by }) => {
      const owner = index.owners.get(account.nativeId)
      return `${account.name} (${owner === undefined ? by : `${by}, linked to ${owner}`})`
    })
    return `${identity} matches ${matches.length} accounts: ${accounts.join(', ')}`
  }
  const [{ account, by }] = matches as [Match]
  const owner = index.owners.get(account.nativeId)
  if (owner !== undefined) return `${account.name} matches ${identity} by ${by}, but it is linked to ${owner}`
  const people = claims.people.get(account.nativeId) as IdentityId[]
  return people.length > 1
    ? `${account.name} matches ${people.length} people by ${by}: ${people.toSorted().join(', ')}`
    : null
}

/** What is in dispute, and what settles it: a link of somebody else is not taken away by saying whose the account is. */
export function settling(
  { text, isTheirs }: Dispute,
  { identity, platform }: Pick<DesiredAccount, 'identity' | 'platform'>,
): string {
  return isTheirs
    ? `${text}. What is linked stays theirs: correct the key of ${identity} in the feed, or "match" of ${platform} in the configuration.`
    : `${text}. Say whose it is with "keyturn adopt ${platform}", or correct the key.`
}
