import type { Control } from 'ldapts'
import type { DirectorySettings } from '../../model/settings.ts'
import { Connection } from './connection.ts'
import { LdapResultError } from './errors.ts'
import { Gate } from './flight.ts'
import { insist } from './insist.ts'

/** Sign-ins under way at once: more would only wait in the server. */
const atOnce = 8

/** A connection that waits longer for its next use is closed, ms: one that was just used needs no doubt. */
const keptFor = 5_000

/**
 * Tries passwords of others. Every try is a sign-in of its own, on a connection that is used for nothing else and that nobody
 * is signed in on (RFC 4511, section 4.2.1: each bind begins anew). Connections are kept for a moment: in a burst of leavers
 * the handshakes would cost more than all the rest.
 */
export class Tries implements AsyncDisposable {
  readonly #settings: DirectorySettings
  readonly #gate = new Gate(atOnce)
  #kept: Connection[] = []
  #sweep: NodeJS.Timeout | null = null

  constructor(settings: DirectorySettings) {
    this.#settings = settings
  }

  /**
   * Resolves when the server lets the password in.
   * @throws LdapResultError when the server refuses, KeyturnError when there was no answer
   */
  async signIn(dn: string, password: string, controls: readonly Control[] = []): Promise<void> {
    const attempt = (connection: Connection) => this.#signInOn(connection, dn, password, controls)
    const open = () => Connection.open(this.#settings)
    await this.#gate.run(async () => {
      const kept = this.#take()
      return kept === undefined ? attempt(await open()) : insist(kept, attempt, open)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#sweep !== null) clearTimeout(this.#sweep)
    await this.#close(this.#kept.splice(0))
  }

  async #signInOn(connection: Connection, dn: string, password: string, controls: readonly Control[]): Promise<void> {
    try {
      await connection.bind(dn, password, controls)
    } catch (error) {
      if (error instanceof LdapResultError) this.#keep(connection)
      else await connection[Symbol.asyncDispose]()
      throw error
    }
    // Somebody is signed in on it now.
    await connection[Symbol.asyncDispose]()
  }

  #take(): Connection | undefined {
    for (;;) {
      const connection = this.#kept.pop()
      if (connection === undefined || (connection.alive && connection.quietFor < keptFor)) return connection
      void connection[Symbol.asyncDispose]()
    }
  }

  #keep(connection: Connection): void {
    this.#kept.push(connection)
    this.#sweep ??= setTimeout(() => {
      this.#sweep = null
      void this.#close(this.#kept.splice(0))
    }, keptFor).unref()
  }

  async #close(connections: readonly Connection[]): Promise<void> {
    await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()))
  }
}
