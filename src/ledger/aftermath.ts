// What a settlement means for others: who must be looked at again because of it, and how long a revocation took.
import type { IdentityId } from '../model/identity.ts'
import type { ChangeResult, Settlement } from '../model/ledger.ts'
import type { LookAgainCause } from '../model/running.ts'
import { links } from './accounts.ts'
import { markAgain } from './look-again.ts'
import { openStatuses } from './obligations.ts'
import type { Obligation } from './obligations.ts'
import { dependents } from './people.ts'
import { all, db, inLists, insertAll } from './unit.ts'
import type { Unit } from './unit.ts'

/** A settlement whose token is still current, and the obligation as it stands in the ledger. */
export interface Accepted {
  readonly settlement: Settlement
  readonly row: Obligation
}

export interface Settled {
  readonly settlement: Settlement
  /** The obligation as the settlement leaves it. */
  readonly after: Obligation
}

export function isDone({ status }: ChangeResult): boolean {
  return status === 'done' || status === 'already'
}

/** The account has another address now than others may have written down. */
export function madeOrMoved({ results }: Settlement): boolean {
  const kinds = new Set(['create', 'rename', 'move'])
  return results.some((result) => isDone(result) && kinds.has(result.change.kind))
}

/** Marks whose admitted changes are not what is needed any more, and who refers to an account that has another address now. */
export function* markAgainAfter(settlements: readonly Settlement[]): Unit<void> {
  yield* markMoved(settlements.filter(({ results }) => results.some(({ status }) => status === 'moved')))
  for (const [platform, some] of Map.groupBy(settlements.filter(madeOrMoved), ({ obligation }) => obligation.platform))
    yield* markDependents(platform, some)
  yield* markOutdated(settlements)
}

export function* markMoved(settlements: readonly Settlement[]): Unit<void> {
  yield* markEach(
    settlements.map((one) => ({ identity: one.obligation.identity, because: one })),
    'moved',
  )
}

/** Who now refers to where another's account stood when the reference was written: it has been moved meanwhile. */
function* markOutdated(settlements: readonly Settlement[]): Unit<void> {
  const written = settlements.flatMap((because) => because.results.flatMap((result) => referenceIn(result, because)))
  const outdated: Marked[] = []
  for (const [platform, some] of Map.groupBy(written, ({ because }) => because.obligation.platform)) {
    const people = [...new Set(some.map(({ to }) => to))]
    const addresses = new Map((yield* links(platform, people)).map((link) => [link.identity, link.address]))
    for (const { because, to, address } of some) {
      if ((addresses.get(to) ?? address) === address) continue
      outdated.push({ identity: because.obligation.identity, because })
    }
  }
  yield* markEach(outdated, 'reference')
}

function referenceIn(result: ChangeResult, because: Settlement) {
  const { change, address } = result
  if (address === undefined || !isDone(result) || change.kind !== 'update' || !('accountOf' in change.field.to))
    return []
  return [{ because, to: change.field.to.accountOf, address }]
}

function* markDependents(platform: string, settlements: readonly Settlement[]): Unit<void> {
  const causes = new Map(settlements.map((one) => [one.obligation.identity, one]))
  const referring = yield* dependents([...causes.keys()])
  const served = yield* aboutToRefer(
    platform,
    referring.map(({ identity }) => identity),
  )
  const left = referring.filter(({ identity, to }) => !served.has(pairOf(identity, to)))
  yield* markEach(
    left.flatMap(({ identity, to }) => {
      const because = causes.get(to)
      return because === undefined ? [] : [{ identity, because }]
    }),
    'reference',
  )
}

/** Pairs of people of whom the first is owed a reference to the account of the second: that change waits, and is woken. */
function* aboutToRefer(platform: string, identities: readonly IdentityId[]): Unit<ReadonlySet<string>> {
  const rows = yield* inLists(identities, (some) =>
    all(
      db
        .selectFrom('obligation')
        .innerJoin('admitted_change', 'admitted_change.obligation', 'obligation.id')
        .select(['obligation.identity', 'admitted_change.account_of'])
        .where('obligation.platform', '=', platform)
        .where('obligation.identity', 'in', some)
        .where('admitted_change.status', 'in', openStatuses)
        .where('admitted_change.account_of', 'is not', null),
    ),
  )
  return new Set(rows.map((row) => pairOf(row.identity, row.account_of ?? '')))
}

function pairOf(identity: IdentityId, to: IdentityId): string {
  return JSON.stringify([identity, to])
}

interface Marked {
  readonly identity: IdentityId
  readonly because: Settlement
}

function* markEach(marked: readonly Marked[], cause: LookAgainCause): Unit<void> {
  const groups = Map.groupBy(marked, ({ because }) => JSON.stringify([because.at, because.obligation.correlation]))
  for (const some of groups.values()) {
    const because = some[0]?.because
    if (because === undefined) continue
    const people = some.map(({ identity }) => identity)
    yield* markAgain(people, cause, because.at, because.obligation.correlation)
  }
}

/** Revocations that were proven in these settlements, and from when to when they took. */
export function* recordTimings(settled: readonly Settled[]): Unit<void> {
  yield* insertAll(
    'revocation',
    settled.flatMap(({ settlement: { obligation, proof, results }, after }) => {
      const shut = results.some((result) => result.change.kind === 'disable' && isDone(result))
      const over = after.settled >= obligation.number && after.state !== 'failed'
      if (obligation.lane !== 'revoke' || proof === null || !shut || !over) return []
      const { identity, platform, effectiveAt, admittedAt, number } = obligation
      // A newer number may have come meanwhile, with a cause of its own.
      const receivedAt = after.wanted > number ? admittedAt : (after.received_at ?? admittedAt)
      return {
        identity,
        platform,
        effective_at: effectiveAt,
        received_at: receivedAt,
        admitted_at: admittedAt,
        proven_at: proof.at,
        grade: proof.grade,
      }
    }),
  )
}
