import { passwordRules } from '../apply/password.ts'
import type { PasswordRules } from '../apply/password.ts'
import type { SettlePorts, PersonView, WorkerView } from '../apply/ports.ts'
import type { AccountRef, DesiredAccount, ObservedAccount } from '../model/account.ts'
import type { Change } from '../model/change.ts'
import type { Connector } from '../model/connector.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { ClaimedObligation, Link, NameClaim } from '../model/ledger.ts'
import type { PasswordSettings } from '../model/settings.ts'
import { neededChanges } from '../plan/index.ts'
import type { PlatformView } from '../plan/index.ts'
import type { Keyturn } from './context.ts'
import { groupHeld } from './planning.ts'
import { remembered } from './remembered.ts'
import { overlaid } from './people.ts'
import { memory, surroundingsOf } from './surroundings.ts'
import type { Surroundings } from './surroundings.ts'
import { knownOf, settingsOf, whole } from './survey.ts'

/** A platform that takes longer to answer has stood still: what the ledger said before may be over, ms. */
const fresh = 500

/** What a worker sees of its people: the plan's view of the platform, reduced to them. */
export interface WorkView extends WorkerView {
  readonly platform: PlatformView
  readonly desired: readonly DesiredAccount[]
}

/** The two ports of `settle` that need policy and plan: look at a few people again, and what they need now. */
export function workerPorts(
  keyturn: Keyturn,
  connector: Connector,
  signal: AbortSignal,
): Pick<SettlePorts<WorkView>, 'observe' | 'needed'> & { warm(): Promise<unknown> } {
  const { password } = settingsOf(keyturn, connector)
  const surroundings = surroundingsOf(connector, keyturn.clock, signal)
  const rules = remembered(() => passwordsOf(connector, password, signal), keyturn.clock, memory)
  return {
    observe: async (claimed) => {
      const told = { platform: connector.id, identities: claimed.map(({ identity }) => identity) }
      keyturn.logger.debug('claimed', told)
      const [around, passwords] = await Promise.all([surroundings(), rules()])
      const view = await observe(keyturn, connector, { ...around, passwords }, claimed, signal)
      keyturn.logger.debug('observed', told)
      return view
    },
    warm: () => Promise.all([surroundings(), rules()]),
    needed: (view) => groupChanges(neededChanges(view.platform, view.desired, keyturn.settings.safety)),
  }
}

async function passwordsOf(
  connector: Connector,
  settings: PasswordSettings,
  signal: AbortSignal,
): Promise<PasswordRules> {
  return passwordRules(settings, await connector.passwordPolicy(signal))
}

async function observe(
  keyturn: Keyturn,
  connector: Connector,
  { passwords, ...surroundings }: Surroundings & { readonly passwords: PasswordRules },
  claimed: readonly ClaimedObligation[],
  signal: AbortSignal,
): Promise<WorkView> {
  const ids = claimed.map((obligation) => obligation.identity)
  const asked = await ledgerSays(keyturn, connector, claimed, ids)
  const began = performance.now()
  const observed = whole(await connector.read(asked.refs, signal))
  // While a platform stood still, HR or an operator may have said something else: it is the last word that counts.
  const isOld = performance.now() - began > fresh
  const { identities, desired, known, links, names } = isOld
    ? await ledgerSays(keyturn, connector, claimed, ids)
    : asked
  const find = finder(observed.items, desired, (attribute, value) => connector.canonical(attribute, value))
  const grants = Map.groupBy(known.grants, (grant) => grant.identity)
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
  return { people, passwords, desired, platform: { ...known, ...surroundings, observed } }
}

/** What the ledger says of these people now, and what is to be asked of the platform. */
async function ledgerSays(
  keyturn: Keyturn,
  connector: Connector,
  claimed: readonly ClaimedObligation[],
  ids: readonly IdentityId[],
) {
  const { identities, desired } = await desiredNow(keyturn, connector.id, ids)
  const known = await knownOf(keyturn, connector, ids)
  const links = new Map(known.links.map((link) => [link.identity, link]))
  const names = namesOf(claimed, known.names)
  const refs = desired.map((account) => refOf(account, links.get(account.identity), names.get(account.identity)))
  return { identities, desired, known, links, names, refs }
}

async function desiredNow(
  keyturn: Keyturn,
  platform: string,
  ids: readonly IdentityId[],
): Promise<{ identities: ReadonlyMap<IdentityId, Identity>; desired: readonly DesiredAccount[] }> {
  const now = keyturn.clock()
  const [stored, heldRoles] = await Promise.all([keyturn.ledger.identitiesById(ids), keyturn.ledger.heldRoles(ids)])
  const identities = await overlaid(keyturn, stored)
  const held = groupHeld(heldRoles)
  return {
    identities: new Map(identities.map((identity) => [identity.id, identity])),
    desired: identities.map((identity) => keyturn.policy.desire(identity, platform, held.get(identity.id) ?? [], now)),
  }
}

/** The name under which a person's account was admitted, or that the ledger has claimed for it. */
function namesOf(claimed: readonly ClaimedObligation[], claims: readonly NameClaim[]): ReadonlyMap<IdentityId, string> {
  const names = new Map(claims.map((claim) => [claim.identity, claim.name]))
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
export function finder(
  observed: readonly ObservedAccount[],
  desired: readonly Pick<DesiredAccount, 'matches'>[],
  canonical: (attribute: string, value: string) => string,
) {
  const strong = new Set(desired.flatMap(({ matches }) => matches.filter(isStrong).map(({ attribute }) => attribute)))
  const keyOf = (attribute: string, value: string) => `${attribute}\n${canonical(attribute, value)}`
  const byId = Map.groupBy(observed, (account) => account.nativeId)
  const byName = Map.groupBy(observed, (account) => account.name.toLowerCase())
  const held = observed.flatMap((account) =>
    [...strong].flatMap((attribute) =>
      (account.attributes[attribute] ?? []).map((value) => ({ account, key: keyOf(attribute, value) })),
    ),
  )
  const byValue = Map.groupBy(held, ({ key }) => key)
  return {
    byId: (nativeId: string) => byId.get(nativeId) ?? [],
    /** By the name that was claimed, or by a value that is certainly this person's. */
    others: ({ matches }: Pick<DesiredAccount, 'matches'>, name: string | undefined) => [
      ...new Set([
        ...(name === undefined ? [] : (byName.get(name.toLowerCase()) ?? [])),
        ...matches
          .filter(isStrong)
          .flatMap(({ attribute, value }) =>
            (byValue.get(keyOf(attribute, value)) ?? []).map(({ account }) => account),
          ),
      ]),
    ],
  }
}

function isStrong(match: DesiredAccount['matches'][number]): boolean {
  return match.then === 'link'
}

function groupChanges(changes: readonly Change[]): ReadonlyMap<IdentityId, readonly Change[]> {
  return Map.groupBy(changes, (change) => change.identity)
}
