// Hindrances: what plans withhold and no decision releases. Plans are forgotten, so that these are remembered for whoever asks
// between them.
import { hinders, isLeaver } from '../model/change.ts'
import type { Plan, WithheldWhy } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Admission } from '../model/ledger.ts'
import type { Hindrance } from '../model/running.ts'
import type { HindranceRow } from './schema.ts'
import { all, db, forLists, inLists, run, upsertAll } from './unit.ts'
import type { Unit } from './unit.ts'

/** What is to be written, so that the caller can do it in portions: first what is over. */
export interface HindranceNews {
  readonly over: readonly HindranceRow[]
  readonly begun: readonly HindranceRow[]
}

/** For so many people, what is stored of them alone is read; for more, all that there is. */
const fewPeople = 2_000

/**
 * How what is stored differs from this plan, on the platforms that it saw and for people whom it concerns. What a younger plan
 * has stored stays: a plan over everybody is admitted for seconds.
 */
export function* hindranceNews(admission: Admission, concerns: (identity: IdentityId) => boolean): Unit<HindranceNews> {
  const { plan, dueAt } = admission
  const wanted = wantedBy(admission, concerns)
  const people = new Set([...(dueAt?.keys() ?? []), ...plan.withheld.map(({ change }) => change.identity)])
  const isOfFew = isPartial(plan) && people.size <= fewPeople
  const stored = yield* storedOn(Object.keys(plan.situations), isOfFew ? [...people] : null)
  const isOlder = ({ since }: HindranceRow) => since <= plan.madeAt
  const before = new Map(stored.map((row) => [keyOf(row), row]))
  for (const row of stored) {
    if (wanted.has(keyOf(row)) || !isUnseen(admission, row, concerns)) continue
    wanted.set(keyOf(row), { ...row, kept_out: keptOut(admission, row) })
  }
  const over = stored.filter(
    (row) => isOlder(row) && !wanted.has(keyOf(row)) && (concerns(row.identity) || isGivenUp(admission, row.identity)),
  )
  const begun = [...wanted.values()].flatMap((row) => {
    const old = before.get(keyOf(row))
    if (old === undefined) return [row]
    if (!isOlder(old) || (old.text === row.text && old.kept_out === row.kept_out)) return []
    // For somebody who is kept out from now on it counts from now, not from a hindrance of before.
    return [{ ...row, since: old.kept_out === row.kept_out ? old.since : admission.now }]
  })
  return { over, begun }
}

/** The first text of each person, platform and cause. */
function wantedBy(admission: Admission, concerns: (identity: IdentityId) => boolean): Map<string, HindranceRow> {
  const { plan, now } = admission
  const wanted = new Map<string, HindranceRow>()
  for (const { change, why, text } of plan.withheld) {
    const { identity, platform } = change
    // A platform that was not seen has no situations.
    if (!hinders.has(why) || plan.situations[platform] === undefined || !concerns(identity)) continue
    const key = keyOf({ identity, platform, why })
    const other = wanted.get(key)
    const kept_out = other?.kept_out === 1 || isLeaver(change) ? 1 : keptOut(admission, { identity, why })
    wanted.set(key, { identity, platform, why, text: other?.text ?? text, since: now, kept_out })
  }
  return wanted
}

/**
 * Of somebody who is kept out, an account whose owner is disputed may be open; what else is withheld may be about one that is
 * shut.
 */
function keptOut(admission: Admission, { identity, why }: Pick<HindranceRow, 'identity' | 'why'>): 0 | 1 {
  return why === 'disputed' && admission.keptOut?.has(identity) === true ? 1 : 0
}

/** Whether another account carries the key of somebody who is kept out is seen by a plan over everybody only. */
function isUnseen(admission: Admission, row: HindranceRow, concerns: (identity: IdentityId) => boolean): boolean {
  return isPartial(admission.plan) && concerns(row.identity) && keptOut(admission, row) === 1
}

/** Nobody plans for the people of a source that was given up. */
function isGivenUp({ plan, dueAt }: Admission, identity: IdentityId): boolean {
  return !isPartial(plan) && dueAt?.has(identity) === false
}

function isPartial({ undecided }: Plan): boolean {
  return undecided !== undefined
}

function* storedOn(platforms: readonly string[], people: readonly IdentityId[] | null): Unit<readonly HindranceRow[]> {
  if (platforms.length === 0) return []
  const rows = db.selectFrom('hindrance').selectAll().where('platform', 'in', platforms)
  if (people === null) return yield* all(rows)
  return yield* inLists(people, (some) => all(rows.where('identity', 'in', some)))
}

function keyOf({ identity, platform, why }: Pick<HindranceRow, 'identity' | 'platform' | 'why'>): string {
  return JSON.stringify([identity, platform, why])
}

export function* addHindrances(rows: readonly HindranceRow[]): Unit<void> {
  yield* upsertAll('hindrance', ['identity', 'platform', 'why'], rows)
}

export function* dropHindrances(rows: readonly HindranceRow[]): Unit<void> {
  for (const some of Map.groupBy(rows, ({ platform, why }) => JSON.stringify([platform, why])).values()) {
    const { platform = '', why = '' } = some[0] ?? {}
    const gone = db.deleteFrom('hindrance').where('platform', '=', platform).where('why', '=', why)
    const people = some.map(({ identity }) => identity)
    yield* forLists(people, (few) => run(gone.where('identity', 'in', few)))
  }
}

/** Those of people who are kept out first; of each the first so many people, the longest hindered first. */
export function* hindrances(platforms: readonly string[], most: number): Unit<readonly Hindrance[]> {
  if (platforms.length === 0) return []
  const counts = db
    .selectFrom('hindrance')
    .select(['platform', 'why', 'kept_out'])
    .select(({ fn }) => fn.countAll<number>().as('people'))
    .where('platform', 'in', platforms)
    .groupBy(['platform', 'why', 'kept_out'])
    .orderBy('kept_out', 'desc')
    .orderBy('platform')
    .orderBy('why')
  const found: Hindrance[] = []
  for (const { platform, why, kept_out, people } of yield* all(counts)) {
    const rows = db.selectFrom('hindrance').select(['identity', 'text', 'since'])
    const these = rows.where('platform', '=', platform).where('why', '=', why).where('kept_out', '=', kept_out)
    const first = most === 0 ? [] : yield* all(these.orderBy('since').orderBy('identity').limit(most))
    found.push({ platform, why: why as WithheldWhy, keptOut: kept_out === 1, people, first })
  }
  return found
}
