// Runs units of work. Writes that arrive within a few milliseconds share one transaction, and so one wait for the disk; each has
// its own savepoint, so that one that fails is undone alone. Nothing is awaited between BEGIN and COMMIT.
import { setImmediate, setTimeout } from 'node:timers/promises'
import { KeyturnError } from '../model/errors.ts'
import type { Statement, Unit } from './unit.ts'

/** What the driver needs of a database that answers at once. Its methods throw KeyturnError `ledger-busy` when it is locked. */
export interface Connection {
  begin(mode: 'read' | 'write'): void
  commit(): void
  rollback(): void
  savepoint(): void
  /** Ends the savepoint and keeps what was done since. */
  keep(): void
  /** Ends the savepoint and undoes what was done since. */
  undo(): void
  /** False after an error that made the database roll back by itself. */
  inTransaction(): boolean
  execute(statement: Statement): readonly unknown[]
  /** Another text after anybody has changed a row; costs next to nothing. */
  version(): string
  close(): void
}

export interface Driver extends AsyncDisposable {
  readonly read: <T>(unit: () => Unit<T>) => Promise<T>
  /** Resolves after COMMIT, rejects after the unit was undone. The unit may be started again when the ledger was busy. */
  readonly write: <T>(unit: () => Unit<T>) => Promise<T>
  /** Another text whenever anybody has changed a row since. */
  readonly version: () => string
}

interface Job {
  readonly since: number
  /** Runs the unit; returns how to tell the caller after COMMIT. */
  run(): () => void
  fail(error: unknown): void
}

/** How long a unit may wait for other processes, ms. */
const patience = 10_000
/** Jitter between tries, so that several waiting processes do not meet again and again, ms. */
const pause = { least: 1, most: 8 }
/**
 * After a group that kept the ledger locked for `long`, it stays free for `rest`, ms: longer than anybody pauses, so that
 * every process that waits gets its turn. A revocation must not wait for the end of a backlog (law 3).
 */
const fair = { long: 15, rest: 10 }
/**
 * While writes follow each other within this time, the next group is gathered for as long as the disk took for the last one,
 * but not longer than `gatherMost`, ms.
 */
const burst = 10
const gatherMost = 3
/** A group ends after so much work, to let the event loop turn, ms. */
const groupTime = 30

export function drive(connection: Connection, now: () => number = () => performance.now()): Driver {
  const group = gatherWrites(connection, now)
  let closed = false
  return {
    read: (unit) => patiently(() => readNow(connection, unit), now),

    write<T>(unit: () => Unit<T>) {
      return new Promise<T>((resolve, reject) => {
        if (closed) throw new KeyturnError('ledger-unavailable', 'The ledger was closed.')
        const run = () => {
          const value = runUnit(connection, unit())
          return () => resolve(value)
        }
        group.add({ since: now(), run, fail: reject })
      })
    },

    version: () => connection.version(),

    async [Symbol.asyncDispose]() {
      if (closed) return
      closed = true
      await group.done()
      connection.close()
    },
  }
}

/** The queue of writes; `done` resolves when nothing is left of it. */
function gatherWrites(connection: Connection, now: () => number) {
  const jobs: Job[] = []
  let last: Group = { end: -Infinity, commit: 0, locked: 0 }
  let draining: Promise<void> | undefined

  async function gather(): Promise<void> {
    const since = now() - last.end
    const wait = last.locked > fair.long ? fair.rest - since : since < burst ? Math.min(last.commit, gatherMost) : 0
    await (wait < 1 ? setImmediate() : setTimeout(wait))
  }

  async function drain(): Promise<void> {
    await gather()
    while (jobs.length > 0) {
      if (begins(connection, jobs, now)) {
        last = commitGroup(connection, jobs, now)
        await gather()
      } else {
        await setTimeout(jitter())
      }
    }
    draining = undefined
  }

  return {
    add(job: Job): void {
      jobs.push(job)
      draining ??= drain()
    },
    done: async () => draining,
  }
}

/** False when it shall be tried again; an error ends the jobs that it concerns. */
function begins(connection: Connection, jobs: Job[], now: () => number): boolean {
  try {
    connection.begin('write')
    return true
  } catch (error) {
    const busy = isBusy(error)
    for (const job of busy ? jobs.filter(({ since }) => now() - since > patience) : [...jobs]) {
      jobs.splice(jobs.indexOf(job), 1)
      job.fail(busy ? stillBusy(error) : error)
    }
    return false
  }
}

/** Tries again while another process has the ledger locked. Throws KeyturnError `ledger-busy` in the end. */
export async function patiently<T>(work: () => T, now: () => number = () => performance.now()): Promise<T> {
  const since = now()
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (now() - since > patience) throw stillBusy(error)
    }
    await setTimeout(jitter())
  }
}

function readNow<T>(connection: Connection, unit: () => Unit<T>): T {
  connection.begin('read')
  try {
    const value = runUnit(connection, unit())
    connection.commit()
    return value
  } catch (error) {
    connection.rollback()
    throw error
  }
}

/** How long one took, ms. */
interface Group {
  readonly end: number
  readonly commit: number
  /** From BEGIN to COMMIT. */
  readonly locked: number
}

/** Runs the jobs that are there, for a limited time, inside the transaction that has begun. */
function commitGroup(connection: Connection, jobs: Job[], now: () => number): Group {
  const tell: (() => void)[] = []
  const group: Job[] = []
  const begun = now()
  let worked = begun
  try {
    while (jobs.length > 0 && (group.length === 0 || now() - begun < groupTime)) {
      const job = jobs.shift() as Job
      group.push(job)
      tell.push(runJob(connection, job))
    }
    worked = now()
    connection.commit()
  } catch (error) {
    connection.rollback()
    for (const job of group) job.fail(error)
    return { end: now(), commit: 0, locked: 0 }
  }
  const end = now()
  for (const one of tell) one()
  return { end, commit: end - worked, locked: end - begun }
}

/** Returns what to tell the caller after COMMIT. Throws only when the whole transaction is lost. */
function runJob(connection: Connection, job: Job): () => void {
  connection.savepoint()
  try {
    const tell = job.run()
    connection.keep()
    return tell
  } catch (error) {
    if (!connection.inTransaction()) throw error
    connection.undo()
    return () => job.fail(error)
  }
}

/** Runs a unit to its end. An error of the database is thrown inside the unit, at the statement that caused it. */
function runUnit<T>(connection: Pick<Connection, 'execute'>, unit: Unit<T>): T {
  let step = unit.next([])
  while (step.done !== true) {
    let rows: readonly unknown[]
    try {
      rows = connection.execute(step.value)
    } catch (error) {
      step = unit.throw(error)
      continue
    }
    step = unit.next(rows)
  }
  return step.value
}

function isBusy(error: unknown): error is KeyturnError {
  return error instanceof KeyturnError && error.code === 'ledger-busy'
}

function stillBusy(error: KeyturnError): KeyturnError {
  return new KeyturnError('ledger-busy', `${error.message} It did so for ${patience / 1000} s.`, {
    cause: error,
    hint: 'Try again. If it lasts, look for a program that keeps the file open, such as an sqlite3 shell in a transaction.',
  })
}

function jitter(): number {
  return pause.least + Math.random() * (pause.most - pause.least)
}
