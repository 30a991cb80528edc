// From an address to a driver whose ledger, on a PostgreSQL server, has the tables of this program.
import { mkdir } from 'node:fs/promises'
import { sql } from 'kysely'
import { KeyturnError } from '../model/errors.ts'
import { placeOf } from '../model/ledger-url.ts'
import type { PostgresAddress } from '../model/ledger-url.ts'
import { postgres } from './dialect.ts'
import type { Driver } from './driver.ts'
import { compare, keepWitness } from './keeper.ts'
import type { Keeping, Opened } from './keeper.ts'
import { migrate, missing } from './migrate.ts'
import { guarded, openEmpty, outdated, refusingWrites } from './open-sqlite.ts'
import { connectPostgres } from './postgres.ts'
import { migrationLimits } from './postgres-session.ts'
import { driveServer } from './server-driver.ts'
import { placeOnServer } from './witness.ts'
import type { Unit } from './unit.ts'

/** `folder` is where this machine keeps its witness of the ledger; null: nothing notices that a backup was put back. */
export async function openPostgres(
  address: PostgresAddress,
  readOnly: boolean,
  folder: string | null,
  keeping: Keeping,
): Promise<Opened> {
  const driver = await (readOnly ? openForReading(address) : openForWriting(address))
  if (folder === null) return { driver, suspected: () => null }
  const place = placeOnServer(placeOf(address), folder)
  if (readOnly) return compare(driver, place, keeping)
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(keeping.onTrouble)
  return keepWitness(driver, place, keeping)
}

async function openForReading(address: PostgresAddress): Promise<Driver> {
  const driver = driveServer(connectPostgres(address))
  const state = await guardedState(driver, address)
  if (state === 'complete') return refusingWrites(driver)
  await driver[Symbol.asyncDispose]()
  if (state === 'incomplete') throw outdated(placeOf(address))
  return openEmpty()
}

async function openForWriting(address: PostgresAddress): Promise<Driver> {
  const driver = driveServer(connectPostgres(address))
  if ((await guardedState(driver, address)) !== 'complete') await guarded(driver, () => bringUpToDate(driver, address))
  return driver
}

/** Several that start together take turns, and all but the first find nothing to do. */
async function bringUpToDate(driver: Driver, address: PostgresAddress): Promise<Driver> {
  await using patient = driveServer(connectPostgres(address, migrationLimits))
  await patient.write(() => migrate(postgres, Date.now()))
  return driver
}

type State = 'empty' | 'incomplete' | 'complete'

async function guardedState(driver: Driver, address: PostgresAddress): Promise<State> {
  let state: State = 'empty'
  await guarded(driver, async () => {
    state = await driver.read(() => stateOf(placeOf(address)))
    return driver
  })
  return state
}

function* stateOf(name: string): Unit<State> {
  const query = sql<Facts>`select current_setting('server_encoding') as encoding, to_regclass('migration') is not null as known`
  const [facts] = (yield { query }) as readonly Facts[]
  if (facts?.encoding !== 'UTF8') {
    throw new KeyturnError(
      'ledger-unavailable',
      `The database of the ledger ${name} is encoded in ${facts?.encoding}.`,
      {
        hint: "Names need UTF8: create database … encoding 'UTF8' template template0.",
      },
    )
  }
  if (!facts.known) return 'empty'
  return (yield* missing()).length === 0 ? 'complete' : 'incomplete'
}

interface Facts {
  readonly encoding: string
  readonly known: boolean
}
