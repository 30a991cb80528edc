// Who waits in vain: for the account of somebody who has none, and to whom nothing is owed any more that could make one. The
// owner left before it was made, or its create was given up. Nobody would ever wake them.
import type { IdentityId } from '../model/identity.ts'
import { SECOND } from '../model/instant.ts'
import type { AuditRecord, ChangeResult, Settlement } from '../model/ledger.ts'
import { wakeWaiting } from './accounts.ts'
import type { Accepted, Settled } from './aftermath.ts'
import { openStates, openStatuses } from './obligations.ts'
import { all, db, inLists } from './unit.ts'
import type { Unit } from './unit.ts'

/**
 * Nobody gives up waiting sooner after the admission, ms: it may be a part of a larger one, of which the account's part is
 * still to come. And whoever is planned again with the same result is not planned again at once.
 */
const patience = 10 * SECOND

interface InVain {
  /** The same settlements; what waits in vain has moved in them. */
  readonly accepted: readonly Accepted[]
  /** Those in whom something has moved, to be planned again. */
  readonly planAgain: readonly Settlement[]
  readonly audit: readonly AuditRecord[]
}

/** Asked before the results are written, after the links are. */
export function* moveInVain(accepted: readonly Accepted[]): Unit<InVain> {
  const patient = accepted.filter(({ settlement, row }) => settlement.at - (row.numbered_at ?? 0) >= patience)
  const moved = new Map<ChangeResult, Settlement>()
  const planAgain = new Set<Settlement>()
  for (const [platform, some] of Map.groupBy(patient, ({ row }) => row.platform)) {
    const waiting = some.flatMap(({ settlement }) => settlement.results.flatMap((one) => waitFor(one, settlement)))
    const { linked, making, failed } = yield* lookAt(platform, [...new Set(waiting.map(({ owner }) => owner))])
    for (const { owner, result, settlement } of waiting) {
      if (linked.has(owner) || making.has(owner)) continue
      moved.set(result, settlement)
      // What was given up is not begun anew for the sake of those who refer to it; when it is there, they are marked.
      if (!failed.has(owner)) planAgain.add(settlement)
    }
  }
  if (moved.size === 0) return { accepted, planAgain: [], audit: [] }
  const settlementAfter = ({ results, ...rest }: Settlement): Settlement => ({
    ...rest,
    results: results.map((result) => (moved.has(result) ? { ...result, status: 'moved' } : result)),
  })
  return {
    accepted: accepted.map((one) => ({ ...one, settlement: settlementAfter(one.settlement) })),
    planAgain: [...planAgain],
    audit: Array.from(moved, ([result, settlement]) => recordOf(result, settlement)),
  }
}

interface Waiting {
  readonly owner: IdentityId
  readonly result: ChangeResult
  readonly settlement: Settlement
}

function waitFor(result: ChangeResult, settlement: Settlement): Waiting[] {
  const { change, status } = result
  if (status !== 'waiting' || change.kind !== 'update' || !('accountOf' in change.field.to)) return []
  return [{ owner: change.field.to.accountOf, result, settlement }]
}

interface Owners {
  readonly linked: ReadonlySet<IdentityId>
  /** An account may still come: it is owed, or was begun. */
  readonly making: ReadonlySet<IdentityId>
  /** Something was given up. */
  readonly failed: ReadonlySet<IdentityId>
}

function* lookAt(platform: string, owners: readonly IdentityId[]): Unit<Owners> {
  const links = db.selectFrom('link').select('identity').where('platform', '=', platform)
  const owed = db.selectFrom('obligation').select(['id', 'identity', 'state']).where('platform', '=', platform)
  const linked = yield* inLists(owners, (some) => all(links.where('identity', 'in', some)))
  const rows = yield* inLists(owners, (some) => all(owed.where('identity', 'in', some)))
  const open = rows.filter(({ state }) => openStates.includes(state)).map(({ id }) => id)
  const begun = yield* inLists(open, (some) =>
    all(db.selectFrom('intent').select('obligation').where('kind', '=', 'create').where('obligation', 'in', some)),
  )
  // Who shuts an account that was on its way links it when it comes.
  const coming = yield* inLists(open, (some) =>
    all(
      db
        .selectFrom('admitted_change')
        .select('obligation')
        .where('obligation', 'in', some)
        .where('status', 'in', openStatuses)
        .where('kind', 'in', ['create', 'disable']),
    ),
  )
  const making = new Set([...begun, ...coming].map(({ obligation }) => obligation))
  return {
    linked: new Set(linked.map(({ identity }) => identity)),
    making: new Set(rows.filter(({ id }) => making.has(id)).map(({ identity }) => identity)),
    failed: new Set(rows.filter(({ state }) => state === 'failed').map(({ identity }) => identity)),
  }
}

function recordOf({ change }: ChangeResult, { obligation, at }: Settlement): AuditRecord {
  const owner = change.kind === 'update' && 'accountOf' in change.field.to ? change.field.to.accountOf : ''
  return {
    at,
    correlation: obligation.correlation,
    identity: obligation.identity,
    platform: obligation.platform,
    account: change.account,
    action: change.kind,
    reason: change.reason,
    operator: obligation.operator,
    before: null,
    after: null,
    askedAt: obligation.effectiveAt ?? obligation.admittedAt,
    result: 'moved',
    detail: `${owner} has no account here, and none is owed any more`,
  }
}

/** Whoever waits for an account that has just turned out not to come looks once more, and sees that it waits in vain. */
export function* wakeInVain(settled: readonly Settled[]): Unit<void> {
  const makes = new Set(['create', 'disable'])
  const over = settled.filter(({ settlement: { link, unlink, results }, after }) => {
    if (openStates.includes(after.state)) return false
    return unlink || (link === null && results.some(({ change }) => makes.has(change.kind)))
  })
  yield* wakeWaiting(over.map(({ settlement: { obligation } }) => obligation))
}
