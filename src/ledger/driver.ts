// Runs units of work on a database that answers at once. Writes that arrive together share one transaction (group.ts); each has its
// own savepoint, so that one that fails is undone alone. Nothing is awaited between BEGIN and COMMIT.
import { closedError, failWaiting, gatherWrites, groupTime, patiently } from './group.ts'
import type { Group, Job } from './group.ts'
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

interface Work extends Job {
  /** Runs the unit; returns how to tell the caller after COMMIT. */
  run(): () => void
}

export function drive(connection: Connection, now: () => number = () => performance.now()): Driver {
  const group = gatherWrites<Work>(
    (jobs) => (begins(connection, jobs, now) ? commitGroup(connection, jobs, now) : null),
    now,
  )
  let closed = false
  return {
    read: (unit) => patiently(() => readNow(connection, unit), now),

    write<T>(unit: () => Unit<T>) {
      return new Promise<T>((resolve, reject) => {
        if (closed) throw closedError()
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

/** False when it shall be tried again; an error ends the jobs that it concerns. */
function begins(connection: Connection, jobs: Work[], now: () => number): boolean {
  try {
    connection.begin('write')
    return true
  } catch (error) {
    failWaiting(jobs, error, now())
    return false
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

/** Runs the jobs that are there, for a limited time, inside the transaction that has begun. */
function commitGroup(connection: Connection, jobs: Work[], now: () => number): Group {
  const tell: (() => void)[] = []
  const group: Work[] = []
  const begun = now()
  let worked = begun
  try {
    while (jobs.length > 0 && (group.length === 0 || now() - begun < groupTime)) {
      const job = jobs.shift() as Work
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
function runJob(connection: Connection, job: Work): () => void {
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
