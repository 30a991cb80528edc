import { sql } from 'kysely'
import type { Dialect } from '../dialect.ts'
import { db, run } from '../unit.ts'
import type { Unit } from '../unit.ts'
import { instant, maybeInstant, person, rowId, table, text } from './table.ts'

/** Who may take over from whom, since when a revocation is known, how long it took, and which removals were admitted. */
export function* work(dialect: Dialect): Unit<void> {
  yield* run(db.schema.alterTable('obligation').addColumn('claimed_lane', 'text'))
  yield* run(db.schema.alterTable('obligation').addColumn('numbered_at', 'bigint'))
  yield* run(db.schema.alterTable('obligation').addColumn('received_at', 'bigint'))
  yield* holdItems()
  yield* run(db.updateTable('obligation').set({ received_at: sql.ref('admitted_at') }))
  yield* table(
    'removal',
    { platform: text, identity: person, at: instant },
    { primary: ['platform', 'identity'], indexes: [['platform', 'at']] },
  )
  yield* table(
    'revocation',
    {
      id: rowId(dialect.rowId),
      identity: person,
      platform: text,
      effective_at: maybeInstant,
      received_at: instant,
      admitted_at: instant,
      proven_at: instant,
      grade: text,
    },
    { indexes: [['proven_at']] },
  )
  // What is late is looked for among revocations only, however many changes are open.
  yield* run(
    db.schema
      .createIndex('obligation_revoking')
      .on('obligation')
      .column('admitted_at')
      .where(sql.ref('state'), '<>', sql.lit('settled'))
      .where(sql.ref('lane'), '=', sql.lit('revoke')),
  )
  yield* run(db.schema.createIndex('audit_action_at').on('audit').columns(['action', 'at']))
  yield* run(
    db.schema
      .createIndex('obligation_next_try')
      .on('obligation')
      .column('next_try_at')
      .where(sql.ref('state'), '<>', sql.lit('settled'))
      .where(sql.ref('next_try_at'), 'is not', null),
  )
  // Whoever is held is counted every few seconds, among a hundred thousand who are not.
  yield* run(db.schema.createIndex('identity_held').on('identity').column('id').where(sql.ref('held'), 'is not', null))
  yield* leavers()
}

/** Of a hold with a hundred thousand items a few people are looked up, or whether any item has a status. */
function* holdItems(): Unit<void> {
  yield* run(db.schema.alterTable('hold_item').addColumn('change', 'text'))
  yield* run(db.schema.dropIndex('hold_item_hold'))
  yield* run(db.schema.createIndex('hold_item_hold_identity').on('hold_item').columns(['hold', 'identity']))
  yield* run(db.schema.createIndex('hold_item_hold_status').on('hold_item').columns(['hold', 'status']))
}

/** The leaver lock asks every few seconds: it must meet nobody who works here. */
function* leavers(): Unit<void> {
  const shut = db.schema.createIndex('link_leaver').on('link').columns(['platform', 'identity'])
  yield* run(shut.where(sql.ref('shut_by_us'), '=', sql.lit('leaver')))
  const newest = db.schema.createIndex('link_leaver_shut').on('link').columns(['platform', 'shut_at'])
  yield* run(newest.where(sql.ref('shut_by_us'), '=', sql.lit('leaver')))
  const gone = sql`${sql.ref('state')} in (${sql.lit('left')}, ${sql.lit('archived')})`
  yield* run(sql`create index identity_gone on ${sql.table('identity')} (id) where ${gone}`)
  yield* run(sql`create index identity_gone_left on ${sql.table('identity')} (left_at) where ${gone}`)
}
