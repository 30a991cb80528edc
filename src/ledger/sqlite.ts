// One connection to one SQLite file, through the SQLite that is part of Node.js.
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue, StatementSync } from 'node:sqlite'
import { KeyturnError } from '../model/errors.ts'
import { sqlite } from './dialect.ts'
import type { Connection } from './driver.ts'
import type { Statement } from './unit.ts'

/** A longer one would freeze the event loop: SQLite sleeps in this thread. The driver waits instead, and tries again. */
const busyTimeout = 2
const preparedStatements = 300
const cacheKibibytes = 32_768
const journalLimit = 64 * 1024 * 1024
/** Pages in the write-ahead log before they are copied into the file: fewer copies of the same page than with 1,000. */
const checkpointPages = 4_000

export interface OpenOptions {
  /** Refuse every write. */
  readonly queryOnly: boolean
  /** This user may not write the file at all. */
  readonly fileReadOnly: boolean
}

/** Opens the file, or `:memory:`. Throws KeyturnError `ledger-busy` or `ledger-unavailable`. */
export function connect(path: string, options: OpenOptions): Connection {
  return translated(path, () => {
    const database = new DatabaseSync(path, {
      timeout: busyTimeout,
      readOnly: options.fileReadOnly,
      enableForeignKeyConstraints: true,
    })
    try {
      // FULL: a committed transaction survives a power cut, also in WAL mode.
      if (!options.queryOnly) database.exec('pragma journal_mode = wal; pragma synchronous = full')
      database.exec(`pragma cache_size = -${cacheKibibytes}; pragma journal_size_limit = ${journalLimit}`)
      database.exec(`pragma wal_autocheckpoint = ${checkpointPages}`)
      if (options.queryOnly) database.exec('pragma query_only = on')
    } catch (error) {
      database.close()
      throw error
    }
    return connection(path, database)
  })
}

function connection(path: string, database: DatabaseSync): Connection {
  const cache: Cache = new Map()
  const others = database.prepare('pragma data_version')
  const own = database.prepare('select total_changes() as changes')
  const exec = (sql: string) => translated(path, () => database.exec(sql))
  return {
    begin: (mode) => exec(mode === 'write' ? 'begin immediate' : 'begin'),
    commit: () => exec('commit'),
    rollback: () => {
      if (database.isTransaction) exec('rollback')
    },
    savepoint: () => exec('savepoint unit'),
    keep: () => exec('release unit'),
    undo: () => exec('rollback to unit; release unit'),
    inTransaction: () => database.isTransaction,
    execute: (statement) => translated(path, () => execute(database, cache, statement)),
    // The pragma tells of other connections (sqlite.org/pragma.html#pragma_data_version), the function of this one.
    version: () => translated(path, () => Object.values({ ...others.get(), ...own.get() }).join('.')),
    close: () => database.close(),
  }
}

/** Prepared statements by their SQL, or by the key of one that comes again and again; the last used come last. */
type Cache = Map<string, StatementSync>

function execute(database: DatabaseSync, cache: Cache, { query, map, again }: Statement): unknown[] {
  const compiled = again !== undefined && cache.has(again.key) ? undefined : sqlite.compile(query)
  const prepared = prepare(database, cache, again?.key ?? compiled?.sql ?? '', compiled?.sql)
  const values = (again?.values ?? compiled?.parameters ?? []) as SQLInputValue[]
  if (map === undefined) return prepared.all(...values)
  const result: unknown[] = []
  for (const row of prepared.iterate(...values)) result.push(map(row as never))
  return result
}

function prepare(database: DatabaseSync, cache: Cache, key: string, sql = ''): StatementSync {
  const prepared = cache.get(key) ?? database.prepare(sql)
  cache.delete(key)
  cache.set(key, prepared)
  const oldest = cache.keys().next().value
  if (cache.size > preparedStatements && oldest !== undefined) cache.delete(oldest)
  return prepared
}

function translated<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw translate(path, error)
  }
}

/** SQLite's primary result codes, https://www.sqlite.org/rescode.html, that are not a mistake in this program. */
const unavailableCodes: Readonly<Record<number, readonly [what: string, hint: string]>> = {
  3: ['may not be used by this user', 'Check the owner and mode of the file and its folder.'],
  8: ['cannot be written: it was opened for reading only', 'Check the owner and mode of the file and its folder.'],
  10: ['could not be read or written', 'Check the disk and the file system.'],
  11: ['is damaged', 'Restore it from a backup; `sqlite3 FILE ".recover"` may save what is newer.'],
  13: [
    'could not be written: the disk is full',
    'Free some space. What it holds is not lost; what was to be written just now is not in it.',
  ],
  14: ['cannot be opened', 'Check that the folder exists and that this user may read and write it.'],
  26: ['is not an SQLite database', 'Restore it from a backup, or name another file.'],
}

function translate(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error
  const code = error.errcode & 0xff
  if (code === 5 || code === 6) {
    return new KeyturnError('ledger-busy', `Another process is writing the ledger ${path}.`, {
      cause: error,
      hint: 'Try again. If it lasts, look for a program that keeps the file open, such as an sqlite3 shell in a transaction.',
    })
  }
  const known = unavailableCodes[code]
  if (known !== undefined) {
    const [what, hint] = known
    return new KeyturnError('ledger-unavailable', `The ledger ${path} ${what} (${error.message}).`, {
      cause: error,
      hint,
    })
  }
  // SQLITE_CONSTRAINT_FOREIGNKEY
  if (error.errcode === 787) {
    return new KeyturnError('not-found', 'A person is named whom the ledger does not know.', {
      cause: error,
      hint: 'Save the people first: every link, grant and change belongs to one.',
    })
  }
  return error
}
