import type { Lane } from '../model/change.ts'
import { type ErrorSummary, isPlatformDown, KeyturnError, summarise } from '../model/errors.ts'
import { type Clock, type Instant, SECOND } from '../model/instant.ts'
import type { Logger } from '../model/ports.ts'
import type { PlatformState } from '../model/running.ts'
import { answered, type Breaker, failed, probeFailed, toldDown, up } from './breaker.ts'
import { inTime } from './patience.ts'

/** What one piece of work told about its platform. `nothing`: the platform was not asked. */
export type JobOutcome = 'fine' | 'nothing' | { readonly outage: ErrorSummary }

/** What a caller gives so that platforms that are down are noticed. */
export interface BreakerOptions {
  /** Resolves when the platform answers; throws what stands in the way. */
  probe(platform: string, signal: AbortSignal): Promise<void>
  /** A platform went down or came back, or was probed in vain: to be stored. */
  onState(state: PlatformState): void
  /** The platform answers again: whatever waits there because of the outage shall be due (`ledger.wake`). */
  onUp(platform: string): Promise<void>
  /** As it was stored: what is down begins paused, with a probe at once. */
  readonly stored: readonly PlatformState[]
  /** A platform that no work has asked for so long is probed, ms: nobody else would notice that it is gone. Absent: never. */
  readonly idle?: number
}

/** Whether one platform can be worked with, as this process knows it. */
export interface Health extends AsyncDisposable {
  isDown(): boolean
  /** May work begin now? Changes wait for the end of an outage; of the revocations a few are always on their way. */
  mayBegin(lane: Lane): boolean
  /** @param beganAt `ticks()` when that work began */
  tell(outcome: JobOutcome, beganAt: number): void
  /** Another process has found out. */
  told(state: PlatformState): void
  /** Milliseconds that only go forward, whatever happens to the clock. */
  ticks(): number
}

export interface HealthOptions extends BreakerOptions {
  readonly platform: string
  /** How many revocations may begin within `tryEvery` while the platform is down. */
  readonly triesAtOnce: number
  readonly clock: Clock
  readonly logger: Logger
  /** Called at every change of state, after `onUp` where it came back. */
  turned(state: 'up' | 'down'): void
}

const tryEvery = SECOND / 4
const probeAtMost = 10 * SECOND
const longestWait = 30 * SECOND
/** After a probe of an idle platform that failed, before the next one confirms it. */
const confirmAfter = SECOND
/** By so much, by chance, an idle platform is probed earlier: not all platforms at once. */
const spread = 0.2

export function openHealth(options: HealthOptions): Health {
  return new PlatformHealth(options)
}

class PlatformHealth implements Health {
  private breaker: Breaker = up
  private since: Instant
  private timer: NodeJS.Timeout | undefined
  private probing: Promise<void> = Promise.resolve()
  private tries = { from: -Infinity, count: 0 }
  /** When it was known last that the platform answers. */
  private heardAt: number
  private readonly stop = new AbortController()
  private readonly options: HealthOptions

  constructor(options: HealthOptions) {
    this.options = options
    this.since = options.clock()
    this.heardAt = this.ticks()
    const stored = options.stored.find(({ platform }) => platform === options.platform)
    if (stored !== undefined) this.told(stored)
    if (!this.isDown()) this.arm()
  }

  ticks(): number {
    return performance.now()
  }

  isDown(): boolean {
    return this.breaker.state === 'down'
  }

  mayBegin(lane: Lane): boolean {
    if (this.breaker.state === 'up') return true
    if (lane === 'change') return false
    const now = this.ticks()
    if (now - this.tries.from >= tryEvery) this.tries = { from: now, count: 0 }
    this.tries.count += 1
    return this.tries.count <= this.options.triesAtOnce
  }

  tell(outcome: JobOutcome, beganAt: number): void {
    if (outcome === 'nothing' || this.stop.signal.aborted) return
    if (outcome === 'fine') this.heard(beganAt)
    else this.become(failed(this.breaker, outcome.outage, beganAt, this.ticks()))
  }

  told({ state, since, error }: PlatformState): void {
    if (state === this.breaker.state) return
    this.breaker = state === 'up' ? up : toldDown(this.ticks(), error, this.ticks())
    this.since = since
    this.heardAt = this.ticks()
    this.arm()
    this.options.turned(state)
  }

  /** @param askedAt when it was asked */
  private heard(askedAt: number): void {
    this.heardAt = this.ticks()
    this.become(answered(this.breaker, askedAt))
  }

  private become(next: Breaker): void {
    const before = this.breaker.state
    this.breaker = next
    if (next.state === before) return
    const { platform, clock, logger } = this.options
    const lasted = clock() - this.since
    this.since = clock()
    this.arm()
    this.store()
    if (next.state === 'down') {
      logger.error('a platform is down: its changes wait, its revocations are tried on', { platform, ...next.error })
      this.options.turned('down')
    } else {
      logger.warn('a platform is up again', { platform, lasted })
      void this.resume()
    }
  }

  private async resume(): Promise<void> {
    const { platform, logger } = this.options
    try {
      await this.options.onUp(platform)
    } catch (error) {
      logger.warn('what waited for a platform is not due at once', { platform, ...summarise(error) })
    }
    if (!this.isDown()) this.options.turned('up')
  }

  private store(): void {
    const { platform, clock } = this.options
    const { breaker, since } = this
    const down = breaker.state === 'down'
    const probeAt = down ? clock() + Math.ceil(breaker.probeAt - this.ticks()) : null
    this.options.onState({ platform, state: breaker.state, since, error: down ? breaker.error : null, probeAt })
  }

  private arm(): void {
    clearTimeout(this.timer)
    const wait = this.untilAsked()
    if (wait === null || this.stop.signal.aborted) return
    const armedAt = this.ticks()
    this.timer = setTimeout(
      () => {
        if (this.breaker.state === 'down') this.probing = this.probe()
        // Work has asked meanwhile.
        else if (this.heardAt > armedAt) this.arm()
        else this.probing = this.probeIdle()
      },
      Math.min(Math.max(0, wait), longestWait),
    )
  }

  /** null: nobody asks whether it is still up. */
  private untilAsked(): number | null {
    if (this.breaker.state === 'down') return this.breaker.probeAt - this.ticks()
    const { idle } = this.options
    if (idle === undefined) return null
    if (this.breaker.failures > 0) return confirmAfter
    return this.heardAt + idle * (1 - spread * Math.random()) - this.ticks()
  }

  /** Trouble that would not count as an outage for work does not count here either: it is told by whoever meets it. */
  private async probeIdle(): Promise<void> {
    const beganAt = this.ticks()
    const error = await this.ask()
    // Whoever found out meanwhile has seen to the next probe.
    if (this.stop.signal.aborted || this.isDown()) return
    if (error !== null && isPlatformDown(error.code)) {
      this.become(failed(this.breaker, error, beganAt, this.ticks()))
    } else this.heard(beganAt)
    if (!this.isDown()) this.arm()
  }

  private async probe(): Promise<void> {
    const error = await this.ask()
    if (this.stop.signal.aborted || this.breaker.state === 'up') return
    if (error === null) return this.heard(this.ticks())
    this.breaker = probeFailed(this.breaker, error, this.ticks())
    this.arm()
    this.store()
  }

  /** null: it answered. */
  private async ask(): Promise<ErrorSummary | null> {
    const { platform } = this.options
    const signal = AbortSignal.any([this.stop.signal, AbortSignal.timeout(probeAtMost)])
    try {
      const end = await inTime(this.options.probe(platform, signal), probeAtMost)
      if (end !== 'late') return null
      throw new KeyturnError('platform-unreachable', `${platform} did not answer a probe within ${probeAtMost} ms`)
    } catch (error) {
      return summarise(error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort()
    clearTimeout(this.timer)
    await inTime(this.probing, SECOND)
  }
}

/** Where nobody asks whether platforms are down: every piece of work finds out by itself. */
export const alwaysUp: Health = {
  isDown: () => false,
  mayBegin: () => true,
  tell: () => undefined,
  told: () => undefined,
  ticks: () => performance.now(),
  [Symbol.asyncDispose]: async () => undefined,
}
