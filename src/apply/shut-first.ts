import { setTimeout as sleep } from 'node:timers/promises'
import { SECOND } from '../model/instant.ts'

/**
 * Hundreds leave at once, in several jobs: while an account of any of them is still to be shut, nothing else is done for those
 * whose accounts are shut already. One for each platform, shared by its runs of `settle` in the revoke lane.
 */
export class ShutFirst {
  readonly #patience: number
  #shutting = 0
  #waiting: (() => void)[] = []

  /** @param patience longer than this nobody waits for others, ms: leavers may come without end */
  constructor(patience: number = 15 * SECOND) {
    this.#patience = patience
  }

  /** Somebody's account is to be shut; returns what says that it is, or will not be. It may be called more than once. */
  begin(): () => void {
    let isOver = false
    this.#shutting++
    return () => {
      if (isOver) return
      isOver = true
      if (--this.#shutting > 0) return
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  /** Resolves when no account is still to be shut, when patience ends, or when the signal is aborted. */
  async others(signal: AbortSignal): Promise<void> {
    if (this.#shutting === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    const over = new AbortController()
    const late = sleep(this.#patience, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(
      () => undefined,
    )
    await Promise.race([promise, late])
    over.abort()
  }
}
