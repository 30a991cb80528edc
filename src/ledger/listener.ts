// Has anybody committed since? A connection of its own listens, for who asks must be answered at once. While it is down, the
// answer changes every second, so that nobody who polls the ledger stands still.
import { setTimeout } from 'node:timers/promises'
import type { Session } from './postgres-session.ts'

const second = 1_000
/** A connection to a machine that vanished is silent like one without news, ms. */
const askEvery = 5 * second
const answerWithin = 2 * second
const retryAfter = second

export class Listener {
  readonly #open: () => Promise<Session>
  readonly #channel: string
  readonly #isOurs: (pid: number) => boolean
  readonly #end = new AbortController()
  #session: Session | null = null
  #listening: Promise<void> | null = null
  #ours = 0
  #others = 0

  /** @param isOurs is this the server's process by which we write? Of that, `note` tells sooner. */
  constructor(open: () => Promise<Session>, channel: string, isOurs: (pid: number) => boolean) {
    this.#open = open
    this.#channel = channel
    this.#isOurs = isOurs
  }

  /** This process has committed something. */
  note(): void {
    this.#ours += 1
  }

  version(): string {
    if (!this.#end.signal.aborted) this.#listening ??= this.#listen()
    const isDeaf = this.#session?.isLost !== false
    return `${this.#ours}.${this.#others}${isDeaf ? `.${Math.floor(Date.now() / second)}` : ''}`
  }

  async close(): Promise<void> {
    this.#end.abort()
    await this.#session?.end()
    await this.#listening
  }

  async #listen(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const session = await this.#begun().catch(() => null)
      if (session !== null) await this.#until(session)
      await this.#pause(retryAfter)
    }
  }

  async #begun(): Promise<Session> {
    const session = await this.#open()
    session.onNotification((pid) => {
      if (!this.#isOurs(pid)) this.#others += 1
    })
    try {
      await session.command(`listen ${this.#channel}`, answerWithin)
    } catch (error) {
      await session.end()
      throw error
    }
    return session
  }

  /** Until the connection is lost. What was committed before it began to listen is news, too. */
  async #until(session: Session): Promise<void> {
    this.#others += 1
    this.#session = session
    while (!session.isLost && !this.#end.signal.aborted) {
      await this.#pause(askEvery)
      await session.command('select 1', answerWithin).catch(() => undefined)
    }
    this.#session = null
    await session.end()
  }

  async #pause(ms: number): Promise<void> {
    await setTimeout(ms, undefined, { ref: false, signal: this.#end.signal }).catch(() => undefined)
  }
}
