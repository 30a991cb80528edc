// What a server does to plan a few people: it asks the platform and the ledger about them only.
import type { AccountRef, DesiredAccount, ObservedAccount } from '../../../src/model/account.ts'
import type { Plan } from '../../../src/model/change.ts'
import type { IdentityId } from '../../../src/model/identity.ts'
import { makePlan, namesToCheck, questionsOf } from '../../../src/plan/index.ts'
import type { PartialView, PlatformView } from '../../../src/plan/index.ts'
import { now } from './world.ts'
import type { World } from './world.ts'

const population = 1_000

/** The view of these people: everything that a partial view promises, and nothing more. */
export function partialView(
  world: World,
  people: readonly DesiredAccount[],
  more: Partial<PartialView> = {},
): PlatformView {
  const partial: PartialView = { population, mostNames: 8, ...more }
  const asked = new Set(people.map(({ identity }) => identity))
  const concerned = new Set([...asked, ...people.flatMap(referred)])
  const links = world.links.filter(({ identity }) => concerned.has(identity))
  const claims = world.names.filter(({ identity }) => asked.has(identity))
  const refs = people.flatMap((desired): readonly AccountRef[] => {
    const link = links.find(({ identity }) => identity === desired.identity) ?? null
    const own = claims.filter(({ identity }) => identity === desired.identity).map(({ name }) => name)
    return questionsOf(desired, link, partial.mostNames, own)
  })
  const items = read(world, [...refs, ...links.map(({ nativeId }) => ({ nativeId }))])
  const candidates = new Set(people.flatMap((desired) => namesToCheck(desired, partial.mostNames)))
  const taken = [...world.names, ...world.links].filter(({ name }) => candidates.has(name.toLowerCase()))
  const seen = new Set(items.map(({ nativeId }) => nativeId))
  return world.view({
    observed: { complete: true, takenAt: now, items },
    links: world.links.filter((link) => links.includes(link) || seen.has(link.nativeId)),
    grants: world.grants.filter(({ identity }) => asked.has(identity)),
    names: [...claims, ...taken.map(({ platform, name, identity }) => ({ platform, name, identity }))],
    partial,
  })
}

function referred(desired: DesiredAccount): readonly IdentityId[] {
  return desired.attributes('any').flatMap(({ value }) => ('accountOf' in value ? [value.accountOf] : []))
}

function read({ accounts }: World, refs: readonly AccountRef[]): readonly ObservedAccount[] {
  return accounts.filter((account) => refs.some((ref) => isMeant(account, ref)))
}

function isMeant({ nativeId, name, attributes }: ObservedAccount, ref: AccountRef): boolean {
  if ('nativeId' in ref) return ref.nativeId === nativeId
  const finds = ({ attribute, value }: { attribute: string; value: string }) =>
    (attributes[attribute] ?? []).some((one) => one.toLowerCase() === value.toLowerCase())
  return ref.name.toLowerCase() === name.toLowerCase() || ref.matches.some(finds)
}

export function planPart(world: World, people: readonly DesiredAccount[], more: Partial<PartialView> = {}): Plan {
  return makePlan({
    now,
    policyVersion: 'v1',
    safety: world.safety,
    desired: () => people,
    platforms: [partialView(world, people, more)],
    digest: (text) => text,
    confirmed: false,
  })
}
