import type { Lane } from '../model/change.ts'
import type { Ledger } from '../model/ledger.ts'
import type { RunningLedger } from '../model/running.ts'

/**
 * `Ledger.due` for those who ask every second: where nothing at all is owed on a lane, time alone makes nothing due there, and
 * the ledger is not asked again before it has changed.
 */
export function sparingly(ledger: Pick<Ledger, 'due' | 'isOwed'> & Pick<RunningLedger, 'version'>): Ledger['due'] {
  /** Of each lane on which nothing was owed, the version of the ledger in which that was so. */
  const nothing = new Map<string, string>()
  return async (platform, lane: Lane, now, most) => {
    const key = `${lane} ${platform}`
    // Before the question: what changes meanwhile is asked for again.
    const version = ledger.version()
    if (nothing.get(key) === version) return []
    const due = await ledger.due(platform, lane, now, most)
    if (due.length > 0 || (await ledger.isOwed(platform, lane))) nothing.delete(key)
    else nothing.set(key, version)
    return due
  }
}
