// After the ledger was restored from a backup it may say wrongly who holds an account shut. What to believe instead, and that
// nothing is opened before everybody was looked at once: docs/decisions/033.
import type { DesiredAccount, ObservedAccount } from '../model/account.ts'
import { opens } from '../model/change.ts'
import type { LinkCorrection } from '../model/change.ts'
import type { Link, NameClaim } from '../model/ledger.ts'
import type { Context } from './context.ts'
import { hasStrongKey, matchAccounts } from './matching.ts'
import type { Draft, Verdict } from './sheet.ts'
import { IndexedView } from './view.ts'
import type { PlatformView } from './view.ts'

/** What opens, or cannot be undone, waits for the reconciliation; revocations never do. */
export function restoredVerdict(view: PlatformView, { change }: Pick<Draft, 'change'>): Verdict | null {
  if (view.restored === undefined) return null
  const revives = change.kind === 'expire' && change.from !== null && change.from <= view.observed.takenAt
  if (!opens(change) && change.kind !== 'delete' && !revives) return null
  const why = 'The ledger was restored from a backup, or made anew'
  const way = 'A running daemon does that by itself; else "keyturn apply" does, and the next one opens.'
  const text = `${why}: on ${view.settings.id} nothing is made, opened, granted or deleted until everybody and every platform was looked at. ${way}`
  return { why: 'restored', text }
}

/** The native ids of accounts about which the platform must be asked before a restored ledger is believed. */
export function accountsInQuestion(view: PlatformView, people: readonly DesiredAccount[]): readonly string[] {
  const index = new IndexedView(view)
  const { matched } = matchAccounts(index, people)
  return people.flatMap((desired) => {
    const link = index.links.get(desired.identity) ?? null
    const account = index.linkedAccount(desired.identity) ?? matched.get(desired.identity)?.account
    if (account === undefined) return []
    return isAboutOpening(desired, link) || isAboutShutting(desired, link, account) ? [account.nativeId] : []
  })
}

/** The ledger says that we hold it shut, and the person shall be let in. */
function isAboutOpening({ state }: DesiredAccount, link: Link | null): boolean {
  return state === 'open' && link !== null && link.shutByUs !== null && link.foundShut !== true
}

/** It is shut as it should be, and the ledger does not say by whom. */
function isAboutShutting({ state }: DesiredAccount, link: Link | null, account: ObservedAccount): boolean {
  return state !== 'open' && (link?.shutByUs ?? null) === null && !isLetIn(account)
}

/** The platform's own lock after too many tries shuts an account that was open. */
function isLetIn({ enabled, lockedOut }: ObservedAccount): boolean {
  return enabled || lockedOut === true
}

type Belief = Pick<LinkCorrection, 'shutByUs' | 'foundShut' | 'passwordScrambled' | 'text'>

/** What is to be remembered of this account instead; null: what the ledger remembers. */
export function correctionOf(
  { view }: Context,
  desired: DesiredAccount,
  link: Link | null,
  account: ObservedAccount,
): LinkCorrection | null {
  const evidence = view.restored?.evidence ?? null
  if (evidence === null) return null
  const belief = beliefOf(desired, link, account, {
    untouched: evidence.untouched.has(account.nativeId),
    ours: evidence.ours.has(account.nativeId),
  })
  if (belief === null) return null
  const { identity, platform } = desired
  const { nativeId, name } = account
  return { identity, platform, nativeId, account: name, from: link?.shutByUs ?? null, ...belief }
}

function beliefOf(
  desired: DesiredAccount,
  link: Link | null,
  account: ObservedAccount,
  { untouched, ours }: { readonly untouched: boolean; readonly ours: boolean },
): Belief | null {
  const scrambled = link?.passwordScrambled === true
  if (link !== null && isAboutOpening(desired, link) && !untouched) {
    if (isLetIn(account)) {
      const text = 'the restored ledger held it shut; it was opened since, with a password of its own'
      return { shutByUs: null, foundShut: false, passwordScrambled: false, text }
    }
    const text =
      'the restored ledger held it shut, but it was changed since, and nobody can tell who shut it: it stays shut'
    return { shutByUs: link.shutByUs, foundShut: true, passwordScrambled: scrambled, text }
  }
  if (!ours || !isAboutShutting(desired, link, account)) return null
  const shutByUs = link === null && desired.lifecycle === 'pre-hire' ? 'pre-hire' : 'suspend'
  const text = 'it is shut as it should be, and Keyturn changed it last, after the backup was made: so Keyturn shut it'
  return { shutByUs, foundShut: false, passwordScrambled: scrambled, text }
}

/** The link as it is to be believed; a new one where the account has just been matched. */
export function corrected(
  correction: LinkCorrection,
  link: Link | null,
  { platform, nativeId, name, address }: ObservedAccount,
  linkedAt: number,
): Link {
  const { identity, shutByUs, foundShut, passwordScrambled } = correction
  const before = link ?? { identity, platform, nativeId, name, address, how: 'matched', linkedAt }
  return { ...before, shutByUs, passwordScrambled, foundShut }
}

/**
 * The name of an account without an owner that may be this person's: made after the backup, and found by no key. It is
 * claimed for the person, so that nobody gets a second account on a guess, and a person says whose it is.
 */
export function claimFor({ view, names }: Context, desired: DesiredAccount): NameClaim | null {
  if (view.restored === undefined || view.partial !== undefined || !desired.create || hasStrongKey(desired)) return null
  const name = names.possiblyOwn(desired)
  return name === null ? null : { platform: desired.platform, identity: desired.identity, name }
}
