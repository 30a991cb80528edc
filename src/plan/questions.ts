import type { AccountRef, DesiredAccount, ObservedAccount } from '../model/account.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Link } from '../model/ledger.ts'
import type { PlatformSettings } from '../model/settings.ts'
import { isReference } from './attributes.ts'
import { refusalOf } from './values.ts'
import { valuesOf } from './view.ts'

/**
 * What must be read of a platform to plan one person there (see `PartialView`). Of a linked person that is the account;
 * of another whatever their keys find, and who has a name that they might get: the first `mostNames` candidates, and
 * those that they have claimed. The accounts of those to whom they refer are asked for besides, by native id.
 */
export function questionsOf(
  desired: DesiredAccount,
  link: Pick<Link, 'nativeId'> | null,
  mostNames: number,
  claimed: readonly string[],
): readonly AccountRef[] {
  if (link !== null) return [{ nativeId: link.nativeId }]
  const matches = desired.matches
    .filter(({ value, then }) => value !== '' && (then === 'link' || desired.state !== 'shut'))
    .map(({ attribute, value }) => ({ attribute, value }))
  const names = desired.create ? [...new Set([...claimed, ...namesToCheck(desired, mostNames)])] : []
  return [...(matches.length === 0 ? [] : [{ name: '', matches }]), ...names.map((name) => ({ name, matches: [] }))]
}

/**
 * The first candidates for the name of a new account, lower-case: the ledger must be asked whose they are. None where the
 * rules give no answer for this person, which the plan then says.
 */
export function namesToCheck(desired: DesiredAccount, mostNames: number): readonly string[] {
  const names: string[] = []
  refusalOf(() => {
    for (const candidate of desired.names()) {
      if (names.length === mostNames) return
      names.push(candidate.toLowerCase())
    }
  })
  return names
}

/**
 * Everybody whose strong keys may find this account, as far as that can be told without asking the whole company: where
 * only keys are strong, those whose key it carries, in whichever source. Where all of them that the ledger knows are among
 * the people who are planned, the account is `unrivalled`. Null: an attribute that anybody may share is a strong key here,
 * and only a plan over everybody can tell.
 */
export function possibleRivals(
  { accounts }: Pick<PlatformSettings, 'accounts'>,
  sources: readonly string[],
  account: ObservedAccount,
): readonly IdentityId[] | null {
  const strong = accounts.match.filter(({ then }) => then === 'link')
  if (strong.some(({ person }) => person !== 'key')) return null
  const keys = new Set(strong.flatMap((rule) => valuesOf(account, rule.account)))
  return sources.flatMap((source) => [...keys].map((key) => `${source}:${key}`))
}

/**
 * To whom these people refer who are neither among them nor linked: planned together with them, everybody whose reference
 * waits for such an account is decided.
 */
export function unseenReferences(
  people: readonly DesiredAccount[],
  links: readonly Pick<Link, 'identity'>[],
): ReadonlySet<IdentityId> {
  const seen = new Set([...people, ...links].map(({ identity }) => identity))
  const unseen = new Set<IdentityId>()
  for (const desired of people) {
    if (desired.state === 'shut') continue
    for (const identity of referencesOf(desired)) if (!seen.has(identity)) unseen.add(identity)
  }
  return unseen
}

/** No reference depends on the account's name, so any will do; where the rules give no answer, nothing refers to anybody. */
function referencesOf(desired: DesiredAccount): readonly IdentityId[] {
  const found: IdentityId[] = []
  refusalOf(() => {
    for (const { value } of desired.attributes(desired.key)) if (isReference(value)) found.push(value.accountOf)
  })
  return found
}
