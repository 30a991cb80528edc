// Runs units of work on a database server, whose every answer is waited for. Writes that arrive meanwhile join the transaction that
// is under way (group.ts), each in a savepoint of its own, so that one that fails is undone alone.
import { closedError, failWaiting, gatherWrites, groupTime, isBusy, patience, patiently } from './group.ts'
import type { Group, Job } from './group.ts'
import type { Driver } from './driver.ts'
import type { Statement, Unit } from './unit.ts'

/** A database server. Its methods throw KeyturnError `ledger-busy` where it is worth to try again. */
export interface Server {
  /** A transaction for writing excludes every other one, of whatever process, until it ends. */
  begin(mode: 'read' | 'write'): Promise<Transaction>
  /** Another text after anybody has changed a row. */
  version(): string
  close(): Promise<void>
}

export interface Transaction {
  execute(statement: Statement): Promise<readonly unknown[]>
  savepoint(): Promise<void>
  /** Undoes what was done since the savepoint. */
  undo(): Promise<void>
  commit(): Promise<void>
  /** Never throws: what is not committed is lost in any case. */
  rollback(): Promise<void>
  /** False where nothing of it can be committed any more. */
  isAlive(): boolean
}

interface Work extends Job {
  /** Runs the unit; returns how to tell the caller after COMMIT. */
  run(transaction: Transaction): Promise<() => void>
}

export function driveServer(server: Server, now: () => number = () => performance.now()): Driver {
  const group = gatherWrites<Work>((jobs) => commitGroup(server, jobs, now), now)
  const reads = new Set<Promise<unknown>>()
  let closed = false
  return {
    async read(unit) {
      if (closed) throw closedError()
      const reading = patiently(() => readNow(server, unit), now)
      reads.add(reading)
      return reading.finally(() => reads.delete(reading))
    },

    write<T>(unit: () => Unit<T>) {
      return new Promise<T>((resolve, reject) => {
        if (closed) throw closedError()
        const run = async (transaction: Transaction) => {
          const value = await runUnit(transaction, unit())
          return () => resolve(value)
        }
        group.add({ since: now(), run, fail: reject })
      })
    },

    version: () => server.version(),

    async [Symbol.asyncDispose]() {
      if (closed) return
      closed = true
      await Promise.allSettled([group.done(), ...reads])
      await server.close()
    },
  }
}

async function readNow<T>(server: Server, unit: () => Unit<T>): Promise<T> {
  const transaction = await server.begin('read')
  try {
    const value = await runUnit(transaction, unit())
    await transaction.commit()
    return value
  } catch (error) {
    await transaction.rollback()
    throw error
  }
}

/** Null where no transaction could be begun, and where the server asks for another try. */
async function commitGroup(server: Server, jobs: Work[], now: () => number): Promise<Group | null> {
  let transaction: Transaction
  try {
    transaction = await server.begin('write')
  } catch (error) {
    failWaiting(jobs, error, now())
    return null
  }
  const group: Work[] = []
  try {
    const { tell, worked } = await runGroup(transaction, jobs, group, now)
    await transaction.commit()
    const end = now()
    for (const one of tell) one()
    // The server itself gives the next turn to who has waited longest: nothing must be left free.
    return { end, commit: end - worked, locked: 0 }
  } catch (error) {
    await transaction.rollback()
    return giveUp(group, jobs, error, now())
  }
}

/** Throws only when the whole transaction is lost. */
async function runGroup(transaction: Transaction, jobs: Work[], group: Work[], now: () => number) {
  const tell: (() => void)[] = []
  const begun = now()
  while (jobs.length > 0 && (group.length === 0 || now() - begun < groupTime)) {
    const isFirst = group.length === 0
    const job = jobs.shift() as Work
    group.push(job)
    tell.push(isFirst ? await job.run(transaction) : await runBehind(transaction, job))
  }
  return { tell, worked: now() }
}

/** Returns what to tell the caller after COMMIT. The first of a group needs no savepoint: nothing else would be lost with it. */
async function runBehind(transaction: Transaction, job: Work): Promise<() => void> {
  await transaction.savepoint()
  try {
    return await job.run(transaction)
  } catch (error) {
    if (!transaction.isAlive()) throw error
    await transaction.undo()
    return () => job.fail(error)
  }
}

/** Whoever met the error is told of it; where it concerns the transaction and is worth another try, all of them get it. */
function giveUp(group: readonly Work[], jobs: Work[], error: unknown, now: number): Group | null {
  const again = isBusy(error) ? group.filter(({ since }) => now - since <= patience) : []
  const ended = group.filter((job) => !again.includes(job))
  jobs.unshift(...again)
  failWaiting([...ended], error, now)
  return again.length > 0 ? null : { end: now, commit: 0, locked: 0 }
}

/** Runs a unit to its end. An error of the database is thrown inside the unit, at the statement that caused it. */
async function runUnit<T>(transaction: Transaction, unit: Unit<T>): Promise<T> {
  let step = unit.next([])
  while (step.done !== true) {
    let rows: readonly unknown[]
    try {
      rows = await transaction.execute(step.value)
    } catch (error) {
      step = unit.throw(error)
      continue
    }
    step = unit.next(rows)
  }
  return step.value
}
