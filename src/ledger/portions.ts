// Divides an admission: a long transaction would make a revocation elsewhere wait (law 3). Pure.
import type { HeldRole } from '../model/account.ts'
import type { Change } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Admission } from '../model/ledger.ts'

/** What is admitted of some people in one transaction. */
export interface Portion {
  readonly people: readonly IdentityId[]
  readonly changes: readonly Change[]
  readonly standby: readonly Change[]
  readonly heldRoles: readonly HeldRole[]
  /** Disables that safety stops now, and that may have been admitted before. */
  readonly stopped: readonly Change[]
  /** Whose marks are answered. */
  readonly looked: readonly IdentityId[]
}

/** What a change costs, compared with a person of whom nothing changes. */
const changeCost = 4

/** Everything that an admission says, in the order of its people: whoever must be shut comes first. */
export interface Divided {
  /** What all of it costs. */
  readonly cost: number
  /** The next people, until so much is reached; null when there is nobody left. */
  next(most: number): Portion | null
}

/** `standby` are those of the plan's to whom something is owed. */
export function divide(admission: Admission, standby: readonly Change[]): Divided {
  const changes = Map.groupBy(admission.plan.changes, ({ identity }) => identity)
  const waiting = Map.groupBy(standby, ({ identity }) => identity)
  const roles = Map.groupBy(admission.heldRoles, ({ identity }) => identity)
  const disables = admission.plan.withheld.map(({ change }) => change).filter(({ kind }) => kind === 'disable')
  const stopped = Map.groupBy(disables, ({ identity }) => identity)
  const isLooked = lookedAt(admission)
  const people = peopleOf(admission, changes, waiting, roles)
  const costOf = (identity: IdentityId) =>
    1 + changeCost * ((changes.get(identity)?.length ?? 0) + (waiting.get(identity)?.length ?? 0))
  let begun = 0
  return {
    cost: people.reduce((sum, identity) => sum + costOf(identity), 0),
    next(most) {
      if (begun >= people.length) return null
      const start = begun
      for (let cost = 0; begun < people.length && cost < most; begun++) cost += costOf(people[begun] ?? '')
      const some = people.slice(start, begun)
      return {
        people: some,
        changes: some.flatMap((identity) => changes.get(identity) ?? []),
        standby: some.flatMap((identity) => waiting.get(identity) ?? []),
        heldRoles: some.flatMap((identity) => roles.get(identity) ?? []),
        stopped: some.flatMap((identity) => stopped.get(identity) ?? []),
        looked: some.filter(isLooked),
      }
    },
  }
}

function lookedAt({ looked }: Admission): (identity: IdentityId) => boolean {
  if (looked === undefined) return () => false
  if (looked.people === null) return () => true
  const people = new Set(looked.people)
  return (identity) => people.has(identity)
}

function peopleOf(
  { plan, dueAt, looked }: Admission,
  changes: ReadonlyMap<IdentityId, readonly Change[]>,
  standby: ReadonlyMap<IdentityId, unknown>,
  roles: ReadonlyMap<IdentityId, unknown>,
): readonly IdentityId[] {
  const urgent = [...changes].filter(([, some]) => some.some(shuts)).map(([identity]) => identity)
  const people = new Set([...urgent, ...standby.keys(), ...changes.keys(), ...roles.keys()])
  for (const { change } of plan.withheld) people.add(change.identity)
  for (const identity of dueAt?.keys() ?? []) people.add(identity)
  for (const identity of looked?.people ?? []) people.add(identity)
  return [...people]
}

function shuts({ kind }: Change): boolean {
  return kind === 'disable' || kind === 'revoke' || kind === 'delete'
}

/** All of it at once, in the order of the plan. */
export function undivided({ plan, heldRoles }: Admission, standby: readonly Change[], all: Portion): Portion {
  return { ...all, changes: plan.changes, standby, heldRoles }
}
