import type { HeldRole } from '../model/account.ts'
import type { Plan } from '../model/change.ts'
import { revisionsOf } from '../model/identity.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Admission, Link } from '../model/ledger.ts'
import type { LookAgain } from '../model/running.ts'
import type { Keyturn } from './context.ts'
import { groupHeld } from './planning.ts'

/** A plan and the people whom it was made for, as they were when it was made. */
export interface Planned {
  readonly plan: Plan
  readonly identities: readonly Identity[]
  readonly heldRoles: readonly HeldRole[]
  readonly reconciles?: NonNullable<Admission['reconciles']>
}

/** Which marks a plan answers. `people` null: it looked at everybody. */
export type Answered = NonNullable<Admission['looked']>

/** Everything that the ledger stores with a plan. */
export async function admissionOf(
  keyturn: Keyturn,
  { plan, identities, heldRoles, reconciles }: Planned,
  marks: readonly LookAgain[] = [],
  looked?: Answered,
): Promise<Admission> {
  const now = keyturn.clock()
  return {
    plan,
    correlation: keyturn.correlation,
    operator: keyturn.operator,
    now,
    effectiveAt: effectiveInstants(identities),
    keptOut: new Set(identities.filter(({ state }) => state !== 'active').map(({ id }) => id)),
    heldRoles,
    dueAt: await dueInstants(keyturn, identities, heldRoles, now),
    receivedAt: receivedInstants(marks),
    revisions: revisionsOf(identities),
    ...(looked === undefined ? {} : { looked }),
    ...(reconciles === undefined ? {} : { reconciles }),
  }
}

function effectiveInstants(identities: readonly Identity[]): ReadonlyMap<IdentityId, Instant> {
  const instants = new Map<IdentityId, Instant>()
  for (const { id, leftAt, startsAt } of identities) {
    const at = leftAt ?? startsAt
    if (at !== null) instants.set(id, at)
  }
  return instants
}

async function dueInstants(
  keyturn: Keyturn,
  identities: readonly Identity[],
  heldRoles: readonly HeldRole[],
  now: Instant,
): Promise<ReadonlyMap<IdentityId, Instant | null>> {
  const held = groupHeld(heldRoles)
  const links = await leaversLinks(keyturn, identities)
  return new Map(
    identities.map((identity) => {
      const linked = links.get(identity.id)
      const next = keyturn.policy.nextAt(
        identity,
        held.get(identity.id) ?? [],
        now,
        // Only the clean-up of those who left depends on whether there is an account.
        (platform) => hasAccess(identity) || linked?.get(platform) !== undefined,
        (platform) => linked?.get(platform)?.shutAt ?? null,
      )
      return [identity.id, isOverdue(keyturn, identity, now) ? identity.next.at : (next?.at ?? null)]
    }),
  )
}

/** A read that took its time stored what was so when it began: the clock still has to go on for this person. */
function isOverdue(
  { settings }: Keyturn,
  identity: Identity,
  now: Instant,
): identity is Identity & { readonly next: NonNullable<Identity['next']> } {
  return identity.next !== null && identity.next.at <= now && settings.sources[identity.source] !== undefined
}

async function leaversLinks(
  { ledger, connectors }: Keyturn,
  identities: readonly Identity[],
): Promise<ReadonlyMap<IdentityId, ReadonlyMap<string, Link>>> {
  const gone = identities.filter((identity) => !hasAccess(identity)).map(({ id }) => id)
  const links = new Map<IdentityId, Map<string, Link>>()
  for (const platform of connectors.keys()) {
    for (const link of gone.length === 0 ? [] : await ledger.links(platform, gone)) {
      const own = links.get(link.identity) ?? new Map<string, Link>()
      links.set(link.identity, own.set(platform, link))
    }
  }
  return links
}

function hasAccess({ state }: Identity): boolean {
  return state !== 'left' && state !== 'archived'
}

/** The first mark of somebody tells since when they have been waiting. */
function receivedInstants(marks: readonly LookAgain[]): ReadonlyMap<IdentityId, Instant> {
  const received = new Map<IdentityId, Instant>()
  for (const { identity, since } of marks) {
    if (identity !== null) received.set(identity, Math.min(since, received.get(identity) ?? since))
  }
  return received
}
