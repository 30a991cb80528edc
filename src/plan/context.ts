import type { IdentityId } from '../model/identity.ts'
import type { Doubts } from './doubts.ts'
import type { Matching } from './matching.ts'
import type { NameAllocator } from './naming.ts'
import type { IndexedView, PlatformView } from './view.ts'

/** What looking at one person needs to know of everybody else on the platform. */
export class Context {
  readonly index: IndexedView
  readonly matching: Matching
  readonly names: NameAllocator
  /** A worker's: what was admitted already decides. No new name is chosen, and an account that is not seen may still exist. */
  readonly admittedOnly: boolean
  /** Of a partial view: whom it cannot decide. */
  readonly doubts: Doubts | null

  constructor(
    index: IndexedView,
    matching: Matching,
    names: NameAllocator,
    { admittedOnly, doubts }: { readonly admittedOnly: boolean; readonly doubts: Doubts | null },
  ) {
    this.index = index
    this.matching = matching
    this.names = names
    this.admittedOnly = admittedOnly
    this.doubts = doubts
  }

  get view(): PlatformView {
    return this.index.view
  }

  /** Where the account stands to which `from` refers, linked already or about to be; null where none is seen. */
  addressOf(to: IdentityId, from: IdentityId): string | null {
    this.doubts?.refer(from, to)
    const account = this.index.linkedAccount(to) ?? this.matching.matched.get(to)?.account
    return account?.address ?? null
  }
}
