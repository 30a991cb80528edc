// Numbered migrations: each runs once, all that are missing in one transaction. A published one is never edited.
import { KeyturnError } from '../model/errors.ts'
import type { Instant } from '../model/instant.ts'
import type { Dialect } from './dialect.ts'
import { start } from './migrations/001-start.ts'
import { running } from './migrations/002-running.ts'
import { work } from './migrations/003-work.ts'
import { self } from './migrations/004-self.ts'
import { holds } from './migrations/005-holds.ts'
import { hindrances } from './migrations/006-hindrances.ts'
import { all, db, run } from './unit.ts'
import type { Unit } from './unit.ts'

interface Migration {
  readonly number: number
  readonly name: string
  up(dialect: Dialect): Unit<void>
}

const known: readonly Migration[] = [
  { number: 1, name: 'start', up: start },
  { number: 2, name: 'running', up: running },
  { number: 3, name: 'work', up: work },
  { number: 4, name: 'self', up: self },
  { number: 5, name: 'holds', up: holds },
  { number: 6, name: 'hindrances', up: hindrances },
]

/**
 * Brings the ledger to the tables of this program.
 * Throws KeyturnError `ledger-unavailable` when a newer program has written the ledger.
 */
export function* migrate(dialect: Dialect, now: Instant, migrations: readonly Migration[] = known): Unit<void> {
  yield* run(
    db.schema
      .createTable('migration')
      .ifNotExists()
      .addColumn('number', 'integer', (c) => c.primaryKey().notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('applied_at', 'bigint', (c) => c.notNull()),
  )
  for (const migration of yield* missing(migrations)) {
    yield* migration.up(dialect)
    yield* run(db.insertInto('migration').values({ number: migration.number, name: migration.name, applied_at: now }))
  }
}

/** Which migrations this ledger lacks. Throws like `migrate`. */
export function* missing(migrations: readonly Migration[] = known): Unit<readonly Migration[]> {
  const applied = yield* all(db.selectFrom('migration').select('number').orderBy('number'))
  const has = applied.at(-1)?.number ?? 0
  const knows = migrations.at(-1)?.number ?? 0
  if (has > knows) {
    throw new KeyturnError(
      'ledger-unavailable',
      `The ledger has version ${has}, and this program knows versions up to ${knows}: a newer Keyturn has written it.`,
      { hint: 'Run the newer Keyturn, or restore the ledger that was saved before the upgrade.' },
    )
  }
  return migrations.filter((migration) => migration.number > has)
}
