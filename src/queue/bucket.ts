import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, SECOND } from '../model/instant.ts'

/** Lets a stated number of obligations a second begin; at most one second's worth at once. */
export interface Bucket {
  /** Waits until `count` may begin. Whoever comes first goes first. */
  take(count: number, signal: AbortSignal): Promise<void>
}

/** @param rate obligations a second; undefined: no limit */
export function openBucket(rate: number | undefined, clock: Clock, wait = sleepUntilNext): Bucket {
  if (rate === undefined) return { take: async () => undefined }
  // The moment at which everything taken so far is paid for.
  let paidAt = clock()
  return {
    async take(count, signal) {
      const now = clock()
      const begin = Math.max(paidAt, now - SECOND)
      paidAt = begin + (count / rate) * SECOND
      if (begin > now) await wait(begin - now, signal)
    },
  }
}

async function sleepUntilNext(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
