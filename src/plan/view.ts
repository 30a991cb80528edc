import type { CatalogueEntry, ObservedAccount } from '../model/account.ts'
import type { Connector } from '../model/connector.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Decisions, Grant, Link, NameClaim } from '../model/ledger.ts'
import type { PlatformSettings } from '../model/settings.ts'
import type { CompleteSnapshot } from '../model/snapshot.ts'

/**
 * One platform as the plan sees it: what was read, what the ledger remembers, and the connector's pure functions.
 * Only complete reads are taken, since the plan concludes from absence (law 1): of everything, or, where `partial` is
 * set, of all that was asked for.
 */
export interface PlatformView {
  readonly settings: PlatformSettings
  readonly observed: CompleteSnapshot<ObservedAccount>
  readonly catalogue: CompleteSnapshot<CatalogueEntry>
  readonly links: readonly Link[]
  readonly grants: readonly Grant[]
  readonly names: readonly NameClaim[]
  readonly decisions: Decisions
  /** The address of the account that Keyturn signs in with; null where there is none. */
  readonly ownAddress: string | null
  readonly connector: Pick<Connector, 'adapt' | 'canonical' | 'within'>
  /** Whose removal earlier plans counted and let pass within the time of the limit on removals. */
  readonly removedLately?: ReadonlySet<IdentityId>
  readonly partial?: PartialView
  /** The ledger was restored and nothing is opened yet (law 8). `evidence`: null where nobody asked the platform for it. */
  readonly restored?: { readonly evidence: Evidence | null }
}

/** What a platform says about accounts that a restored ledger may remember wrongly, by native id (`accountsInQuestion`). */
export interface Evidence {
  /** Not changed since the backup was made, or shut since by the restored ledger's own word: what the ledger remembers of them is so. */
  readonly untouched: ReadonlySet<string>
  /** Changed since the backup was made, and last by Keyturn itself. */
  readonly ours: ReadonlySet<string>
}

/**
 * Says that a view shows a few people only: of the platform what `questionsOf` asks for, and the linked accounts of those to
 * whom they refer; of the ledger their links, grants and claims, who has claimed what `namesToCheck` names, and the links
 * of those to whom they refer and of whoever owns an account that was seen.
 */
export interface PartialView {
  /** Linked accounts of people on the whole platform: the denominator of the limits. */
  readonly population: number
  /** How many candidate names were looked up for each person. */
  readonly mostNames: number
  /**
   * Native ids of accounts of which it was looked up that no strong key of anybody outside finds them (see
   * `possibleRivals`). Absent: of none; then whoever is found by a key, and is not linked, is left undecided.
   */
  readonly unrivalled?: ReadonlySet<string>
}

/** A view with what one pass over the people looks up: each answer in constant time. */
export class IndexedView {
  readonly view: PlatformView
  readonly accounts: ReadonlyMap<string, ObservedAccount>
  readonly links: ReadonlyMap<IdentityId, Link>
  /** Native id to the person it is linked to. */
  readonly owners: ReadonlyMap<string, IdentityId>
  readonly catalogue: ReadonlyMap<string, CatalogueEntry>
  readonly #grants: ReadonlyMap<IdentityId, readonly Grant[]>
  readonly #byValue = new Map<string, Map<string, ObservedAccount[]>>()

  constructor(view: PlatformView) {
    this.view = view
    this.accounts = new Map(view.observed.items.map((account) => [account.nativeId, account]))
    this.links = new Map(view.links.map((link) => [link.identity, link]))
    this.owners = new Map(view.links.map((link) => [link.nativeId, link.identity]))
    this.catalogue = new Map(view.catalogue.items.map((entry) => [entry.name, entry]))
    this.#grants = Map.groupBy(view.grants, (grant) => grant.identity)
  }

  /** The account that is linked to a person and still there. */
  linkedAccount(identity: IdentityId): ObservedAccount | undefined {
    const link = this.links.get(identity)
    return link === undefined ? undefined : this.accounts.get(link.nativeId)
  }

  /** What the ledger records as given to this person here by us. */
  grantsOf(identity: IdentityId): readonly Grant[] {
    return this.#grants.get(identity) ?? []
  }

  /** Accounts whose attribute holds that value, as the platform compares; in the order of their native ids. */
  holding(attribute: string, value: string): readonly ObservedAccount[] {
    let index = this.#byValue.get(attribute)
    if (index === undefined) {
      index = this.#indexBy(attribute)
      this.#byValue.set(attribute, index)
    }
    return index.get(this.view.connector.canonical(attribute, value)) ?? []
  }

  #indexBy(attribute: string): Map<string, ObservedAccount[]> {
    const { observed, connector } = this.view
    const index = new Map<string, ObservedAccount[]>()
    for (const account of observed.items) {
      for (const value of new Set(valuesOf(account, attribute).map((text) => connector.canonical(attribute, text)))) {
        const there = index.get(value)
        if (there === undefined) index.set(value, [account])
        else there.push(account)
      }
    }
    for (const accounts of index.values()) accounts.sort((a, b) => (a.nativeId < b.nativeId ? -1 : 1))
    return index
  }
}

/** What an account has of an attribute; nothing is []. */
export function valuesOf(account: ObservedAccount, attribute: string): readonly string[] {
  return account.attributes[attribute] ?? []
}
