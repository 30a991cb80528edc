import type { Assignment, DesiredEntitlement, HeldRole } from '../model/account.ts'
import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Place, Reason } from '../model/place.ts'
import { hasLeft } from './lifecycle.ts'
import type { Brought, Role, RoleBook } from './roles.ts'

/** Everything that follows from the roles that somebody holds. */
export class Holding {
  readonly #given: readonly Given[]

  /** The strongest reason first: it is the one that is shown. */
  constructor(given: readonly Given[]) {
    const first = new Map<string, Given>()
    for (const one of given) if (!first.has(one.assignment.role)) first.set(one.assignment.role, one)
    this.#given = [...first.values()]
  }

  get assignments(): readonly Assignment[] {
    return this.#given.map(({ assignment }) => assignment)
  }

  /** Why there is an account on the platform; undefined where no role gives one. */
  accountOn(platform: string): Reason | undefined {
    return this.#given.find(({ accounts }) => accounts.has(platform))?.accounts.get(platform)
  }

  /** Each once, with the strongest reason. */
  entitlementsOn(platform: string): readonly DesiredEntitlement[] {
    const found = new Map<string, DesiredEntitlement>()
    for (const { entitlements } of this.#given) {
      for (const one of entitlements.get(platform) ?? []) if (!found.has(one.name)) found.set(one.name, one)
    }
    return [...found.values()]
  }
}

interface Lingering {
  readonly role: Role
  readonly until: Instant
}

/** Of those who left. */
export const noRoles = new Holding([])

/** Works out holdings; people with the same roles share one, since most of a company holds one of a few. */
export class Holdings {
  readonly #book: RoleBook
  /** Made once for each role: what thousands hold is the same object. */
  readonly #given: ReadonlyMap<Brought, Given>
  /** Most companies have no role with `linger`: then nobody needs to be asked about any. */
  readonly #anyLingers: boolean
  /** By the array that the role book gives for equal people. */
  readonly #shared = new WeakMap<readonly Role[], Holding>()

  constructor(book: RoleBook) {
    this.#book = book
    this.#given = new Map(
      [...book.roles.values()].flatMap(({ brings }) => brings.map((one) => [one, givenBy(one, null)])),
    )
    this.#anyLingers = [...book.roles.keys()].some((role) => this.#lingerOf(role) > 0)
  }

  /** Those who left hold no role; everybody else what the rules say and what still lingers. */
  of(identity: Identity, held: readonly HeldRole[], now: Instant): Holding {
    if (hasLeft(identity)) return noRoles
    const roles = this.#book.rolesOf(identity)
    let holding = this.#shared.get(roles)
    if (holding === undefined) {
      holding = new Holding(this.#lasting(roles))
      this.#shared.set(roles, holding)
    }
    if (held.length === 0) return holding
    const lingering = this.#lingering(holding, held, now)
    if (lingering.length === 0) return holding
    const longestFirst = lingering.toSorted((a, b) => b.until - a.until)
    const lost = longestFirst.flatMap(({ role, until }) => role.brings.map((one) => givenBy(one, until)))
    return new Holding([...this.#lasting(roles), ...lost])
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

  /** Held roles before included ones, and both before those that only linger. */
  #lasting(roles: readonly Role[]): readonly Given[] {
    const brought = [
      ...roles.flatMap(({ brings }) => brings.slice(0, 1)),
      ...roles.flatMap(({ brings }) => brings.slice(1)),
    ]
    return brought.map((one) => this.#given.get(one) as Given)
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

/** What one role gives to whoever holds it. */
interface Given {
  readonly assignment: Assignment
  readonly accounts: ReadonlyMap<string, Reason>
  readonly entitlements: ReadonlyMap<string, readonly DesiredEntitlement[]>
}

/** `until`: when it ends, of a role that is lost but lingers. */
function givenBy({ role, reason: why }: Brought, until: Instant | null): Given {
  const text = until === null ? why.text : `${why.text}, lost but lingering`
  const ends = until === null ? {} : { until }
  const reasonAt = (place: Place): Reason => ({ kind: 'rule', text, place })
  return {
    assignment: { role: role.name, reason: { ...why, text }, ...ends },
    accounts: new Map(role.accounts.map(({ platform, place }) => [platform, reasonAt(place)])),
    entitlements: new Map(
      Object.entries(role.entitlements).map(([platform, names]) => [
        platform,
        names.map(({ name, place }) => ({ name, reason: reasonAt(place), ...ends })),
      ]),
    ),
  }
}
