import { SECOND } from '../model/instant.ts'

/** An account that is not shut after this time keeps nobody else waiting, ms: its platform may hang. */
const hangs = 3 * SECOND
/** Longer than this nobody waits for others, ms: leavers may come without end. */
const patience = 15 * SECOND
/** So many pieces of what is left are worked on at once: whoever leaves now stands behind these only. */
const atOnce = 2

/**
 * Hundreds leave at once, in several jobs: while an account of any of them is still to be shut, nothing else is begun for those
 * whose accounts are shut already. One for each platform, shared by its runs of `settle` in the revoke lane.
 */
export class ShutFirst {
  readonly #limits: { readonly hangs: number; readonly patience: number }
  #shutting = 0
  readonly #waiting = new Set<() => void>()
  #running = 0
  readonly #queue: (() => void)[] = []

  constructor(limits: { readonly hangs: number; readonly patience: number } = { hangs, patience }) {
    this.#limits = limits
  }

  /** Accounts are to be shut; returns what says that they are, or will not be. It may be called more than once. */
  begin(): () => void {
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      if (--this.#shutting > 0) return
      for (const goOn of this.#waiting) goOn()
    }
    const timer = setTimeout(end, this.#limits.hangs)
    this.#shutting++
    return end
  }

  /** Does a piece of what is left when no account is still to be shut, or when the signal is aborted. */
  async afterwards<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#running >= atOnce) await new Promise<void>((resolve) => this.#queue.push(resolve))
    else this.#running++
    try {
      await this.#others(signal)
      return await work()
    } finally {
      // Whoever waits longest takes over the place.
      const next = this.#queue.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  async #others(signal: AbortSignal): Promise<void> {
    if (this.#shutting === 0 || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const goOn = () => resolve()
    const timer = setTimeout(goOn, this.#limits.patience)
    this.#waiting.add(goOn)
    signal.addEventListener('abort', goOn)
    await promise
    clearTimeout(timer)
    this.#waiting.delete(goOn)
    // The signal lives as long as the lane: it must not remember everybody who ever waited.
    signal.removeEventListener('abort', goOn)
  }
}
