import type { AcceptedRead, Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { SourceSettings } from '../model/settings.ts'

/** What one read of one source is held against. */
export interface FeedInput {
  readonly settings: SourceSettings
  /** Everybody of this source as the ledger knows them. */
  readonly previous: readonly Identity[]
  readonly lastRead: AcceptedRead | null
  readonly now: Instant
}
