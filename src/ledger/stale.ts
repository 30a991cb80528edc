// Whether a plan still speaks of people as they are.
import type { Plan } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Admission } from '../model/ledger.ts'
import type { Portion } from './portions.ts'
import { all, db, each, inLists } from './unit.ts'
import type { Unit } from './unit.ts'

/**
 * Those whose description is another one than the plan was made from, and those for whom a younger plan was admitted
 * meanwhile: what it owes must not be taken back by this one. Nobody where the admission names no revisions.
 */
export function* staleAmong(
  { revisions, plan, now }: Admission,
  { people, changes, standby }: Pick<Portion, 'people' | 'changes' | 'standby'>,
): Unit<ReadonlySet<IdentityId>> {
  if (revisions === undefined) return new Set()
  const rows = yield* inLists(
    people.filter((identity) => revisions.has(identity)),
    (some) => all(db.selectFrom('identity').select(['id', 'revision']).where('id', 'in', some)),
  )
  const stale = new Set(rows.filter(({ id, revision }) => revisions.get(id) !== revision).map(({ id }) => id))
  const concerned = new Set([...changes, ...standby].map(({ identity }) => identity))
  const younger = yield* inLists([...concerned], (some) =>
    all(
      db
        .selectFrom('obligation')
        .select('identity')
        .where('identity', 'in', some)
        .where('numbered_at', '>', plan.madeAt)
        // What lies ahead was numbered by a clock that was set back since: it is not younger.
        .where('numbered_at', '<=', now + longestAdmission)
        .where('plan_hash', '<>', plan.id),
    ),
  )
  for (const { identity } of younger) stale.add(identity)
  for (const identity of yield* crowdedOut(plan, people)) stale.add(identity)
  return stale
}

/**
 * Those whose removal the limit let pass, but would not any more: another plan, made at the same time, was admitted before
 * this one and has taken the room (law 6). They are planned again with what is known now.
 */
function* crowdedOut({ removals = {}, removalRoom = {} }: Plan, people: readonly IdentityId[]): Unit<IdentityId[]> {
  const here = new Set(people)
  const crowded: IdentityId[] = []
  for (const [platform, { since, lately, more }] of Object.entries(removalRoom)) {
    const ours = new Set(removals[platform])
    const some = here.intersection(ours)
    if (some.size === 0) continue
    const others = (yield* removalsSince(platform, since)).difference(ours)
    if (others.size - lately > more) crowded.push(...some)
  }
  return crowded
}

/** `now` is when the admission began: while a large one goes on, others are made that are younger, ms. */
const longestAdmission = 10 * 60_000

/** Accounts whose removal the limits counted and that was admitted since then. */
export function* removalsSince(platform: string, since: Instant): Unit<ReadonlySet<IdentityId>> {
  const rows = db.selectFrom('removal').select('identity').where('platform', '=', platform).where('at', '>=', since)
  return new Set(yield* each(rows, ({ identity }) => identity))
}
