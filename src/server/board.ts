import type { SettledObligation } from '../apply/ports.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Clock, Instant } from '../model/instant.ts'
import type { ObligationPointer, ObligationStatus } from '../model/ledger.ts'

export interface Progress {
  readonly total: number
  readonly settled: number
  readonly failed: number
}

/** Who is still to be waited for, and what came of the others. */
export interface Board {
  /** What workers of this process have just done. */
  readonly note: (settled: readonly SettledObligation[]) => void
  /** How the ledger says that some stand. */
  readonly learn: (statuses: readonly ObligationStatus[]) => void
  readonly empty: () => boolean
  /** Only people are left who wait for somebody else's account, and nobody is left who could make it. */
  readonly stuck: () => boolean
  readonly remaining: () => readonly ObligationPointer[]
  /** All that was done in however many tries, and the last word on what was not. */
  readonly settled: () => readonly SettledObligation[]
  /** When the last one was settled or given up. */
  readonly movedAt: () => Instant
  readonly progress: () => Progress
}

export function keyOf({ platform, identity }: { readonly platform: string; readonly identity: IdentityId }): string {
  return `${platform}\n${identity}`
}

export function openBoard(pointers: readonly ObligationPointer[], clock: Clock): Board {
  const remaining = new Map(pointers.map((pointer) => [keyOf(pointer), pointer]))
  const waiting = new Set<string>()
  const results = new Map<string, SettledObligation>()
  let failed = 0
  let moved = clock()
  const place = (key: string, state: SettledObligation['state'] | ObligationStatus['state']) => {
    // The sweep also brings work of earlier runs, for which nobody waits here.
    if (!remaining.has(key)) return
    if (state === 'waiting') waiting.add(key)
    else waiting.delete(key)
    if (state !== 'settled' && state !== 'failed') return
    remaining.delete(key)
    if (state === 'failed') failed += 1
    moved = clock()
  }
  return {
    note(settled) {
      for (const one of settled) {
        results.set(keyOf(one), together(results.get(keyOf(one)), one))
        place(keyOf(one), one.state)
      }
    },
    learn(statuses) {
      for (const status of statuses) place(keyOf(status), status.state)
    },
    empty: () => remaining.size === 0,
    stuck: () => remaining.size > 0 && remaining.size === waiting.size,
    remaining: () => [...remaining.values()],
    settled: () => [...results.values()],
    movedAt: () => moved,
    progress: () => ({ total: pointers.length, settled: pointers.length - remaining.size - failed, failed }),
  }
}

/** A later try repeats neither what was done before nor its proof. */
export function together(before: SettledObligation | undefined, now: SettledObligation): SettledObligation {
  if (before === undefined) return now
  const done = before.results.filter((result) => result.status === 'done')
  return { ...now, results: [...done, ...now.results], proof: now.proof ?? before.proof }
}
