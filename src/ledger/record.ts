import type { Selectable } from 'kysely'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Admission, AuditRecord } from '../model/ledger.ts'
import type { Reason } from '../model/place.ts'
import type { Schema } from './schema.ts'
import { db, each, first, insertAll, run } from './unit.ts'
import type { Unit } from './unit.ts'

export function* writeAudit(records: readonly AuditRecord[]): Unit<void> {
  yield* insertAll(
    'audit',
    records.map((record) => ({
      at: record.at,
      correlation: record.correlation,
      identity: record.identity,
      platform: record.platform,
      account: record.account,
      action: record.action,
      reason: record.reason === null ? null : JSON.stringify(record.reason),
      operator: record.operator,
      before: record.before,
      after: record.after,
      asked_at: record.askedAt,
      result: record.result,
      detail: record.detail,
    })),
  )
}

/** The newest first. */
export function* auditOf(identity: IdentityId, most: number): Unit<readonly AuditRecord[]> {
  const rows = db.selectFrom('audit').selectAll().where('identity', '=', identity).orderBy('id', 'desc').limit(most)
  return yield* each(rows, toRecord)
}

/** Records of one action, the newest first. */
export function* auditSince(action: string, since: Instant, most: number): Unit<readonly AuditRecord[]> {
  const rows = db.selectFrom('audit').selectAll().where('action', '=', action).where('at', '>=', since)
  return yield* each(rows.orderBy('at', 'desc').orderBy('id', 'desc').limit(most), toRecord)
}

/** Records after this number, the oldest first. */
export function* auditAfter(after: number, most: number): Unit<readonly (AuditRecord & { readonly id: number })[]> {
  const rows = db.selectFrom('audit').selectAll().where('id', '>', after).orderBy('id').limit(most)
  return yield* each(rows, (row) => ({ id: row.id, ...toRecord(row) }))
}

export function* lastAudit(): Unit<number> {
  return (yield* first(db.selectFrom('audit').select('id').orderBy('id', 'desc').limit(1)))?.id ?? 0
}

function toRecord(row: Selectable<Schema['audit']>): AuditRecord {
  return {
    at: row.at,
    correlation: row.correlation,
    identity: row.identity,
    platform: row.platform,
    account: row.account,
    action: row.action,
    reason: row.reason === null ? null : (JSON.parse(row.reason) as Reason),
    operator: row.operator,
    before: row.before,
    after: row.after,
    askedAt: row.asked_at,
    result: row.result,
    detail: row.detail,
  }
}

/** A plan that is admitted again and again (nothing to do, the same holds) stays one row. */
export function* savePlan({ plan, correlation, operator, now }: Admission): Unit<void> {
  const last = yield* first(db.selectFrom('plan').select(['id', 'hash']).orderBy('id', 'desc').limit(1))
  const values = { at: now, correlation, operator, policy_version: plan.policyVersion }
  if (last?.hash === plan.id) {
    yield* run(db.updateTable('plan').set(values).where('id', '=', last.id))
    return
  }
  const counts = { changes: plan.changes.length, withheld: plan.withheld.length }
  yield* run(db.insertInto('plan').values({ hash: plan.id, ...values, ...counts }))
}

export interface PlanRecord {
  readonly id: string
  readonly at: number
  readonly policyVersion: string
  readonly changes: number
  readonly withheld: number
}

/** The newest first. */
export function* plans(most: number): Unit<readonly PlanRecord[]> {
  return yield* each(db.selectFrom('plan').selectAll().orderBy('id', 'desc').limit(most), (row) => ({
    id: row.hash,
    at: row.at,
    policyVersion: row.policy_version,
    changes: row.changes,
    withheld: row.withheld,
  }))
}
