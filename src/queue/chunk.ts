import type { Lane } from '../model/change.ts'

/** A revocation does not wait for another one's trouble. Changes share observations, group writes and transactions. */
const usual = { revoke: 1, change: 64 } as const
/**
 * More than this brings little, and people wait longer for the end of a job that has claimed them. Thousands who leave at once
 * wait for nothing: in larger jobs they share commits, and each group is written less often (docs/decisions/026).
 */
const largest = { revoke: 512, change: 256 } as const
/** Jobs of a large backlog grow as long as there are so many of them, for several workers to share: twice as many as work. */
const jobs = { revoke: 8, change: 16 } as const

/**
 * How many people one job is for.
 *
 * @param backlog how many people are added at once
 * @param most one second's worth of the platform's rate: no more begin at once
 */
export function chunkSize(lane: Lane, backlog: number, most: number): number {
  const grown = Math.min(largest[lane], Math.floor(backlog / jobs[lane]))
  return Math.max(1, Math.min(Math.max(usual[lane], grown), most))
}
