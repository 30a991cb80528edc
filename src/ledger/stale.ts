// Whether a plan still speaks of people as they are.
import type { IdentityId } from '../model/identity.ts'
import type { Admission } from '../model/ledger.ts'
import type { Portion } from './portions.ts'
import { all, db, inLists } from './unit.ts'
import type { Unit } from './unit.ts'

/**
 * Those whose description is another one than the plan was made from, and those for whom a younger plan was admitted
 * meanwhile: what it owes must not be taken back by this one. Nobody where the admission names no revisions.
 */
export function* staleAmong(
  { revisions, plan }: Admission,
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
        .where('plan_hash', '<>', plan.id),
    ),
  )
  for (const { identity } of younger) stale.add(identity)
  return stale
}
