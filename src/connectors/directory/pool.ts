import { KeyturnError } from '../../model/errors.ts'
import type { Logger, Secrets } from '../../model/ports.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import { Connection } from './connection.ts'
import { LdapResultError, directoryError } from './errors.ts'
import { Gate, mostInFlight } from './flight.ts'
import { insist } from './insist.ts'
import { readEntry } from './search.ts'

export interface DirectoryAccess {
  readonly settings: DirectorySettings
  readonly secrets: Secrets
  readonly logger: Logger
}

/** Requests in flight on one connection from which another one is opened beside it. */
const busy = 32

/** Connections beyond the size of a pool, beside those that have fallen silent. */
const spare = 2

/** A connection of which something was heard in this time is trusted with a write, ms. */
const trusted = 5_000

export interface UseOptions {
  /**
   * The work may be done a second time, on another connection, even while the first try still goes on: it reads, or it sets
   * what may be set a hundred times; and it keeps nothing of a try but what it returns.
   */
  readonly again?: boolean
}

/**
 * Connections that are signed in, for one purpose: a revoke lane has a pool of its own, so that nothing else delays it.
 * They are opened one at a time and when they are needed; a dead one is replaced by the next request. The password is
 * resolved anew for each (law 11), so that a rotated one is found.
 *
 * A connection that a firewall has cut looks alive until it is used. So one that was quiet for a while is asked something light
 * before it gets a write; and what may be done again and hears nothing for a second is done on another connection, too.
 */
export class Pool implements AsyncDisposable {
  readonly #access: DirectoryAccess
  readonly #size: number
  readonly #gate = new Gate(mostInFlight)
  #connections: Connection[] = []
  #opening: Promise<Connection> | null = null
  #failed: { readonly at: number; readonly error: unknown } | null = null
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
  async use<T>(work: (connection: Connection) => Promise<T>, { again = false }: UseOptions = {}): Promise<T> {
    const asked = performance.now()
    return this.#gate.run(async () => (again ? this.#insist(work, asked) : work(await this.#trusted(asked))))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#opening?.catch(() => undefined)
    await Promise.all(this.#connections.map((connection) => connection[Symbol.asyncDispose]()))
    this.#connections = []
  }

  /** A connection that has answered a moment ago. */
  async #trusted(asked: number): Promise<Connection> {
    for (;;) {
      const connection = await this.#pick(asked)
      if (connection.quietFor < trusted) return connection
      await this.#insist(greet, asked)
    }
  }

  async #insist<T>(work: (connection: Connection) => Promise<T>, asked: number): Promise<T> {
    const first = await this.#pick(asked)
    return insist(first, work, () => this.#pick(performance.now(), first))
  }

  async #pick(asked: number, except?: Connection): Promise<Connection> {
    this.#connections = this.#connections.filter((connection) => connection.alive)
    const others = this.#connections.filter((connection) => connection !== except)
    const talking = others.filter((connection) => !connection.silent)
    const full = this.#connections.length >= this.#size + spare
    const idlest = leastBusy(talking.length === 0 && full ? others : talking)
    if (idlest === undefined) return this.#open(asked)
    if (idlest.inFlight >= busy && this.#connections.length < this.#size && this.#opening === null) {
      this.#open(asked).catch((error: unknown) =>
        this.#access.logger.debug('a further connection could not be opened', {
          platform: this.#access.settings.id,
          error: error instanceof Error ? error.message : String(error),
        }),
      )
    }
    return idlest
  }

  /**
   * Everybody who waits for a first connection waits for the same one: a wrong password is tried once, not 64 times. Who had
   * asked before the last try failed fails with it: a thousand requests do not wait for a frozen server one after the other.
   */
  async #open(asked: number): Promise<Connection> {
    if (this.#closed)
      throw new KeyturnError('platform-unreachable', `${this.#access.settings.id}: the connector is closed.`)
    if (this.#opening === null && this.#failed !== null && this.#failed.at >= asked) throw this.#failed.error
    this.#opening ??= signIn(this.#access)
      .then((connection) => {
        this.#connections.push(connection)
        return connection
      })
      .catch((error: unknown) => {
        this.#failed = { at: performance.now(), error }
        throw error
      })
      .finally(() => {
        this.#opening = null
      })
    return this.#opening
  }
}

function leastBusy(connections: readonly Connection[]): Connection | undefined {
  const [first, ...others] = connections
  return others.reduce((best, next) => (best === undefined || next.inFlight < best.inFlight ? next : best), first)
}

/** The lightest question: whether there is a root DSE. An answer of any kind will do. */
async function greet(connection: Connection): Promise<void> {
  try {
    await readEntry(connection, '', ['1.1'])
  } catch (error) {
    if (!(error instanceof LdapResultError)) throw error
  }
}

/**
 * Opens a connection and signs in with the account of the configuration. When the signal aborts, the connection ends.
 * @throws KeyturnError as `Pool.use`
 */
export async function signIn({ settings, secrets }: DirectoryAccess, signal?: AbortSignal): Promise<Connection> {
  const password = await secrets.resolve(settings.bind.password)
  const connection = await Connection.open(settings, signal)
  const { where } = connection.endpoint
  // A server that hangs would else keep everybody waiting for as long as a request may take.
  const late = `${where} took the connection, but did not answer the sign-in within ${settings.timeouts.connect} ms.`
  const giveUp = (): void => connection.abandon(new KeyturnError('platform-unreachable', late))
  const timer = setTimeout(giveUp, settings.timeouts.connect)
  try {
    await connection.bind(settings.bind.dn, password)
    return connection
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error instanceof LdapResultError ? signInError(error, settings) : error
  } finally {
    clearTimeout(timer)
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
