import { sql } from 'kysely'
import type { Dialect } from '../dialect.ts'
import { db, run } from '../unit.ts'
import type { Unit } from '../unit.ts'
import {
  instant,
  integer,
  maybeInstant,
  maybeInteger,
  maybeText,
  person,
  refersTo,
  rowId,
  table,
  text,
} from './table.ts'

/** The first tables of the ledger. */
export function* start(dialect: Dialect): Unit<void> {
  yield* identity()
  yield* people(dialect)
  yield* reads()
  yield* accounts()
  yield* obligations(dialect)
  yield* work(dialect)
  yield* holds(dialect)
  yield* record(dialect)
}

function* identity(): Unit<void> {
  yield* table(
    'identity',
    {
      id: { type: 'text', build: (c) => c.primaryKey().notNull() },
      source: text,
      key: text,
      attributes: text,
      refers_to: text,
      unresolved: maybeText,
      status: text,
      starts_at: maybeInstant,
      ends_at: maybeInstant,
      access_ends_at: maybeInstant,
      zone: text,
      state: text,
      next_at: maybeInstant,
      next_state: maybeText,
      held: maybeText,
      left_at: maybeInstant,
      announced_at: maybeInstant,
      vanished_at: maybeInstant,
      left_before_first_seen: integer,
      first_seen_at: instant,
      reason: text,
      record_hash: text,
      place: text,
      folded_id: text,
      folded_key: text,
      folded_mail: maybeText,
      folded_email: maybeText,
    },
    {
      unique: [['source', 'key']],
      indexes: [['folded_id'], ['folded_key'], ['folded_mail'], ['folded_email']],
    },
  )
}

function* people(dialect: Dialect): Unit<void> {
  const id = rowId(dialect.rowId)
  yield* table(
    'identity_history',
    { id, identity: person, at: instant, correlation: text, old: text },
    { indexes: [['identity', 'id']] },
  )
  yield* table(
    'event',
    {
      id,
      identity: person,
      kind: text,
      effective_at: instant,
      observed_at: instant,
      reason: text,
      changed: text,
      correlation: text,
    },
    { indexes: [['identity', 'id']] },
  )
  yield* table(
    'reference',
    { identity: person, name: text, target: text },
    { primary: ['identity', 'name'], indexes: [['target']] },
  )
  yield* table(
    'held_role',
    { identity: person, role: text, since: instant, lost_at: maybeInstant },
    { primary: ['identity', 'role'] },
  )
}

function* reads(): Unit<void> {
  yield* table(
    'accepted_read',
    { source: text, at: instant, row_count: integer, active: integer, modified_at: instant, mapping_version: text },
    { primary: ['source'] },
  )
  yield* table('refused_read', { source: text, at: instant, why: text, hint: text }, { primary: ['source'] })
}

function* accounts(): Unit<void> {
  yield* table(
    'link',
    {
      identity: person,
      platform: text,
      native_id: text,
      name: text,
      folded_name: text,
      address: text,
      how: text,
      linked_at: instant,
      shut_by_us: maybeText,
      password_scrambled: integer,
      found_shut: integer,
      shut_at: maybeInstant,
    },
    { primary: ['identity', 'platform'], unique: [['platform', 'native_id']], indexes: [['folded_name']] },
  )
  yield* table(
    'name_claim',
    { platform: text, name: text, identity: person, claimed_at: instant },
    { primary: ['platform', 'name'], indexes: [['name'], ['identity', 'platform']] },
  )
  yield* table(
    'grant',
    { identity: person, platform: text, entitlement: text, reason: text, granted_at: instant },
    { primary: ['platform', 'identity', 'entitlement'] },
  )
  yield* table('number_sequence', { name: text, next: instant }, { primary: ['name'] })
}

function* obligations(dialect: Dialect): Unit<void> {
  yield* table('plan', {
    id: rowId(dialect.rowId),
    hash: text,
    at: instant,
    policy_version: text,
    changes: integer,
    withheld: integer,
    correlation: text,
    operator: text,
  })
  yield* table(
    'obligation',
    {
      id: rowId(dialect.rowId),
      identity: person,
      platform: text,
      lane: text,
      wanted: integer,
      settled: integer,
      state: text,
      tries: integer,
      next_try_at: maybeInstant,
      claim: maybeText,
      worker: maybeText,
      claimed_at: maybeInstant,
      claimed_until: maybeInstant,
      claimed_number: maybeInteger,
      admitted_at: instant,
      effective_at: maybeInstant,
      correlation: text,
      operator: text,
      plan_hash: text,
      error: maybeText,
      proof: maybeText,
    },
    { unique: [['identity', 'platform']] },
  )
  // What is settled is most of the table, and nobody looks for it.
  yield* run(
    db.schema
      .createIndex('obligation_unsettled')
      .on('obligation')
      .columns(['platform', 'lane', 'admitted_at'])
      .where(sql.ref('state'), '<>', sql.lit('settled')),
  )
}

function* work(dialect: Dialect): Unit<void> {
  const id = rowId(dialect.rowId)
  const obligation = refersTo('obligation')
  yield* table(
    'admitted_change',
    {
      id,
      obligation,
      number: integer,
      kind: text,
      change: text,
      status: text,
      account_of: maybeText,
      error: maybeText,
    },
    { indexes: [['obligation', 'number']] },
  )
  yield* run(
    db.schema
      .createIndex('admitted_change_waiting')
      .on('admitted_change')
      .column('account_of')
      .where(sql.ref('status'), '=', sql.lit('waiting')),
  )
  yield* table(
    'intent',
    { id, obligation, token: text, kind: text, target: text, at: instant },
    { indexes: [['obligation']] },
  )
  yield* table(
    'revocation_step',
    { id, obligation, step: text, at: instant, detail: text },
    { indexes: [['obligation']] },
  )
}

function* holds(dialect: Dialect): Unit<void> {
  const id = rowId(dialect.rowId)
  yield* table(
    'hold',
    {
      id,
      platform: text,
      why: text,
      text,
      status: text,
      made_at: instant,
      decided_at: maybeInstant,
      decided_by: maybeText,
      reason: maybeText,
    },
    { indexes: [['status']] },
  )
  yield* table(
    'hold_item',
    { id, hold: refersTo('hold'), fingerprint: text, identity: person, summary: text, status: text },
    { indexes: [['hold'], ['identity', 'status']] },
  )
}

function* record(dialect: Dialect): Unit<void> {
  yield* table(
    'audit',
    {
      id: rowId(dialect.rowId),
      at: instant,
      correlation: text,
      identity: maybeText,
      platform: maybeText,
      account: maybeText,
      action: text,
      reason: maybeText,
      operator: text,
      before: maybeText,
      after: maybeText,
      asked_at: maybeInstant,
      result: text,
      detail: maybeText,
    },
    { indexes: [['identity', 'id']] },
  )
  for (const statement of dialect.appendOnly('audit')) yield* run(statement)
}
