// One connection to PostgreSQL, through the package pg. Nothing that is asked of it waits for ever.
import { readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { Client, Query, types } from 'pg'
import type { ClientConfig, QueryConfig, QueryResult } from 'pg'
import { placeOf } from '../model/ledger-url.ts'
import type { PostgresAddress } from '../model/ledger-url.ts'
import { missingPassword, translate, unreachable } from './postgres-errors.ts'

const second = 1_000
/** How long it may take until a connection is there, ms. */
const connectWithin = 5 * second
/** How much longer than the server this side waits, ms: the server says better what was too much. */
const grace = 3 * second
/** How long a connection is given to end in peace, ms. */
const endWithin = second

export interface Limits {
  /** For one statement, ms. */
  readonly statement: number
  /** For the turn to write, ms: before the driver's patience ends, so that it decides who goes on waiting. */
  readonly lock: number
}

export const usualLimits: Limits = { statement: 30 * second, lock: 3 * second }
/** A new version may rewrite large tables, and all who start with it wait for the first of them. */
export const migrationLimits: Limits = { statement: 3600 * second, lock: 3600 * second }

/** How long a transaction may stand still before the server ends it, so that a frozen process keeps nobody from writing, ms. */
const idleInTransaction = 10 * second
/** A machine that vanished says nothing: the server asks after 10 s, and takes it for gone after 15 more. */
const keepAlive = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3'

/** All of these are numbers, as SQLite gives them: instants and counts are far below 2^53. */
const { INT2, INT4, INT8, NUMERIC } = types.builtins
type Oid = Parameters<typeof types.getTypeParser>[0]
const numeric = new Set<Oid>([INT2, INT4, INT8, NUMERIC])
const parsers = {
  getTypeParser: ((oid: Oid, format?: 'text') =>
    numeric.has(oid) ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
}

/** What pg's clients have besides what their types say. */
type WholeClient = Client & { readonly processID: number; ref(): void; unref(): void }

export class Session {
  /** It was not used since it was made: what goes wrong is not its age. */
  isFresh = true
  readonly #client: WholeClient
  readonly #socket: Socket
  readonly #place: string
  readonly #limits: Limits
  #isLost = false
  #timedOut = false

  private constructor(client: Client, socket: Socket, place: string, limits: Limits) {
    this.#client = client as WholeClient
    this.#socket = socket
    this.#place = place
    this.#limits = limits
    // Told to who asks next; an 'error' event without a listener would end the process.
    client.on('error', () => this.#lose())
    client.on('end', () => this.#lose())
  }

  /** Throws KeyturnError `ledger-unavailable`. */
  static async open(address: PostgresAddress, limits: Limits = usualLimits): Promise<Session> {
    const place = placeOf(address)
    const socket = new Socket()
    try {
      const client = new Client(await configOf(address, socket, limits))
      const session = new Session(client, socket, place, limits)
      await session.#within(connectWithin, () => client.connect())
      session.#client.unref()
      return session
    } catch (error) {
      socket.destroy()
      throw translate(place, error, true)
    }
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** The server did not answer at all: another connection would wait as long. */
  get timedOut(): boolean {
    return this.#timedOut
  }

  /** The number of the server's process, by which it names who notified. */
  get pid(): number {
    return this.#client.processID
  }

  onNotification(listener: (pid: number) => void): void {
    this.#client.on('notification', ({ processId }) => listener(processId))
  }

  /** One or several commands without values; the results of all of them. */
  async command(text: string, within: number = this.#limits.statement): Promise<readonly QueryResult[]> {
    const results: unknown = await this.#asked(within, () => this.#client.query(text))
    return Array.isArray(results) ? (results as QueryResult[]) : [results as QueryResult]
  }

  /** With `map`, rows become values one by one, so that a large answer is never there twice. */
  async ask(config: QueryConfig, map?: (row: never) => unknown): Promise<{ rows: unknown[]; result: QueryResult }> {
    return this.#asked(this.#limits.statement, async () => {
      const query = new Query(config)
      const rows: unknown[] = []
      const failed: unknown[] = []
      query.on('row', (row) => {
        try {
          rows.push(map === undefined ? row : map(row as never))
        } catch (error) {
          // Thrown here, in the midst of what arrives, it would end the process.
          failed.push(error)
        }
      })
      const ended = new Promise<QueryResult>((resolve, reject) => {
        query.on('error', reject)
        query.on('end', resolve)
      })
      this.#client.query(query)
      const result = await ended
      if (failed.length > 0) throw failed[0]
      return { rows, result }
    })
  }

  async end(): Promise<void> {
    if (this.#isLost) return
    const late = setTimeout(() => this.#socket.destroy(), endWithin)
    await this.#client.end().catch(() => undefined)
    clearTimeout(late)
  }

  /** The process stays alive as long as it waits for an answer, and not because of a connection that nobody uses. */
  async #asked<T>(within: number, work: () => Promise<T>): Promise<T> {
    if (this.#isLost) throw unreachable(this.#place, undefined, 'the connection was lost')
    this.#client.ref()
    try {
      const answer = await this.#within(within + grace, work)
      this.isFresh = false
      return answer
    } catch (error) {
      throw translate(this.#place, error, this.#isLost)
    } finally {
      if (!this.#isLost) this.#client.unref()
    }
  }

  async #within<T>(ms: number, work: () => Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      this.#timedOut = true
      this.#lose()
      reject(unreachable(this.#place, undefined, `it did not answer within ${ms / second} s`))
    }, ms)
    try {
      return await Promise.race([work(), late])
    } finally {
      clearTimeout(timer)
    }
  }

  #lose(): void {
    this.#isLost = true
    this.#socket.destroy()
  }
}

async function configOf(address: PostgresAddress, socket: Socket, limits: Limits): Promise<ClientConfig> {
  const { user, password, host, port, database } = address
  return {
    user,
    // Asked only where the server wants one; no other place is looked into.
    password: password ?? (() => Promise.reject(missingPassword(placeOf(address)))),
    host,
    port,
    database,
    ssl: address.tls ? await trust(address) : false,
    stream: () => socket,
    types: parsers,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10 * second,
    application_name: 'keyturn',
    options: keepAlive,
    statement_timeout: limits.statement,
    lock_timeout: limits.lock,
    idle_in_transaction_session_timeout: idleInTransaction,
  }
}

async function trust({ host, files }: PostgresAddress) {
  const read = async (path: string | undefined) => (path === undefined ? undefined : readFile(path, 'utf8'))
  const [ca, cert, key] = await Promise.all([files.ca, files.certificate, files.key].map(read))
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    // Also where it is an IP address, which TLS is not told.
    checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(host, certificate),
  }
}
