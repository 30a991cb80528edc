import type { Clock } from '../model/instant.ts'

export interface Memory {
  /** An answer younger than this is as good as new, ms. */
  readonly fresh: number
  /** One younger than this is given at once, while a new one is asked for behind it, ms. Absent: the same as `fresh`. */
  readonly stale?: number
}

/**
 * Asks once for many that come together, and again when the answer is too old. A failure is not remembered: the next who
 * asks tries anew; an older answer is kept for as long as it may be given.
 */
export function remembered<T>(ask: () => Promise<T>, clock: Clock, { fresh, stale = fresh }: Memory): () => Promise<T> {
  type Answer = { readonly at: number; readonly value: Promise<T> }
  let answer: Answer | undefined
  let asking: Answer | undefined
  // A clock that was set back makes nothing fresh.
  const age = (one: Answer | undefined) => (one === undefined ? Number.POSITIVE_INFINITY : Math.abs(clock() - one.at))
  const askAnew = (): Answer => {
    const now = { at: clock(), value: ask() }
    asking = now
    const isOver = () => {
      if (asking === now) asking = undefined
    }
    now.value.then(() => {
      // A late answer to an old question says less than a newer one.
      if (answer === undefined || answer.at <= now.at) answer = now
      isOver()
    }, isOver)
    return now
  }
  return () => {
    if (answer !== undefined && age(answer) <= fresh) return answer.value
    // A question that has hung for too long is not waited for by those who come later.
    const next = asking !== undefined && age(asking) <= fresh ? asking : askAnew()
    return answer !== undefined && age(answer) <= stale ? answer.value : next.value
  }
}
