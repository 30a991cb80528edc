import type { DesiredAccount } from '../model/account.ts'
import type { IdentityId } from '../model/identity.ts'
import type { PlatformView } from './view.ts'

/** What of the ledger's memory a plan will look at: with nothing to do that is none of it, of a large company much. */
export interface MemoryNeeded {
  /** People of whom it matters which memberships are ours: those who have more than they should, or no account linked. */
  readonly grantsOf: readonly IdentityId[]
  /** Are there people without an account, whose names must not be anybody's? */
  readonly names: boolean
}

export function memoryNeeded(
  view: Pick<PlatformView, 'observed' | 'links'>,
  people: Iterable<DesiredAccount>,
): MemoryNeeded {
  const held = new Map(view.observed.items.map(({ nativeId, entitlements }) => [nativeId, entitlements]))
  const linked = new Map(view.links.map(({ identity, nativeId }) => [identity, held.get(nativeId)]))
  const grantsOf: IdentityId[] = []
  let names = false
  for (const { identity, entitlements } of people) {
    const has = linked.get(identity)
    if (has === undefined) names = true
    const isSurplus = (name: string) => entitlements.every((wanted) => wanted.name !== name)
    if (has === undefined || has.some(isSurplus)) grantsOf.push(identity)
  }
  return { grantsOf, names }
}
