// Connections of one kind: a few, each used by one transaction at a time and kept for the next one.
import { closedError } from './group.ts'
import type { Session } from './postgres-session.ts'

export class Sessions {
  readonly #open: () => Promise<Session>
  readonly #most: number
  readonly #idle: Session[] = []
  readonly #used = new Set<Session>()
  readonly #waiting: (() => void)[] = []
  #opening = 0
  #isClosed = false

  constructor(open: () => Promise<Session>, most: number) {
    this.#open = open
    this.#most = most
  }

  /** The last used one; a new one where all are busy. Throws what opening throws. */
  async take(): Promise<Session> {
    while (!this.#isClosed) {
      const idle = this.#idle.pop()
      if (idle?.isLost === true) continue
      if (idle !== undefined) return this.#lend(idle)
      if (this.#used.size + this.#opening < this.#most) return await this.#opened()
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    throw closedError()
  }

  give(session: Session): void {
    this.#used.delete(session)
    if (!session.isLost) {
      if (this.#isClosed) void session.end()
      else this.#idle.push(session)
    }
    this.#waiting.shift()?.()
  }

  /** Is it the server's process of one of these? */
  has(pid: number): boolean {
    return [...this.#idle, ...this.#used].some((session) => session.pid === pid)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const wake of this.#waiting.splice(0)) wake()
    await Promise.all(this.#idle.splice(0).map((session) => session.end()))
  }

  #lend(session: Session): Session {
    this.#used.add(session)
    return session
  }

  async #opened(): Promise<Session> {
    this.#opening += 1
    try {
      return this.#lend(await this.#open())
    } catch (error) {
      // Who waits tries for itself.
      this.#waiting.shift()?.()
      throw error
    } finally {
      this.#opening -= 1
    }
  }
}
