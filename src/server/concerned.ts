// A plan for a few people: only their accounts are read, and what the ledger remembers of them.
import type { AccountRef, DesiredAccount, ObservedAccount } from '../model/account.ts'
import type { Plan } from '../model/change.ts'
import type { Connector } from '../model/connector.ts'
import { KeyturnError, summarise } from '../model/errors.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { Link, NameClaim } from '../model/ledger.ts'
import { namesToCheck, possibleRivals, questionsOf, unseenReferences } from '../plan/index.ts'
import type { PlatformView } from '../plan/index.ts'
import { inTimeOrThrow } from '../queue/patience.ts'
import type { Planned } from './admitting.ts'
import type { Keyturn } from './context.ts'
import { overlaid } from './people.ts'
import { desires, planOf } from './planning.ts'
import { restoredPart } from './restored.ts'
import { surroundingsOf } from './surroundings.ts'
import type { Surroundings } from './surroundings.ts'
import { removedLatelyOn, settingsOf, whole } from './survey.ts'

export interface ConcernedOptions {
  readonly signal: AbortSignal
  /** Platforms that take longer to answer are not waited for, ms; absent: as long as they need. */
  readonly patience?: number
  /** Platforms that are known not to answer: nothing is asked of them. */
  readonly down?: ReadonlySet<string>
  /** Whose removal counts although the ledger does not know of it yet. */
  readonly removed?: (platform: string) => ReadonlySet<IdentityId>
  /** Remembered between plans; absent: asked anew. */
  readonly surroundings?: ReadonlyMap<string, () => Promise<Surroundings>>
}

export interface Concerned {
  readonly planned: Planned
  /** Platforms that were not looked at. There only linked accounts that must be shut are in the plan, as disables. */
  readonly blind: readonly string[]
}

/** How many candidate names are looked up for somebody who needs an account. */
const mostNames = 8

/**
 * Plans these people on every platform at once, together with those to whom they refer and who have no account yet. They
 * may be few hundred.
 */
export async function planConcerned(
  keyturn: Keyturn,
  identities: readonly Identity[],
  options: ConcernedOptions,
): Promise<Concerned> {
  const people = await withReferred(keyturn, identities)
  const ids = people.map(({ id }) => id)
  const { desired, heldRoles } = await desires(keyturn, people, ids)
  const blind: string[] = []
  const platforms = await Promise.all(
    [...keyturn.connectors.values()].map(async (connector) => {
      const remembered = await knownOf(keyturn, connector, people, [...desired(connector.id)])
      const known = counting(remembered, options.removed?.(connector.id))
      const seen = await look(keyturn, connector, known, options)
      if (seen !== null) return withOwners(keyturn, { ...known.view, ...seen }, people)
      blind.push(connector.id)
      return { ...known.view, ...asRemembered(known, keyturn.clock()) }
    }),
  )
  const plan = planOf(keyturn, { desired, platforms, confirmed: false })
  return { planned: { plan: onlyDisables(plan, new Set(blind)), identities: people, heldRoles }, blind }
}

/** Chains of managers without an account are short; who is further up is left undecided. */
const mostRounds = 4

async function withReferred(keyturn: Keyturn, identities: readonly Identity[]): Promise<readonly Identity[]> {
  let people = identities
  for (let round = 0; round < mostRounds; round++) {
    const ids = people.map(({ id }) => id)
    const { desired } = await desires(keyturn, people, ids)
    const unseen = new Set<IdentityId>()
    for (const platform of keyturn.connectors.keys()) {
      const links = await keyturn.ledger.links(platform, [...ids, ...referredBy(people)])
      for (const id of unseenReferences([...desired(platform)], links)) unseen.add(id)
    }
    for (const id of ids) unseen.delete(id)
    if (unseen.size === 0) break
    const more = await overlaid(keyturn, await keyturn.ledger.identitiesById([...unseen]))
    if (more.length === 0) break
    people = [...people, ...more]
  }
  return people.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

function referredBy(people: readonly Identity[]): readonly IdentityId[] {
  return people.flatMap(({ references }) => Object.values(references).filter((id) => id !== null))
}

interface Known {
  readonly view: Omit<PlatformView, 'observed' | 'catalogue' | 'ownAddress'>
  readonly refs: readonly AccountRef[]
}

/** What configuration and ledger know of these people here, and what must be asked of the platform. */
async function knownOf(
  keyturn: Keyturn,
  connector: Connector,
  people: readonly Identity[],
  desired: readonly DesiredAccount[],
): Promise<Known> {
  const { ledger } = keyturn
  const { id } = connector
  const everyone = [...new Set([...people.map((one) => one.id), ...referredBy(people)])]
  const [links, grants, claimed, decisions, population, removedLately, restored] = await Promise.all([
    ledger.links(id, everyone),
    ledger.grants(id, everyone),
    ledger.names(id, everyone),
    ledger.decisions(id, everyone),
    ledger.population(id),
    removedLatelyOn(keyturn, id),
    ledger.restored(),
  ])
  const linked = new Map(links.map((link) => [link.identity, link]))
  const own = Map.groupBy(claimed, ({ identity }) => identity)
  const names = await takenNames(keyturn, id, desired, linked, claimed)
  const refs = desired.flatMap((one) => {
    const claims = (own.get(one.identity) ?? []).map(({ name }) => name)
    return questionsOf(one, linked.get(one.identity) ?? null, mostNames, claims)
  })
  const others = links.map(({ nativeId }) => ({ nativeId }))
  const view = {
    settings: settingsOf(keyturn, connector),
    connector,
    links,
    grants,
    names,
    decisions,
    ...restoredPart(restored),
  }
  return { view: { ...view, removedLately, partial: { population, mostNames } }, refs: [...refs, ...others] }
}

function counting(known: Known, removed: ReadonlySet<IdentityId> = new Set()): Known {
  const { removedLately = new Set() } = known.view
  return { ...known, view: { ...known.view, removedLately: removedLately.union(removed) } }
}

/** Whose the candidate names are already, besides what these people claimed themselves. */
async function takenNames(
  { ledger }: Keyturn,
  platform: string,
  desired: readonly DesiredAccount[],
  linked: ReadonlyMap<IdentityId, Link>,
  claimed: readonly NameClaim[],
): Promise<readonly NameClaim[]> {
  const candidates = desired
    .filter(({ identity, create }) => create && !linked.has(identity))
    .flatMap((one) => namesToCheck(one, mostNames))
  if (candidates.length === 0) return claimed
  const taken = await ledger.namesTaken(platform, candidates)
  return [...claimed, ...taken.map((one) => ({ platform, ...one }))]
}

/** Accounts that were found by a name or a key may be somebody else's, or may be meant by somebody else's key as well. */
async function withOwners(keyturn: Keyturn, view: PlatformView, people: readonly Identity[]): Promise<PlatformView> {
  const linked = new Set(view.links.map(({ nativeId }) => nativeId))
  const found = view.observed.items.filter(({ nativeId }) => !linked.has(nativeId))
  if (found.length === 0 || view.partial === undefined) return view
  const { id } = view.settings
  const [owners, unrivalled] = await Promise.all([
    keyturn.ledger.owners(
      id,
      found.map(({ nativeId }) => nativeId),
    ),
    unrivalledOf(keyturn, view, found, people),
  ])
  return { ...view, links: [...view.links, ...owners], partial: { ...view.partial, unrivalled } }
}

/** Accounts that no strong key of anybody outside finds. */
async function unrivalledOf(
  { ledger, settings }: Keyturn,
  view: PlatformView,
  found: readonly ObservedAccount[],
  people: readonly Identity[],
): Promise<ReadonlySet<string>> {
  const sources = Object.keys(settings.sources)
  const rivals = found.map((account) => ({ account, ids: possibleRivals(view.settings, sources, account) }))
  const known = await ledger.identitiesById([...new Set(rivals.flatMap(({ ids }) => ids ?? []))])
  const mine = new Set(people.map(({ id }) => id))
  const strangers = new Set(known.map(({ id }) => id).filter((id) => !mine.has(id)))
  const isSure = (ids: readonly IdentityId[] | null) => ids !== null && !ids.some((id) => strangers.has(id))
  return new Set(rivals.filter(({ ids }) => isSure(ids)).map(({ account }) => account.nativeId))
}

/** Null where the platform does not answer, or not in time. */
async function look(
  keyturn: Keyturn,
  connector: Connector,
  { refs }: Known,
  { signal, patience, down, surroundings }: ConcernedOptions,
): Promise<Pick<PlatformView, 'observed' | 'catalogue' | 'ownAddress'> | null> {
  if (down?.has(connector.id) === true) return null
  const ask = surroundings?.get(connector.id) ?? surroundingsOf(connector, keyturn.clock, signal)
  const asking = Promise.all([connector.read(refs, signal), ask()]).then(([read, around]) => ({
    ...around,
    observed: whole(read),
  }))
  try {
    if (patience === undefined) return await asking
    return await inTimeOrThrow(
      asking,
      patience,
      () => new KeyturnError('platform-unreachable', `no answer within ${patience} ms`),
    )
  } catch (error) {
    if (signal.aborted) throw error
    keyturn.logger.warn('a platform could not be looked at; of it is planned only what shuts known accounts', {
      platform: connector.id,
      ...summarise(error),
    })
    return null
  }
}

/**
 * The platform as the ledger remembers it, every linked account open that we do not hold shut: enough to owe the disabling of those who must be
 * shut, which sets and takes nothing by absence; the worker looks before it acts. Everything else such a view says is
 * thrown away by `onlyDisables`.
 */
function asRemembered({ view }: Known, takenAt: number): Pick<PlatformView, 'observed' | 'catalogue' | 'ownAddress'> {
  const items = view.links.map(
    ({ platform, nativeId, address, name, shutByUs }): ObservedAccount => ({
      platform,
      nativeId,
      address,
      name,
      container: '',
      enabled: shutByUs === null,
      attributes: {},
      entitlements: [],
      expiresAt: null,
    }),
  )
  return {
    observed: { complete: true, takenAt, items },
    catalogue: { complete: true, takenAt, items: [] },
    ownAddress: null,
  }
}

function onlyDisables(plan: Plan, blind: ReadonlySet<string>): Plan {
  if (blind.size === 0) return plan
  const stays = ({ platform, kind }: { readonly platform: string; readonly kind: string }) =>
    !blind.has(platform) || kind === 'disable'
  const seen = <T>(by: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(by).filter(([platform]) => !blind.has(platform)))
  return {
    ...plan,
    changes: plan.changes.filter(stays),
    withheld: plan.withheld.filter(({ change }) => stays(change)),
    notes: plan.notes.filter(({ platform }) => !blind.has(platform)),
    // Of a platform that was not seen nothing is concluded about holds and approvals.
    situations: seen(plan.situations),
  }
}
