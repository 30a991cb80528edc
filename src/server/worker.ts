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
  const people = new Map(
    desired.map((account) => [
      account.identity,
      personView(account, links.get(account.identity) ?? null, names.get(account.identity), observed.items, {
        identity: identities.get(account.identity),
        canonical: (attribute, value) => connector.canonical(attribute, value),
      }),
    ]),
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

type Canonical = (attribute: string, value: string) => string

function refOf(account: DesiredAccount, link: Link | undefined, name: string | undefined): AccountRef {
  if (link !== undefined) return { nativeId: link.nativeId }
  return { name: name ?? '', matches: account.matches }
}

function personView(
  account: DesiredAccount,
  link: Link | null,
  name: string | undefined,
  observed: readonly ObservedAccount[],
  tools: { readonly identity: Identity | undefined; readonly canonical: Canonical },
): PersonView {
  const matches = account.matches.filter((match) => match.then === 'link')
  const mine = observed.filter((one) =>
    link === null
      ? one.name.toLowerCase() === name?.toLowerCase() || matches.some((match) => agrees(one, match, tools.canonical))
      : one.nativeId === link.nativeId,
  )
  return { link, accounts: mine, matches, names: Object.values(tools.identity?.attributes ?? {}) }
}

function agrees(
  account: ObservedAccount,
  match: { readonly attribute: string; readonly value: string },
  canonical: Canonical,
): boolean {
  const wanted = canonical(match.attribute, match.value)
  return (account.attributes[match.attribute] ?? []).some((value) => canonical(match.attribute, value) === wanted)
}

function nothing(now: Instant): CompleteSnapshot<ObservedAccount> {
  return { complete: true, takenAt: now, items: [] }
}

function groupChanges(changes: readonly Change[]): ReadonlyMap<IdentityId, readonly Change[]> {
  return Map.groupBy(changes, (change) => change.identity)
}
