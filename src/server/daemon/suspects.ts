import { setTimeout as sleep } from 'node:timers/promises'
import { SECOND } from '../../model/instant.ts'

const askAgain = SECOND

/**
 * Platforms that did not answer in time. Nobody who must be shut elsewhere waits for them again: they are asked beside that,
 * until they answer.
 */
export class Suspects {
  readonly #names = new Set<string>()
  readonly #probe: (platform: string) => Promise<unknown>
  readonly #signal: AbortSignal
  readonly #onBack: () => void
  readonly #rest: () => Promise<unknown>

  /**
   * @param probe asks a light question; rejects where no answer came
   * @param onBack a platform answers that did not for a while; not called for one that answers at once
   * @param rest between two questions; rejects when `signal` is aborted
   */
  constructor(
    probe: (platform: string) => Promise<unknown>,
    signal: AbortSignal,
    onBack: () => void = () => undefined,
    rest = (): Promise<unknown> => sleep(askAgain, undefined, { signal }),
  ) {
    this.#probe = probe
    this.#signal = signal
    this.#onBack = onBack
    this.#rest = rest
  }

  get names(): ReadonlySet<string> {
    return this.#names
  }

  add(platforms: readonly string[]): void {
    for (const platform of platforms) {
      if (this.#names.has(platform)) continue
      this.#names.add(platform)
      void this.#untilItAnswers(platform)
    }
  }

  async #untilItAnswers(platform: string): Promise<void> {
    const since = performance.now()
    while (!this.#signal.aborted) {
      const answers = await this.#probe(platform).then(
        () => true,
        () => false,
      )
      if (answers) break
      await this.#rest().catch(() => undefined)
    }
    this.#names.delete(platform)
    if (!this.#signal.aborted && performance.now() - since >= askAgain) this.#onBack()
  }
}
