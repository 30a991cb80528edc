// The ledger on a PostgreSQL server. Whoever writes takes one lock first and keeps it until COMMIT, so that units that write follow
// one another as they do in SQLite (docs/decisions/034).
import type { PostgresAddress } from '../model/ledger-url.ts'
import { placeOf } from '../model/ledger-url.ts'
import { KeyturnError } from '../model/errors.ts'
import { postgres } from './dialect.ts'
import { Listener } from './listener.ts'
import { Session, usualLimits } from './postgres-session.ts'
import type { Limits } from './postgres-session.ts'
import type { Server, Transaction } from './server-driver.ts'
import { Sessions } from './sessions.ts'
import type { Statement } from './unit.ts'

/** Connections of one process that read at the same time; one more writes, and one listens where somebody asks for news. */
const readers = 3

/** Any number that nobody else takes in this database; "keyturn" in ASCII. */
const lock = 0x6b65797475726en

/**
 * READ COMMITTED: each statement sees what was committed before it begins, and nobody else commits while we hold the lock. In
 * a transaction of a higher level everything would be seen as it was before we began to wait for the lock.
 */
const beginWriting = `begin isolation level read committed; select pg_advisory_xact_lock(${lock})`
const beginReading = 'begin isolation level repeatable read, read only'
const channel = 'keyturn'

export function connectPostgres(address: PostgresAddress, limits: Limits = usualLimits): Server {
  const open = () => Session.open(address, limits)
  const reading = new Sessions(open, readers)
  const writing = new Sessions(open, 1)
  const news = new Listener(open, channel, (pid) => writing.has(pid))
  const place = placeOf(address)
  return {
    begin: async (mode) =>
      mode === 'read'
        ? new PostgresTransaction(await begin(reading, beginReading, limits.statement), reading, place)
        : new PostgresTransaction(await begin(writing, beginWriting, limits.lock), writing, place, () => news.note()),
    version: () => news.version(),
    close: async () => {
      await Promise.all([reading.close(), writing.close(), news.close()])
    },
  }
}

/** A connection that died while nobody used it is replaced, and nobody is told. */
async function begin(sessions: Sessions, text: string, within: number): Promise<Session> {
  for (;;) {
    const session = await sessions.take()
    const { isFresh } = session
    try {
      await session.command(text, within)
      return session
    } catch (error) {
      await session.command('rollback').catch(() => undefined)
      sessions.give(session)
      if (isFresh || session.timedOut || !session.isLost) throw error
    }
  }
}

class PostgresTransaction implements Transaction {
  readonly #session: Session
  readonly #sessions: Sessions
  readonly #place: string
  /** Called after COMMIT where a row was changed. */
  readonly #onChanged: () => void
  #isAlive = true
  #isOver = false
  #hasChanged = false
  /** Commands that go out with the next one: each way to the server takes time. */
  #pending = ''

  constructor(session: Session, sessions: Sessions, place: string, onChanged: () => void = () => undefined) {
    this.#session = session
    this.#sessions = sessions
    this.#place = place
    this.#onChanged = onChanged
  }

  async execute({ query, map, again }: Statement): Promise<readonly unknown[]> {
    return this.#watched(async () => {
      const { text, values } = compiled(query, again)
      const { rows, result } = await this.#session.ask({ text, values: values.map(bindable), ...named(again) }, map)
      if (result.command !== 'SELECT' && result.rowCount !== 0) this.#hasChanged = true
      return rows
    })
  }

  async savepoint(): Promise<void> {
    await this.#watched(async () => {
      await this.#session.command(`${this.#pending}savepoint unit`)
    })
    this.#pending = 'release savepoint unit; '
  }

  async undo(): Promise<void> {
    await this.#watched(async () => {
      await this.#session.command('rollback to savepoint unit; release savepoint unit')
    })
    this.#pending = ''
  }

  async commit(): Promise<void> {
    const notify = this.#hasChanged ? `notify ${channel}; ` : ''
    const results = await this.#watched(() => this.#session.command(`${this.#pending}${notify}commit`))
    this.#end()
    // After a statement that failed, PostgreSQL answers COMMIT with a rollback and no error.
    if (results.at(-1)?.command !== 'COMMIT')
      throw new KeyturnError('ledger-unavailable', `The ledger ${this.#place} took back what was to be committed.`)
    if (this.#hasChanged) this.#onChanged()
  }

  async rollback(): Promise<void> {
    if (this.#isOver) return
    if (!this.#session.isLost) await this.#session.command('rollback').catch(() => undefined)
    this.#end()
  }

  isAlive(): boolean {
    return this.#isAlive
  }

  #end(): void {
    this.#isOver = true
    this.#isAlive = false
    this.#sessions.give(this.#session)
  }

  async #watched<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const isBusy = error instanceof KeyturnError && error.code === 'ledger-busy'
      if (isBusy || this.#session.isLost) this.#isAlive = false
      throw error
    }
  }
}

/** What comes again and again is compiled once in this process, and prepared once on each connection. */
const known = new Map<string, { readonly name: string; readonly text: string }>()
const knownMost = 300

function compiled(query: Statement['query'], again: Statement['again']) {
  if (again === undefined) {
    const { sql: text, parameters: values } = postgres.compile(query)
    return { text, values }
  }
  const text = known.get(again.key)?.text ?? postgres.compile(query).sql
  if (!known.has(again.key) && known.size < knownMost) known.set(again.key, { name: `again_${known.size}`, text })
  return { text, values: again.values }
}

function named(again: Statement['again']): { readonly name?: string } {
  const name = again === undefined ? undefined : known.get(again.key)?.name
  return name === undefined ? {} : { name }
}

/** Every number of the ledger is a whole one; texts cannot hold the character 0 here, which no name has either. */
function bindable(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value) : null
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\u{FFFD}') : value
}
