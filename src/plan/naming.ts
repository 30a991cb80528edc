import type { DesiredAccount } from '../model/account.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Context } from './context.ts'
import type { Doubts } from './doubts.ts'
import type { SafetyRules } from './safety.ts'
import type { IndexedView } from './view.ts'

interface Names {
  /** Of accounts that exist, as the platform compares names. */
  readonly observed: ReadonlySet<string>
  /** By the ledger, or by a link: the name of an adopted account is not given to another when that account is deleted. */
  readonly claimed: Map<string, IdentityId>
  readonly own: ReadonlyMap<IdentityId, readonly string[]>
}

/** Gives names to new accounts; ask in key order, so that the same people get the same names in every plan (law 6). */
export class NameAllocator {
  readonly #index: IndexedView
  readonly #admittedOnly: boolean
  readonly isProtected: (text: string) => boolean
  readonly #doubts: Doubts | null
  /** Collected when the first name is asked for: most plans ask for none. */
  #collected: Names | null = null

  /** `admittedOnly`: for a worker, who may use no name but those that were claimed when the work was admitted. */
  constructor(
    index: IndexedView,
    { admittedOnly, doubts, isProtected }: Pick<Context, 'admittedOnly' | 'doubts'> & Pick<SafetyRules, 'isProtected'>,
  ) {
    this.#index = index
    this.#admittedOnly = admittedOnly
    this.isProtected = isProtected
    this.#doubts = doubts
  }

  /**
   * The person's own earlier claim, else the first candidate that no account has and nobody ever claimed; [] where
   * there is none. Of what was admitted: every name that the person has claimed, for it may be any of them. Beyond the
   * candidates that were looked up for a partial view, nobody knows.
   */
  allocate(desired: DesiredAccount): readonly string[] {
    const { claimed, own } = this.#names
    const earlier = (own.get(desired.identity) ?? []).filter((name) => !this.#exists(name))
    if (this.#admittedOnly) return earlier
    if (earlier.length > 0) return earlier.slice(0, 1)
    // Whoever is not decided gets no name by this plan, so it takes none from others.
    if (this.#doubts?.isDoubtful(desired.identity) === true) return []
    let left = this.#index.view.partial?.mostNames ?? Number.POSITIVE_INFINITY
    for (const candidate of desired.names()) {
      if (left === 0) {
        this.#doubts?.doubt(desired.identity)
        return []
      }
      left -= 1
      const name = candidate.toLowerCase()
      const isOthers = (claimed.get(name) ?? desired.identity) !== desired.identity
      if (isOthers || this.#exists(name) || this.isProtected(name)) continue
      claimed.set(name, desired.identity)
      return [candidate]
    }
    return []
  }

  /** A name that was claimed for this person and that an account has which is not known as theirs. */
  occupied(desired: DesiredAccount): string | null {
    return (this.#names.own.get(desired.identity) ?? []).find((name) => this.#exists(name)) ?? null
  }

  /** The first candidate that is not somebody else's, where an account that nobody is linked to has it. */
  possiblyOwn(desired: DesiredAccount): string | null {
    const { claimed, own } = this.#names
    if (own.has(desired.identity)) return null
    for (const candidate of desired.names()) {
      const name = candidate.toLowerCase()
      if (claimed.has(name) || this.isProtected(name)) continue
      if (!this.#exists(name)) return null
      claimed.set(name, desired.identity)
      return name
    }
    return null
  }

  #exists(name: string): boolean {
    return this.#names.observed.has(this.#canonical(name))
  }

  #canonical(name: string): string {
    const { view } = this.#index
    return view.connector.canonical(view.settings.schema.nameAttribute, name).toLowerCase()
  }

  get #names(): Names {
    this.#collected ??= this.#collect()
    return this.#collected
  }

  #collect(): Names {
    const { view } = this.#index
    const claims = Map.groupBy(view.names, (claim) => claim.identity)
    return {
      observed: new Set(view.observed.items.map((account) => this.#canonical(account.name))),
      claimed: new Map([...view.links, ...view.names].map(({ name, identity }) => [name.toLowerCase(), identity])),
      own: new Map([...claims].map(([identity, its]) => [identity, its.map(({ name }) => name).toSorted()])),
    }
  }
}
