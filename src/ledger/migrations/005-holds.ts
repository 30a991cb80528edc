import { sql } from 'kysely'
import { db, run } from '../unit.ts'
import type { Unit } from '../unit.ts'
import { integer, refersTo, table } from './table.ts'

/** Numbers of holds that change when something is added, and who decided about each item. */
export function* holds(): Unit<void> {
  yield* run(db.schema.alterTable('hold').addColumn('number', 'integer'))
  yield* run(db.updateTable('hold').set({ number: sql.ref('id') }))
  yield* run(db.schema.createIndex('hold_number').unique().on('hold').column('number'))
  yield* table('superseded_number', { number: integer, hold: refersTo('hold') }, { primary: ['number'] })
  yield* run(db.schema.alterTable('hold_item').addColumn('joined', 'integer'))
  yield* run(db.schema.alterTable('hold_item').addColumn('decided_at', 'bigint'))
  yield* run(db.schema.alterTable('hold_item').addColumn('decided_by', 'text'))
  yield* run(db.schema.alterTable('hold_item').addColumn('reason', 'text'))
}
