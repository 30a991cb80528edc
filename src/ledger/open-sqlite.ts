// From a path to a driver whose ledger has the tables of this program.
import { accessSync, constants, existsSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { KeyturnError } from '../model/errors.ts'
import { sqlite } from './dialect.ts'
import { drive } from './driver.ts'
import type { Driver } from './driver.ts'
import { patiently } from './group.ts'
import { closeToOthers, createLedger, ledgerExists } from './file.ts'
import { compare, keepWitness } from './keeper.ts'
import type { Keeping, Opened } from './keeper.ts'
import { migrate, missing } from './migrate.ts'
import { connect } from './sqlite.ts'
import type { OpenOptions } from './sqlite.ts'
import { placeOfFile, separateLog } from './witness.ts'

export const memory = ':memory:'

/** The ledger in this file, or in memory. */
export async function openSqlite(path: string, readOnly: boolean, keeping: Keeping): Promise<Opened> {
  if (path === memory) return { driver: await openNew(memory, readOnly), suspected: () => null }
  await separateLog(path)
  if (!ledgerExists(path)) {
    if (readOnly) return compare(await openEmpty(), placeOfFile(path), keeping)
    await createLedger(path, async (draft) => (await openNew(draft, false))[Symbol.asyncDispose]())
  }
  return readOnly ? compare(await openForReading(path), placeOfFile(path), keeping) : openForWriting(path, keeping)
}

/** To plan needs no ledger: where there is none, nothing is known of anybody. But there may have been one. */
export function openEmpty(): Promise<Driver> {
  return openNew(memory, true)
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
  return keepWitness(driver, placeOfFile(path), keeping)
}

async function openNew(path: string, readOnly: boolean): Promise<Driver> {
  const driver = await openFile(path, { queryOnly: false, fileReadOnly: false })
  return guarded(driver, async () => {
    await driver.write(() => migrate(sqlite, Date.now()))
    return readOnly ? refusingWrites(driver) : driver
  })
}

/** Where SQLite cannot make its files beside the ledger, such as on a disk that was mounted for reading only, a copy is read. */
async function openForReading(path: string): Promise<Driver> {
  try {
    // Whoever may write the file opens it so: only then does SQLite tidy up its files beside the ledger in the end.
    return await openInPlace(path, { queryOnly: true, fileReadOnly: !mayWrite(path) })
  } catch (error) {
    return openCopy(path).catch(() => {
      throw error
    })
  }
}

async function openCopy(path: string): Promise<Driver> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-ledger-'))
  const clear = () => rm(folder, { recursive: true, force: true })
  try {
    const copy = join(folder, basename(path))
    await copyFile(path, copy)
    // What is not in the file yet; after an orderly end there is none.
    if (existsSync(`${path}-wal`)) await copyFile(`${path}-wal`, `${copy}-wal`)
    const driver = await openInPlace(copy, { queryOnly: true, fileReadOnly: false })
    return {
      ...driver,
      [Symbol.asyncDispose]: async () => {
        await driver[Symbol.asyncDispose]()
        await clear()
      },
    }
  } catch (error) {
    await clear()
    throw error
  }
}

async function openInPlace(path: string, options: OpenOptions): Promise<Driver> {
  const driver = await openFile(path, options)
  return guarded(driver, async () => {
    const lacking = await driver.read(missing)
    if (lacking.length === 0) return refusingWrites(driver)
    throw outdated(path)
  })
}

export function outdated(name: string): KeyturnError {
  return new KeyturnError('ledger-unavailable', `The ledger ${name} was written by an older Keyturn.`, {
    hint: 'Run a command that writes, such as keyturn apply: it brings the ledger up to date.',
  })
}

function openFile(path: string, options: OpenOptions): Promise<Driver> {
  return patiently(() => drive(connect(path, options)))
}

/** Closes the driver when it cannot be used. */
export async function guarded(driver: Driver, use: () => Promise<Driver>): Promise<Driver> {
  try {
    return await use()
  } catch (error) {
    await driver[Symbol.asyncDispose]()
    throw error
  }
}

export function refusingWrites(driver: Driver): Driver {
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
