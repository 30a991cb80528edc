import type { DesiredAccount, ObservedAccount } from '../model/account.ts'
import type { Situation } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import { besidesText, foundBesides, matchAccounts, settling } from './matching.ts'
import { IndexedView } from './view.ts'
import type { PlatformView } from './view.ts'

/** One existing account, and whose it is or would be. */
export interface SurveyedAccount {
  readonly account: ObservedAccount
  readonly situation: Extract<Situation, 'linked' | 'unlinked' | 'unmatched' | 'disputed'>
  /** Linked: the owner. Unlinked: whom the strong key names. Else everybody who is in dispute or proposed. */
  readonly people: readonly IdentityId[]
  /**
   * The key that found them, such as `mail "jane@corp.example"`; null for unmatched accounts. Of a linked one: who has no
   * account because their key finds this one, and what they need; null where nobody's does.
   */
  readonly by: string | null
}

/** Every account of a platform with its situation, in the order of their names: what `adopt` shows. Changes nothing. */
export function surveyAccounts(view: PlatformView, people: readonly DesiredAccount[]): readonly SurveyedAccount[] {
  const index = new IndexedView(view)
  const { matched, disputed, proposed } = matchAccounts(index, people)
  const strong = byAccount([...matched].map(([identity, { account, by }]) => [account.nativeId, identity, by]))
  const contested = byAccount([
    ...[...disputed].flatMap(([identity, { matches, text }]) =>
      matches.map(({ account }) => [account.nativeId, identity, text] as const),
    ),
    ...people.flatMap((desired) => secondOnes(index, desired)),
  ])
  const wanted = Map.groupBy(
    [...disputed].flatMap(([identity, dispute]) =>
      dispute.matches.map(({ account }) => ({
        nativeId: account.nativeId,
        text: settling(dispute, { identity, platform: view.settings.id }),
      })),
    ),
    ({ nativeId }) => nativeId,
  )
  const weak = byAccount(
    [...proposed].flatMap(([identity, matches]) =>
      matches.map(({ account, by }) => [account.nativeId, identity, by] as const),
    ),
  )
  return view.observed.items
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((account): SurveyedAccount => {
      const owner = index.owners.get(account.nativeId)
      if (owner !== undefined) {
        const others = wanted.get(account.nativeId)?.map(({ text }) => text)
        return { account, situation: 'linked', people: [owner], by: others?.join(' ') ?? null }
      }
      const found = strong.get(account.nativeId)
      if (found !== undefined) return { account, situation: 'unlinked', ...found }
      const claimants = contested.get(account.nativeId)
      if (claimants !== undefined) return { account, situation: 'disputed', ...claimants }
      return { account, situation: 'unmatched', ...(weak.get(account.nativeId) ?? { people: [], by: null }) }
    })
}

/** What a strong key finds beside the account that is linked. */
function secondOnes(index: IndexedView, desired: DesiredAccount) {
  const linked = index.linkedAccount(desired.identity)
  if (linked === undefined) return []
  return foundBesides(index, desired).map(
    (match) => [match.account.nativeId, desired.identity, `${besidesText(desired, linked, match)}.`] as const,
  )
}

function byAccount(
  found: readonly (readonly [nativeId: string, identity: IdentityId, by: string])[],
): ReadonlyMap<string, { readonly people: readonly IdentityId[]; readonly by: string }> {
  const accounts = new Map<string, { people: IdentityId[]; by: string }>()
  for (const [nativeId, identity, by] of found) {
    const there = accounts.get(nativeId)
    if (there === undefined) accounts.set(nativeId, { people: [identity], by })
    else there.people.push(identity)
  }
  return accounts
}
