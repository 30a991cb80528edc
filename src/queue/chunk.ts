import type { Lane } from '../model/change.ts'

/** A revocation never waits for another one's trouble. Changes share observations, group writes and transactions. */
const usual = { revoke: 1, change: 64 } as const
/** More than this brings little, and people wait longer for the end of a job that has claimed them (docs/decisions/026). */
const largest = 256

/**
 * How many people one job is for. Jobs grow with the backlog as long as every worker still gets two of them.
 *
 * @param backlog how many people are added at once
 * @param most one second's worth of the platform's rate: no more begin at once
 */
export function chunkSize(
  lane: Lane,
  backlog: number,
  { concurrency, most }: { readonly concurrency: number; readonly most: number },
): number {
  const shared = Math.min(largest, Math.floor(backlog / (2 * concurrency)))
  return Math.max(1, Math.min(lane === 'revoke' ? usual.revoke : Math.max(usual.change, shared), most))
}
