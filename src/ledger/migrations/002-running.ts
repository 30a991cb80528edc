import { sql } from 'kysely'
import type { Dialect } from '../dialect.ts'
import { db, run } from '../unit.ts'
import type { Unit } from '../unit.ts'
import { instant, integer, maybeInstant, maybePerson, maybeText, person, rowId, table, text } from './table.ts'

/** What a running daemon remembers of people, operators and itself. */
export function* running(dialect: Dialect): Unit<void> {
  yield* identity()
  yield* reads()
  yield* lookAgain(dialect)
  yield* overrides(dialect)
  yield* daemon()
}

function* identity(): Unit<void> {
  yield* run(db.schema.alterTable('identity').addColumn('revision', 'integer', (c) => c.notNull().defaultTo(1)))
  yield* run(db.schema.alterTable('identity').addColumn('due_at', 'bigint'))
  // Until the next admission says it better, the clock knows of them what the last intake has said.
  yield* run(db.updateTable('identity').set({ due_at: sql.ref('next_at') }))
  // Few people wait for a date, and the clock asks for them again and again.
  yield* run(db.schema.createIndex('identity_due').on('identity').column('due_at').where('due_at', 'is not', null))
}

function* reads(): Unit<void> {
  yield* run(db.schema.alterTable('accepted_read').addColumn('number', 'integer', (c) => c.notNull().defaultTo(1)))
  yield* run(db.schema.alterTable('accepted_read').addColumn('digest', 'text'))
  yield* run(db.schema.alterTable('accepted_read').addColumn('set_aside', 'text'))
}

function* lookAgain(dialect: Dialect): Unit<void> {
  yield* table(
    'look_again',
    {
      id: rowId(dialect.rowId),
      identity: maybePerson,
      cause: text,
      since: instant,
      correlation: text,
      urgent: integer,
    },
    { indexes: [['identity']] },
  )
  // Asked for several times a second, however many others wait.
  yield* run(sql`create index look_again_urgent on ${sql.table('look_again')} (id) where urgent = 1`)
}

function* overrides(dialect: Dialect): Unit<void> {
  yield* table(
    'override',
    {
      id: rowId(dialect.rowId),
      identity: person,
      kind: text,
      state: maybeText,
      emergency: integer,
      until: maybeInstant,
      reason: text,
      operator: text,
      made_at: instant,
      ended_at: maybeInstant,
    },
    {
      indexes: [
        ['identity', 'id'],
        ['operator', 'made_at'],
      ],
    },
  )
  // One of each kind per person, whoever writes at the same time.
  yield* run(
    db.schema
      .createIndex('override_standing')
      .unique()
      .on('override')
      .columns(['identity', 'kind'])
      .where(sql.ref('ended_at'), 'is', null),
  )
}

function* daemon(): Unit<void> {
  yield* table('tick', { schedule: text, at: instant }, { primary: ['schedule', 'at'] })
  yield* table(
    'platform_state',
    { platform: text, state: text, since: instant, error: maybeText, probe_at: maybeInstant },
    { primary: ['platform'] },
  )
  yield* table(
    'process',
    {
      id: text,
      roles: text,
      started_at: instant,
      seen_at: instant,
      policy_version: text,
      refused_config: maybeText,
    },
    { primary: ['id'], indexes: [['seen_at']] },
  )
  yield* table(
    'notice',
    {
      key: text,
      kind: text,
      severity: text,
      text,
      platform: maybeText,
      // What is noticed may be of somebody whom the ledger never knew.
      identity: maybeText,
      since: instant,
    },
    { primary: ['key'] },
  )
}
