import type { IdentityId } from '../model/identity.ts'
import type { Matching } from './matching.ts'
import type { NameAllocator } from './naming.ts'
import type { IndexedView, PlatformView } from './view.ts'

/** What looking at one person needs to know of everybody else on the platform. */
export class Context {
  readonly index: IndexedView
  readonly matching: Matching
  readonly names: NameAllocator
  /** The view shows only some people's accounts: a worker's. Then an account that is not seen may still exist. */
  readonly partial: boolean

  constructor(index: IndexedView, matching: Matching, names: NameAllocator, partial: boolean) {
    this.index = index
    this.matching = matching
    this.names = names
    this.partial = partial
  }

  get view(): PlatformView {
    return this.index.view
  }

  /** Where a person's account stands, linked already or about to be; null where none is seen. */
  addressOf(identity: IdentityId): string | null {
    const account = this.index.linkedAccount(identity) ?? this.matching.matched.get(identity)?.account
    return account?.address ?? null
  }
}
