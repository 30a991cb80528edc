import type { HeldRole } from '../model/account.ts'
import type { Plan } from '../model/change.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Admission } from '../model/ledger.ts'
import type { LookAgain } from '../model/running.ts'
import type { Keyturn } from './context.ts'
import { groupHeld } from './planning.ts'

/** A plan and the people whom it was made for, as they were when it was made. */
export interface Planned {
  readonly plan: Plan
  readonly identities: readonly Identity[]
  readonly heldRoles: readonly HeldRole[]
}

/** Which marks a plan answers. `people` null: it looked at everybody. */
export type Answered = NonNullable<Admission['looked']>

/** Everything that the ledger stores with a plan. */
export function admissionOf(
  keyturn: Keyturn,
  { plan, identities, heldRoles }: Planned,
  marks: readonly LookAgain[] = [],
  looked?: Answered,
): Admission {
  const now = keyturn.clock()
  return {
    plan,
    correlation: keyturn.correlation,
    operator: keyturn.operator,
    now,
    effectiveAt: effectiveInstants(identities),
    heldRoles,
    dueAt: dueInstants(keyturn, identities, heldRoles, now),
    receivedAt: receivedInstants(marks),
    revisions: revisionsOf(identities),
    ...(looked === undefined ? {} : { looked }),
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

function dueInstants(
  { policy }: Keyturn,
  identities: readonly Identity[],
  heldRoles: readonly HeldRole[],
  now: Instant,
): ReadonlyMap<IdentityId, Instant | null> {
  const held = groupHeld(heldRoles)
  return new Map(
    identities.map((identity) => [identity.id, policy.nextAt(identity, held.get(identity.id) ?? [], now)?.at ?? null]),
  )
}

/** The first mark of somebody tells since when they have been waiting. */
function receivedInstants(marks: readonly LookAgain[]): ReadonlyMap<IdentityId, Instant> {
  const received = new Map<IdentityId, Instant>()
  for (const { identity, since } of marks) {
    if (identity !== null) received.set(identity, Math.min(since, received.get(identity) ?? since))
  }
  return received
}

function revisionsOf(identities: readonly Identity[]): ReadonlyMap<IdentityId, number> {
  return new Map(identities.flatMap(({ id, revision }) => (revision === undefined ? [] : [[id, revision] as const])))
}
