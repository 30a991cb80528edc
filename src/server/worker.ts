import type { SettlePorts, PersonView, WorkerView } from '../apply/ports.ts'
import type { AccountRef, CatalogueEntry, DesiredAccount, ObservedAccount } from '../model/account.ts'
import type { Change } from '../model/change.ts'
import type { Connector } from '../model/connector.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import { MINUTE } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { ClaimedObligation, Link } from '../model/ledger.ts'
import type { CompleteSnapshot } from '../model/snapshot.ts'
import { neededChanges } from '../plan/index.ts'
import type { PlatformView } from '../plan/index.ts'
import type { Keyturn } from './context.ts'
import { groupHeld } from './planning.ts'
import { platformView, whole } from './survey.ts'

/** What a worker sees of its people: the plan's view of the platform, reduced to them. */
export interface WorkView extends WorkerView {
  readonly platform: PlatformView
  readonly desired: readonly DesiredAccount[]
}

/** How long the list of entitlements and our own address may be remembered between chunks. */
const memory = MINUTE

/** The two ports of `settle` that need policy and plan: look at a few people again, and what they need now. */
export function workerPorts(
  keyturn: Keyturn,
  connector: Connector,
  signal: AbortSignal,
): Pick<SettlePorts<WorkView>, 'observe' | 'needed'> {
  const surroundings = remembered(() => readSurroundings(connector, signal), keyturn.clock)
  return {
    observe: async (claimed) => observe(keyturn, connector, await surroundings(), claimed, signal),
    needed: (view) => groupChanges(neededChanges(view.platform, view.desired)),
  }
}

interface Surroundings {
  readonly catalogue: CompleteSnapshot<CatalogueEntry>
  readonly ownAddress: string | null
}

async function readSurroundings(connector: Connector, signal: AbortSignal): Promise<Surroundings> {
  const [catalogue, ownAddress] = await Promise.all([connector.catalogue(signal), connector.signsInAs(signal)])
  return { catalogue: whole(catalogue), ownAddress }
}

/** Asks once for many that come together, and again when the answer has grown old. A failure is not remembered. */
function remembered<T>(ask: () => Promise<T>, clock: () => Instant): () => Promise<T> {
  let answer: { readonly at: Instant; readonly value: Promise<T> } | undefined
  return () => {
    if (answer === undefined || clock() - answer.at > memory) {
      const value = ask()
      answer = { at: clock(), value }
      value.catch(() => {
        answer = undefined
      })
    }
    return answer.value
  }
}

async function observe(
  keyturn: Keyturn,
  connector: Connector,
  surroundings: Surroundings,
  claimed: readonly ClaimedObligation[],
  signal: AbortSignal,
): Promise<WorkView> {
  const ids = claimed.map((obligation) => obligation.identity)
  const { identities, desired } = await desiredNow(keyturn, connector.id, ids)
  const before = await platformView(keyturn, connector, { observed: nothing(keyturn.clock()), ...surroundings }, ids)
  const links = new Map(before.links.map((link) => [link.identity, link]))
  const names = namesOf(claimed, before)
  const refs = desired.map((account) => refOf(account, links.get(account.identity), names.get(account.identity)))
  const observed = whole(await connector.read(refs, signal))
  const find = finder(observed.items, desired, (attribute, value) => connector.canonical(attribute, value))
  const grants = Map.groupBy(before.grants, (grant) => grant.identity)
  const people = new Map(
    desired.map((account): [IdentityId, PersonView] => {
      const link = links.get(account.identity) ?? null
      return [
        account.identity,
        {
          link,
          accounts: link === null ? find.others(account, names.get(account.identity)) : find.byId(link.nativeId),
          matches: account.matches.filter((match) => match.then === 'link'),
          names: Object.values(identities.get(account.identity)?.attributes ?? {}),
          grants: (grants.get(account.identity) ?? []).map((grant) => grant.entitlement),
        },
      ]
    }),
  )
  return { people, desired, platform: { ...before, observed } }
}

async function desiredNow(
  keyturn: Keyturn,
  platform: string,
  ids: readonly IdentityId[],
): Promise<{ identities: ReadonlyMap<IdentityId, Identity>; desired: readonly DesiredAccount[] }> {
  const now = keyturn.clock()
  const [identities, heldRoles] = await Promise.all([keyturn.ledger.identitiesById(ids), keyturn.ledger.heldRoles(ids)])
  const held = groupHeld(heldRoles)
  return {
    identities: new Map(identities.map((identity) => [identity.id, identity])),
    desired: identities.map((identity) => keyturn.policy.desire(identity, platform, held.get(identity.id) ?? [], now)),
  }
}

/** The name under which a person's account was admitted, or that the ledger has claimed for it. */
function namesOf(claimed: readonly ClaimedObligation[], view: PlatformView): ReadonlyMap<IdentityId, string> {
  const names = new Map(view.names.map((claim) => [claim.identity, claim.name]))
  for (const obligation of claimed) {
    for (const { change } of obligation.changes) {
      if (change.kind === 'create') names.set(obligation.identity, change.desired.name)
    }
  }
  return names
}

function refOf(account: DesiredAccount, link: Link | undefined, name: string | undefined): AccountRef {
  if (link !== undefined) return { nativeId: link.nativeId }
  return { name: name ?? '', matches: account.matches }
}

/** Finds the accounts of a person among those just read, each by one look-up. */
function finder(
  observed: readonly ObservedAccount[],
  desired: readonly DesiredAccount[],
  canonical: (attribute: string, value: string) => string,
) {
  const strong = new Set(desired.flatMap(({ matches }) => matches.filter(isStrong).map(({ attribute }) => attribute)))
  const keyOf = (attribute: string, value: string) => `${attribute}\n${canonical(attribute, value)}`
  const byId = Map.groupBy(observed, (account) => account.nativeId)
  const byName = Map.groupBy(observed, (account) => account.name.toLowerCase())
  const byValue = new Map<string, ObservedAccount[]>()
  for (const account of observed) {
    for (const attribute of strong) {
      for (const value of account.attributes[attribute] ?? []) {
        const key = keyOf(attribute, value)
        byValue.set(key, [...(byValue.get(key) ?? []), account])
      }
    }
  }
  return {
    byId: (nativeId: string) => byId.get(nativeId) ?? [],
    /** By the name that was claimed, or by a value that is certainly this person's. */
    others: ({ matches }: DesiredAccount, name: string | undefined) => [
      ...new Set([
        ...(name === undefined ? [] : (byName.get(name.toLowerCase()) ?? [])),
        ...matches.filter(isStrong).flatMap(({ attribute, value }) => byValue.get(keyOf(attribute, value)) ?? []),
      ]),
    ],
  }
}

function isStrong(match: DesiredAccount['matches'][number]): boolean {
  return match.then === 'link'
}

function nothing(now: Instant): CompleteSnapshot<ObservedAccount> {
  return { complete: true, takenAt: now, items: [] }
}

function groupChanges(changes: readonly Change[]): ReadonlyMap<IdentityId, readonly Change[]> {
  return Map.groupBy(changes, (change) => change.identity)
}
