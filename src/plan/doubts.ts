import type { IdentityId } from '../model/identity.ts'
import type { Matching } from './matching.ts'
import type { IndexedView } from './view.ts'

/**
 * Whom a view of a few people cannot decide, because it depends on somebody or something outside of it. Then nothing is
 * planned for them there, and a plan over everybody must say.
 */
export class Doubts {
  readonly #index: IndexedView
  readonly #unrivalled: ReadonlySet<string>
  readonly #people = new Set<IdentityId>()
  readonly #undecided = new Set<IdentityId>()
  /** Pairs of who refers to whom, where no linked account of the latter is seen. */
  readonly #references: (readonly [from: IdentityId, to: IdentityId])[] = []

  constructor(index: IndexedView, unrivalled: ReadonlySet<string> = new Set()) {
    this.#index = index
    this.#unrivalled = unrivalled
  }

  /** This person cannot be decided. */
  doubt(identity: IdentityId): void {
    this.#undecided.add(identity)
  }

  isDoubtful(identity: IdentityId): boolean {
    return this.#undecided.has(identity)
  }

  /** What is needed of `from` depends on where the account of `to` stands. */
  refer(from: IdentityId, to: IdentityId): void {
    if (this.#index.linkedAccount(to) === undefined) this.#references.push([from, to])
  }

  /** A person is looked at: what depends on whose an account is can be told only where nobody outside may claim it. */
  look(identity: IdentityId, { matched, proposed }: Matching): void {
    this.#people.add(identity)
    // Only the linked account was asked for: another one, which their key would find, was not.
    const isGone = this.#index.links.has(identity) && this.#index.linkedAccount(identity) === undefined
    const found = [matched.get(identity) ?? [], proposed.get(identity) ?? []].flat()
    if (isGone || found.some(({ account }) => !this.#unrivalled.has(account.nativeId))) this.doubt(identity)
  }

  /** Everybody who cannot be decided: also who refers to somebody whose account here is not known. */
  undecided(): ReadonlySet<IdentityId> {
    const found = new Set(this.#undecided)
    let before = -1
    while (before !== found.size) {
      before = found.size
      for (const [from, to] of this.#references) if (!this.#people.has(to) || found.has(to)) found.add(from)
    }
    return found
  }
}
