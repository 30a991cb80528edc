// A process that is stopped, or goes round in circles, does not end, so nobody begins it anew: it is known by its silence.
import { MINUTE, SECOND } from '../../model/instant.ts'

/** A child says this often that it turns its event loop, ms. */
export const beatEvery = 2 * SECOND

/** For how long a child may be silent, ms. */
interface Patience {
  /** Until its first word: a busy machine takes its time to load a program. */
  readonly first: number
  readonly then: number
}

export const patienceWith = {
  changes: { first: MINUTE, then: 20 * SECOND },
  /** A plan over a hundred thousand people computes for long without a turn of its event loop. */
  pass: { first: 5 * MINUTE, then: 5 * MINUTE },
} as const satisfies Record<string, Patience>

interface Ear {
  /** It said something, whatever it was. */
  heard(): void
  /** It has ended. */
  close(): void
}

/**
 * Calls `onSilent` once, with the time that it was silent (ms), when that is longer than patience. While this process itself
 * stood still (stopped, or the machine asleep), nothing could be heard: such a time counts as one beat or two.
 */
export function listen({ first, then }: Patience, onSilent: (silent: number) => void): Ear {
  let patience = first
  let silent = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    silent += Math.min(now - last, 2 * beatEvery)
    last = now
    if (silent <= patience) return
    clearInterval(timer)
    onSilent(silent)
  }, beatEvery)
  timer.unref()
  return {
    heard() {
      silent = 0
      patience = then
    },
    close: () => clearInterval(timer),
  }
}
