// What the processes of a daemon tell each other: which ticks were fired, how platforms do, who is there, what was told.
import type { Instant } from '../model/instant.ts'
import type { Notice, NoticeKind, NoticeNews, PlatformState, ProcessState } from '../model/running.ts'
import type { NoticeRow } from './schema.ts'
import { all, db, each, first, forLists, insertAll, run, upsertAll } from './unit.ts'
import type { Unit } from './unit.ts'

const day = 86_400_000
/** Ticks that are older are forgotten when the next one is fired. */
const tickMemory = 7 * day
/** Processes that were killed never say that they end. */
const processMemory = day

/** True for the first who asks. */
export function* tick(schedule: string, at: Instant, now: Instant): Unit<boolean> {
  const old = now - tickMemory
  if (at < old && (yield* firedSince(schedule, at))) return false
  const fired = yield* first(
    db
      .insertInto('tick')
      .values({ schedule, at })
      .onConflict((conflict) => conflict.columns(['schedule', 'at']).doNothing())
      .returning('at'),
  )
  if (fired === undefined) return false
  // The newest stays, however old: a schedule may be slower than the memory is long.
  yield* run(db.deleteFrom('tick').where('schedule', '=', schedule).where('at', '<', Math.min(old, at)))
  return true
}

/** Its own row may be forgotten by now, but not that of a later tick. */
function* firedSince(schedule: string, at: Instant): Unit<boolean> {
  const rows = db.selectFrom('tick').select('at').where('schedule', '=', schedule).where('at', '>=', at).limit(1)
  return (yield* first(rows)) !== undefined
}

export function* platformStates(): Unit<readonly PlatformState[]> {
  return yield* each(db.selectFrom('platform_state').selectAll().orderBy('platform'), (row) => ({
    platform: row.platform,
    state: row.state as PlatformState['state'],
    since: row.since,
    error: row.error === null ? null : (JSON.parse(row.error) as PlatformState['error']),
    probeAt: row.probe_at,
  }))
}

export function* savePlatformState({ platform, state, since, error, probeAt }: PlatformState): Unit<void> {
  const row = { platform, state, since, error: error === null ? null : JSON.stringify(error), probe_at: probeAt }
  yield* upsertAll('platform_state', ['platform'], [row])
}

export function* saveProcess(process: ProcessState): Unit<void> {
  const { id, roles, startedAt, seenAt, policyVersion, refusedConfig } = process
  const times = { started_at: startedAt, seen_at: seenAt }
  const config = { policy_version: policyVersion, refused_config: refusedConfig }
  yield* upsertAll('process', ['id'], [{ id, roles: JSON.stringify(roles), ...times, ...config }])
  yield* run(db.deleteFrom('process').where('seen_at', '<', seenAt - processMemory))
}

export function* endProcess(id: string): Unit<void> {
  yield* run(db.deleteFrom('process').where('id', '=', id))
}

export function* processes(since: Instant): Unit<readonly ProcessState[]> {
  const rows = db.selectFrom('process').selectAll().where('seen_at', '>=', since).orderBy('started_at').orderBy('id')
  return yield* each(rows, (row) => ({
    id: row.id,
    roles: JSON.parse(row.roles) as string[],
    startedAt: row.started_at,
    seenAt: row.seen_at,
    policyVersion: row.policy_version,
    refusedConfig: row.refused_config,
  }))
}

/** Told anew when the reason is another one: whoever corrects a mistake wants to know of the next. */
const toldAnew: ReadonlySet<NoticeKind> = new Set<NoticeKind>(['config-refused'])

/** What begins and what is over is told to this caller, and to no other: it is written down in the same transaction. */
export function* noticed(present: readonly Notice[], now: Instant): Unit<NoticeNews> {
  const told = new Map(
    (yield* all(db.selectFrom('notice').selectAll().orderBy('since').orderBy('key'))).map((row) => [row.key, row]),
  )
  const current = new Map(present.map((notice) => [notice.key, notice]))
  const begun = [...current.values()].filter(({ key }) => !told.has(key)).map((notice) => ({ ...notice, since: now }))
  const changed = [...current.values()].flatMap((notice) => {
    const before = told.get(notice.key)
    const isNews = before !== undefined && toldAnew.has(notice.kind) && before.text !== notice.text
    return isNews ? [{ ...notice, since: before.since }] : []
  })
  const over = [...told.values()].filter(({ key }) => !current.has(key))
  for (const { key, text } of changed) yield* run(db.updateTable('notice').set({ text }).where('key', '=', key))
  yield* insertAll(
    'notice',
    begun.map(({ key, kind, severity, text, platform, identity, since }) => ({
      key,
      kind,
      severity,
      text,
      platform,
      identity,
      since,
    })),
  )
  yield* forLists(
    over.map(({ key }) => key),
    (some) => run(db.deleteFrom('notice').where('key', 'in', some)),
  )
  return { begun: [...begun, ...changed], over: over.map(toNotice) }
}

function toNotice(row: NoticeRow): Notice & { readonly since: Instant } {
  return { ...row, kind: row.kind as NoticeKind, severity: row.severity as Notice['severity'] }
}
