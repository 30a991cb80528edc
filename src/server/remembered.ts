import type { Clock } from '../model/instant.ts'

/**
 * Asks once for many that come together, and again when the answer is older than `memory` (ms). A failure is not
 * remembered: the next who asks tries anew.
 */
export function remembered<T>(ask: () => Promise<T>, clock: Clock, memory: number): () => Promise<T> {
  let answer: { readonly at: number; readonly value: Promise<T> } | undefined
  return () => {
    if (answer !== undefined && clock() - answer.at <= memory) return answer.value
    const fresh = { at: clock(), value: ask() }
    answer = fresh
    fresh.value.catch(() => {
      if (answer === fresh) answer = undefined
    })
    return fresh.value
  }
}
