import type { Assignment, DesiredEntitlement, HeldRole } from '../model/account.ts'
import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Reason } from '../model/place.ts'
import { hasLeft } from './lifecycle.ts'
import type { Brought, Role, RoleBook } from './roles.ts'

/** Everything that follows from the roles that somebody holds. */
export interface Holding {
  readonly assignments: readonly Assignment[]
  /** Why there is an account, by platform. */
  readonly accounts: ReadonlyMap<string, Reason>
  readonly entitlements: ReadonlyMap<string, readonly DesiredEntitlement[]>
}

interface Lingering {
  readonly role: Role
  readonly until: Instant
}

/** Of those who left. */
export const noRoles: Holding = { assignments: [], accounts: new Map(), entitlements: new Map() }

/** Works out holdings; people with the same roles share one, since most of a company holds one of a few. */
export class Holdings {
  readonly #book: RoleBook
  /** Most companies have no role with `linger`: then nobody needs to be asked about any. */
  readonly #anyLingers: boolean
  /** By the array that the role book gives for equal people. */
  readonly #shared = new WeakMap<readonly Role[], Holding>()

  constructor(book: RoleBook) {
    this.#book = book
    this.#anyLingers = [...book.roles.keys()].some((role) => this.#lingerOf(role) > 0)
  }

  /** Those who left hold no role; everybody else what the rules say and what still lingers. */
  of(identity: Identity, held: readonly HeldRole[], now: Instant): Holding {
    if (hasLeft(identity)) return noRoles
    const roles = this.#book.rolesOf(identity)
    let holding = this.#shared.get(roles)
    if (holding === undefined) {
      holding = build(roles, [])
      this.#shared.set(roles, holding)
    }
    if (held.length === 0) return holding
    const lingering = this.#lingering(holding, held, now)
    return lingering.length === 0 ? holding : build(roles, lingering)
  }

  /**
   * Roles with `linger` as they are to be stored: held ones, and lost ones until their time is over. Nothing lingers for
   * those who left; for a person who is held back nothing moves.
   */
  heldRoles(identity: Identity, held: readonly HeldRole[], now: Instant): readonly HeldRole[] {
    if (identity.held !== null) return held
    if (hasLeft(identity) || !this.#anyLingers) return []
    const before = new Map(held.map((one) => [one.role, one]))
    const current = this.of(identity, [], now).assignments.filter(({ role }) => this.#lingerOf(role) > 0)
    const names = new Set(current.map(({ role }) => role))
    const kept = current.map(({ role }): HeldRole => {
      const since = before.get(role)?.since ?? now
      return { identity: identity.id, role, since, lostAt: null }
    })
    const lost = held
      .filter(({ role }) => !names.has(role))
      .map((one): HeldRole => ({ ...one, lostAt: one.lostAt ?? now }))
      .filter((one) => this.#until(one, now) > now)
    return [...kept, ...lost]
  }

  #lingering(holding: Holding, held: readonly HeldRole[], now: Instant): readonly Lingering[] {
    return held.flatMap((one) => {
      const role = this.#book.roles.get(one.role)
      const until = this.#until(one, now)
      if (role === undefined || until <= now) return []
      return holding.assignments.some((assignment) => assignment.role === one.role) ? [] : [{ role, until }]
    })
  }

  /** A role that the configuration no longer has does not linger. */
  #until({ role, lostAt }: HeldRole, now: Instant): Instant {
    return (lostAt ?? now) + this.#lingerOf(role)
  }

  #lingerOf(role: string): number {
    return this.#book.roles.get(role)?.settings.linger ?? 0
  }
}

interface Given extends Brought {
  readonly until: Instant | null
}

/** Held roles come before included ones and those before lingering ones, so that the strongest reason is the one shown. */
function build(roles: readonly Role[], lingering: readonly Lingering[]): Holding {
  const assignments = new Map<string, Assignment>()
  const accounts = new Map<string, Reason>()
  const entitlements = new Map<string, Map<string, DesiredEntitlement>>()
  for (const { role, reason, until } of givenBy(roles, lingering)) {
    if (assignments.has(role.name)) continue
    const text = until === null ? reason.text : `${reason.text}, lost but lingering`
    const ends = until === null ? {} : { until }
    assignments.set(role.name, { role: role.name, reason: { ...reason, text }, ...ends })
    for (const { platform, place } of role.accounts) {
      if (!accounts.has(platform)) accounts.set(platform, { kind: 'rule', text, place })
    }
    for (const [platform, names] of Object.entries(role.entitlements)) {
      const there = entitlements.get(platform) ?? new Map<string, DesiredEntitlement>()
      entitlements.set(platform, there)
      for (const { name, place } of names) {
        if (!there.has(name)) there.set(name, { name, reason: { kind: 'rule', text, place }, ...ends })
      }
    }
  }
  const lists = [...entitlements].map(([platform, given]) => [platform, [...given.values()]] as const)
  return { assignments: [...assignments.values()], accounts, entitlements: new Map(lists) }
}

function givenBy(roles: readonly Role[], lingering: readonly Lingering[]): readonly Given[] {
  const own = roles.flatMap(({ brings }) => brings.slice(0, 1))
  const included = roles.flatMap(({ brings }) => brings.slice(1))
  const lasting = [...own, ...included].map((one): Given => ({ ...one, until: null }))
  const longestFirst = lingering.toSorted((a, b) => b.until - a.until)
  return [
    ...lasting,
    ...longestFirst.flatMap(({ role, until }) => role.brings.map((one): Given => ({ ...one, until }))),
  ]
}
