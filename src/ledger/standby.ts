// People who shall not be let in, and of whom nothing open was seen: whether something is still on its way to them is known
// to the ledger alone.
import type { Change } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import { openStates, unsettled } from './obligations.ts'
import { all, db, each, inLists } from './unit.ts'
import type { Unit } from './unit.ts'

export interface Shutting {
  readonly change: Change
  /** A write that opens something was begun, and nobody has told how it came out. */
  readonly intended: boolean
}

export type Standby = ReadonlyMap<IdentityId, Shutting>

/** People to whom anything is owed on this platform: few of the many who have left. */
export function* owedOn(platform: string): Unit<ReadonlySet<IdentityId>> {
  const rows = db.selectFrom('obligation').select('identity').where(unsettled).where('platform', '=', platform)
  return new Set(yield* each(rows.where('state', 'in', openStates), ({ identity }) => identity))
}

/** The standby changes of those people to whom anything is owed on this platform. */
export function* whereOpen(platform: string, standby: readonly Change[]): Unit<Standby> {
  const changes = new Map(standby.map((change) => [change.identity, change]))
  const open = yield* inLists([...changes.keys()], (some) =>
    all(
      db
        .selectFrom('obligation')
        .select(['id', 'identity'])
        .where('identity', 'in', some)
        .where('platform', '=', platform)
        .where('state', 'in', openStates),
    ),
  )
  const intents = yield* inLists(
    open.map(({ id }) => id),
    (some) => all(db.selectFrom('intent').select('obligation').where('obligation', 'in', some)),
  )
  const intended = new Set(intents.map(({ obligation }) => obligation))
  const result = new Map<IdentityId, Shutting>()
  for (const { id, identity } of open) {
    const change = changes.get(identity)
    if (change !== undefined) result.set(identity, { change, intended: intended.has(id) })
  }
  return result
}
