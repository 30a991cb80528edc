import type { Instant } from './instant.ts'

/**
 * What one read gave. Only a complete one can prove absence (law 1): whatever removes by absence takes
 * `CompleteSnapshot`, so that the mistake does not compile.
 */
export type Snapshot<T> = CompleteSnapshot<T> | IncompleteSnapshot<T>

export interface CompleteSnapshot<T> {
  readonly complete: true
  readonly takenAt: Instant
  readonly items: readonly T[]
}

export interface IncompleteSnapshot<T> {
  readonly complete: false
  readonly takenAt: Instant
  readonly items: readonly T[]
  readonly cause: Error
}

/** How a streamed read ended; the same law for feeds that are too large to hold. */
export type ReadEnd =
  | {
      readonly complete: true
      readonly takenAt: Instant
      readonly count: number
      readonly modifiedAt: Instant
      readonly digest?: string
    }
  | { readonly complete: false; readonly takenAt: Instant; readonly count: number; readonly cause: Error }
