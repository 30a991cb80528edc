// From a URL to a driver whose ledger has the tables of this program.
import { accessSync, constants } from 'node:fs'
import { isAbsolute } from 'node:path'
import { KeyturnError } from '../model/errors.ts'
import { sqlite } from './dialect.ts'
import { drive, patiently } from './driver.ts'
import type { Driver } from './driver.ts'
import { closeToOthers, createLedger, ledgerExists } from './file.ts'
import { compare, keepWitness } from './keeper.ts'
import type { Keeping, Opened } from './keeper.ts'
import { migrate, missing } from './migrate.ts'
import { connect } from './sqlite.ts'
import type { OpenOptions } from './sqlite.ts'
import { separateLog } from './witness.ts'

const memory = ':memory:'

/** Throws KeyturnError `config-invalid` for a URL that names no ledger. */
export function pathOf(url: string): string {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ''
  if (path === memory || isAbsolute(path)) return path
  throw new KeyturnError('config-invalid', `"${withoutPassword(url)}" names no ledger.`, {
    hint: 'Allowed are sqlite:/absolute/path.db, and sqlite::memory: for trials that nothing shall outlive.',
  })
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@]*@/, '//…@')
}

export async function openDriver(url: string, readOnly: boolean, keeping: Keeping): Promise<Opened> {
  const path = pathOf(url)
  if (path === memory) return { driver: await openNew(memory, readOnly), suspected: () => null }
  await separateLog(path)
  if (!ledgerExists(path)) {
    // To plan needs no ledger: where there is none, nothing is known of anybody. But there may have been one.
    if (readOnly) return compare(await openNew(memory, true), path, keeping)
    await createLedger(path, async (draft) => (await openNew(draft, false))[Symbol.asyncDispose]())
  }
  return readOnly ? compare(await openForReading(path), path, keeping) : openForWriting(path, keeping)
}

async function openForWriting(path: string, keeping: Keeping): Promise<Opened> {
  closeToOthers(path)
  const driver = await openFile(path, { queryOnly: false, fileReadOnly: false })
  closeToOthers(path)
  await guarded(driver, async () => {
    const lacking = await driver.read(missing)
    if (lacking.length > 0) await driver.write(() => migrate(sqlite, Date.now()))
    return driver
  })
  return keepWitness(driver, path, keeping)
}

async function openNew(path: string, readOnly: boolean): Promise<Driver> {
  const driver = await openFile(path, { queryOnly: false, fileReadOnly: false })
  return guarded(driver, async () => {
    await driver.write(() => migrate(sqlite, Date.now()))
    return readOnly ? refusingWrites(driver) : driver
  })
}

async function openForReading(path: string): Promise<Driver> {
  // Whoever may write the file opens it so: only then does SQLite tidy up its files beside the ledger in the end.
  const driver = await openFile(path, { queryOnly: true, fileReadOnly: !mayWrite(path) })
  return guarded(driver, async () => {
    const lacking = await driver.read(missing)
    if (lacking.length === 0) return refusingWrites(driver)
    throw new KeyturnError('ledger-unavailable', `The ledger ${path} was written by an older Keyturn.`, {
      hint: 'Run a command that writes, such as keyturn apply: it brings the ledger up to date.',
    })
  })
}

function openFile(path: string, options: OpenOptions): Promise<Driver> {
  return patiently(() => drive(connect(path, options)))
}

/** Closes the driver when it cannot be used. */
async function guarded(driver: Driver, use: () => Promise<Driver>): Promise<Driver> {
  try {
    return await use()
  } catch (error) {
    await driver[Symbol.asyncDispose]()
    throw error
  }
}

function refusingWrites(driver: Driver): Driver {
  return {
    read: (unit) => driver.read(unit),
    version: () => driver.version(),
    write: () =>
      Promise.reject(
        new KeyturnError('ledger-unavailable', 'The ledger was opened for reading only; nothing is written.'),
      ),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
