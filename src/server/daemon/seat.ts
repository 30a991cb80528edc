import { KeyturnError, summarise } from '../../model/errors.ts'
import type { Settings } from '../../model/settings.ts'
import { keepAccepted } from '../accepted.ts'
import { openGeneration } from './generation.ts'
import type { Base, Generation } from './generation.ts'
import type { Listening } from './listening.ts'
import { openMonitoring } from './monitoring.ts'
import type { Registry } from './registry.ts'
import { reload } from './reload.ts'
import { inTurns } from './turns.ts'

/** Where the generation in force sits, and whether the configuration on disk is the one in force. */
export class Seat implements AsyncDisposable {
  readonly #base: Base
  readonly #registry: Registry
  readonly #config: string
  /** Null where another process is the server. */
  readonly #monitoring: Listening | null
  readonly #stop = new AbortController()
  #generation: Generation | null = null
  #files: readonly string[] = []
  #closing: Promise<void> = Promise.resolve()
  readonly #reloads = inTurns(() => this.#attempt())

  constructor(base: Base, registry: Registry, config: string) {
    this.#base = base
    this.#registry = registry
    this.#config = config
    this.#monitoring = base.roles.has('server') ? openMonitoring(this, base) : null
  }

  get generation(): Generation {
    if (this.#generation === null) throw new KeyturnError('unexpected', 'the daemon has not begun')
    return this.#generation
  }

  get refusedConfig(): string | null {
    return this.#registry.refusedConfig
  }

  /** What the last look at the configuration read: a mistake is corrected in one of these. */
  get files(): readonly string[] {
    return this.#files
  }

  /** `refused`: why the files on disk are not these settings, but those that were last in force. */
  async begin(settings: Settings, refused: string | null): Promise<void> {
    this.#files = settings.files
    this.#generation = await openGeneration(this.#base, settings)
    await this.#monitoring?.move(settings.daemon.listen)
    this.#registry.say({ policyVersion: settings.policyVersion, refusedConfig: null })
    if (refused === null) await keepAccepted(settings, this.#config, this.#base.logger)
    else this.#refuse(refused)
    await this.#beginWork(true)
  }

  /**
   * The configuration may have changed. Never throws: the last good one stays in force. What changes during a reload may
   * have been read already: it is reloaded once more.
   */
  reload(): Promise<void> {
    return this.#reloads.ask()
  }

  async #attempt(): Promise<void> {
    if (this.#stop.signal.aborted) return
    try {
      await this.#reload()
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#refuse(explained(error))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#reloads.idle()
    await this.#monitoring?.[Symbol.asyncDispose]()
    await this.#generation?.[Symbol.asyncDispose]()
    await this.#closing
  }

  async #reload(): Promise<void> {
    const { logger } = this.#base
    const old = this.generation
    const found = await reload(this.#config, old.keyturn, this.#stop.signal)
    this.#files = found.files
    if ('refused' in found) {
      this.#refuse(found.refused)
      return
    }
    if ('same' in found) {
      this.#registry.say({ refusedConfig: null })
      return
    }
    const { settings } = found
    this.#generation = await this.#openBeside(settings)
    this.#closing = this.#closing
      .then(() => old[Symbol.asyncDispose]())
      .catch((error: unknown) => logger.error('the old configuration could not be left in order', summarise(error)))
    this.#registry.say({ policyVersion: settings.policyVersion, refusedConfig: null })
    await keepAccepted(settings, this.#config, logger)
    logger.change('another configuration is in force', { policy: settings.policyVersion })
    await this.#beginWork(found.policy)
  }

  /** The address first: it is what may not be had. Throws where anything cannot be opened; then all is as before. */
  async #openBeside(settings: Settings): Promise<Generation> {
    const move = await this.#monitoring?.move(settings.daemon.listen)
    const generation = await openGeneration(this.#base, settings, this.generation).catch(async (error: unknown) => {
      await move?.undo().catch((undone: unknown) => {
        this.#base.logger.error('the old address of daemon.listen could not be opened again', summarise(undone))
      })
      throw error
    })
    await move?.finish()
    return generation
  }

  #refuse(why: string): void {
    if (this.#registry.refusedConfig !== why) {
      this.#base.logger.error('the configuration is refused; the last good one stays in force', { why })
    }
    this.#registry.say({ refusedConfig: why })
  }

  /** The ledger may be unwritable just now: then what is due is found when it is back. */
  async #beginWork(everybody: boolean): Promise<void> {
    await this.generation.begin(everybody).catch((error: unknown) => {
      this.#base.logger.error('nobody could be marked to be looked at', summarise(error))
    })
  }
}

function explained(error: unknown): string {
  const { message } = summarise(error)
  return error instanceof KeyturnError && error.hint !== undefined ? `${message}\n${error.hint}` : message
}
