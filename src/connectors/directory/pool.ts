import { KeyturnError } from '../../model/errors.ts'
import type { Logger, Secrets } from '../../model/ports.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import { Connection } from './connection.ts'
import { LdapResultError, directoryError } from './errors.ts'
import { Gate, mostInFlight } from './flight.ts'

export interface DirectoryAccess {
  readonly settings: DirectorySettings
  readonly secrets: Secrets
  readonly logger: Logger
}

/** Requests in flight on one connection from which another one is opened beside it. */
const busy = 32

/**
 * Connections that are signed in, for one purpose: a revoke lane has a pool of its own, so that nothing else delays it.
 * They are opened one at a time and when they are needed; a dead one is replaced by the next request. The password is
 * resolved anew for each (law 11), so that a rotated one is found.
 */
export class Pool implements AsyncDisposable {
  readonly #access: DirectoryAccess
  readonly #size: number
  readonly #gate = new Gate(mostInFlight)
  #connections: Connection[] = []
  #opening: Promise<Connection> | null = null
  #closed = false

  constructor(access: DirectoryAccess, size = 2) {
    this.#access = access
    this.#size = size
  }

  /**
   * Runs `work` on a connection; others may use the same one meanwhile, 64 at most.
   * @throws what `work` throws; KeyturnError when no connection can be had (`platform-unreachable`, `platform-untrusted`,
   *   `platform-sign-in-refused`, `secret-unavailable`, `insecure`)
   */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#gate.run(async () => work(await this.#pick()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#opening?.catch(() => undefined)
    await Promise.all(this.#connections.map((connection) => connection[Symbol.asyncDispose]()))
    this.#connections = []
  }

  async #pick(): Promise<Connection> {
    this.#connections = this.#connections.filter((connection) => connection.alive)
    const [first, ...others] = this.#connections
    if (first === undefined) return this.#open()
    const idlest = others.reduce((best, next) => (next.inFlight < best.inFlight ? next : best), first)
    if (idlest.inFlight >= busy && this.#connections.length < this.#size && this.#opening === null) {
      this.#open().catch((error: unknown) =>
        this.#access.logger.debug('a further connection could not be opened', {
          platform: this.#access.settings.id,
          error: error instanceof Error ? error.message : String(error),
        }),
      )
    }
    return idlest
  }

  /** Everybody who waits for a first connection waits for the same one: a wrong password is tried once, not 64 times. */
  #open(): Promise<Connection> {
    if (this.#closed)
      throw new KeyturnError('platform-unreachable', `${this.#access.settings.id}: the connector is closed.`)
    this.#opening ??= signIn(this.#access)
      .then((connection) => {
        this.#connections.push(connection)
        return connection
      })
      .finally(() => {
        this.#opening = null
      })
    return this.#opening
  }
}

/**
 * Opens a connection and signs in with the account of the configuration. When the signal aborts, the connection ends.
 * @throws KeyturnError as `Pool.use`
 */
export async function signIn({ settings, secrets }: DirectoryAccess, signal?: AbortSignal): Promise<Connection> {
  const password = await secrets.resolve(settings.bind.password)
  const connection = await Connection.open(settings, signal)
  try {
    await connection.bind(settings.bind.dn, password)
    return connection
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error instanceof LdapResultError ? signInError(error, settings) : error
  }
}

function signInError(error: LdapResultError, settings: DirectorySettings): KeyturnError {
  // 32 and 53 come from servers that say more than 49 about a sign-in that they refuse.
  const refused = 'platform-sign-in-refused'
  return directoryError(error, {
    platform: settings.id,
    doing: `signing in as ${settings.bind.dn}`,
    codes: { 1: refused, 19: refused, 32: refused, 34: refused, 50: refused, 53: refused },
    ...(error.code === 49
      ? {
          text: 'the DN or the password is wrong, or the account is locked',
          hint: `Check bind.dn and ${settings.bind.password}.`,
        }
      : {}),
  })
}
