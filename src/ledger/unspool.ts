// What a revocation did while the ledger could not be written becomes part of it.
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { AuditRecord } from '../model/ledger.ts'
import type { NewOverride, Spooled, SpooledLeaver } from '../model/running.ts'
import { markAgain } from './look-again.ts'
import { override, overridesOf } from './overrides.ts'
import { saveChanged } from './intake.ts'
import { acceptedRead, identitiesById } from './people.ts'
import { writeAudit } from './record.ts'
import { all, db, each, forLists, inLists, run } from './unit.ts'
import type { Unit } from './unit.ts'

/** The same spool twice writes nothing twice: whoever brings it may die before it is put away. */
export function* unspool(
  { audit, shut, left = [], overrides = [] }: Spooled,
  now: Instant,
  correlation: string,
): Unit<void> {
  const known = yield* recorded(audit)
  yield* writeAudit(audit.filter((record) => !known.has(lineOf(record))))
  for (const [source, some] of Map.groupBy(left, ({ identity }) => identity.source))
    yield* describe(source, some, correlation)
  for (const word of overrides.toSorted((a, b) => a.madeAt - b.madeAt)) yield* take(word, correlation)
  for (const [platform, some] of Map.groupBy(shut, (one) => one.platform)) yield* keepShut(platform, some)
  const told = [...shut, ...audit].flatMap(({ identity }) => identity ?? [])
  // A ledger that was restored from a backup may not know all of them.
  const people = yield* inLists([...new Set(told)], (some) =>
    all(db.selectFrom('identity').select('id').where('id', 'in', some)),
  )
  yield* markAgain(
    people.map(({ id }) => id),
    'spool',
    now,
    correlation,
  )
}

/** What a source said of people who were shut, unless the ledger has accepted a later read of it. */
function* describe(source: string, left: readonly SpooledLeaver[], correlation: string): Unit<void> {
  const read = (yield* acceptedRead(source))?.at ?? -Infinity
  const latest = new Map(left.filter(({ at }) => at > read).map((one) => [one.identity.id, one]))
  const some = [...latest.values()]
  const result = {
    source,
    accepted: null,
    refused: null,
    identities: [],
    changed: some.map(({ identity }) => identity),
    events: some.flatMap(({ events }) => events),
    problems: [],
    known: new Map(some.map(({ identity, known }) => [identity.id, known])),
  }
  if (some.length > 0) yield* saveChanged(result, correlation)
}

/** An operator's word that could not be written when it was said. One that was said since then stands above it. */
function* take(word: NewOverride, correlation: string): Unit<void> {
  const { identity, kind, madeAt } = word
  const isKnown = (yield* identitiesById([identity])).length > 0
  const isOld = (yield* overridesOf(identity)).some((one) => one.kind === kind && one.madeAt >= madeAt)
  if (isKnown && !isOld) yield* override(word, correlation)
}

function* recorded(audit: readonly AuditRecord[]): Unit<ReadonlySet<string>> {
  const people = new Set(audit.flatMap(({ identity }) => identity ?? []))
  const since = audit.reduce((least, { at }) => Math.min(least, at), Infinity)
  const rows = db.selectFrom('audit').select(['at', 'identity', 'platform', 'account', 'action', 'result', 'detail'])
  const lines = yield* inLists([...people], (some) =>
    each(rows.where('identity', 'in', some).where('at', '>=', since), lineOf),
  )
  return new Set(lines)
}

function lineOf(
  record: Pick<AuditRecord, 'at' | 'identity' | 'platform' | 'account' | 'action' | 'result' | 'detail'>,
): string {
  const { at, identity, platform, account, action, result, detail } = record
  return JSON.stringify([at, identity, platform, account, action, result, detail])
}

/** Only where we have shut it ourselves may we open it again (law 8); who held it before stays as it was. */
function* keepShut(platform: string, shut: Spooled['shut']): Unit<void> {
  const accounts = new Map<IdentityId, string>(shut.map(({ identity, nativeId }) => [identity, nativeId]))
  const links = yield* inLists([...accounts.keys()], (people) =>
    all(
      db
        .selectFrom('link')
        .select(['identity', 'native_id'])
        .where('platform', '=', platform)
        .where('identity', 'in', people)
        .where('shut_by_us', 'is', null),
    ),
  )
  const ours = links.filter((link) => accounts.get(link.identity) === link.native_id).map(({ identity }) => identity)
  yield* forLists(ours, (people) =>
    run(
      db
        .updateTable('link')
        .set({ shut_by_us: 'suspend' })
        .where('platform', '=', platform)
        .where('identity', 'in', people),
    ),
  )
}
