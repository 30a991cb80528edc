// Settlement: how claimed obligations came out, recorded with everything it implies in one unit.
import { fingerprint, opens } from '../model/change.ts'
import type { KeyturnError } from '../model/errors.ts'
import type { ChangeResult, Link, ObligationPointer, Settlement } from '../model/ledger.ts'
import { removeGrants, saveGrants, saveLinks, takenLinks, unlink, wakeWaiting } from './accounts.ts'
import { isDone, madeOrMoved, markAgainAfter, markMoved, recordTimings } from './aftermath.ts'
import type { Accepted } from './aftermath.ts'
import { forgetSteps, parseToken } from './claims.ts'
import { useUp } from './decisions.ts'
import { moveInVain, wakeInVain } from './in-vain.ts'
import type { Obligation } from './obligations.ts'
import { writeAudit } from './record.ts'
import { all, db, forLists, inLists, run, upsertAll } from './unit.ts'
import type { Unit } from './unit.ts'
import { outcomeOf, statusAfter } from './verdict.ts'
import type { ChangeState } from './verdict.ts'

/** Changes that came out alike are written together. */
interface Update {
  readonly status: string
  readonly error: string | null
  readonly ids: number[]
}

type Changes = ReadonlyMap<number, readonly ChangeState[]>

export function* settle(settlements: readonly Settlement[]): Unit<{ readonly refused: readonly ObligationPointer[] }> {
  const rows = yield* readRows(settlements)
  const accepted: Accepted[] = []
  const refused: ObligationPointer[] = []
  for (const settlement of settlements) {
    const { obligation, claim } = parseToken(settlement.obligation.token)
    const row = rows.get(obligation)
    if (row !== undefined && row.claim === claim) accepted.push({ settlement, row })
    else refused.push(pointerOf(settlement))
  }
  yield* record(accepted)
  return { refused }
}

function pointerOf({ obligation: { identity, platform, lane } }: Settlement): ObligationPointer {
  return { identity, platform, lane }
}

function* readRows(settlements: readonly Settlement[]): Unit<ReadonlyMap<number, Obligation>> {
  const ids = settlements.map(({ obligation }) => parseToken(obligation.token).obligation)
  const rows = yield* inLists(ids, (some) => all(db.selectFrom('obligation').selectAll().where('id', 'in', some)))
  return new Map(rows.map((row) => [row.id, row]))
}

function* record(told: readonly Accepted[]): Unit<void> {
  const settlements = told.map(({ settlement }) => settlement)
  const taken = yield* recordAccounts(settlements)
  const { accepted, planAgain, audit: given } = yield* moveInVain(told)
  const changes = yield* recordResults(accepted)
  const woken = yield* appearedMeanwhile(accepted, changes)
  const settled = accepted.map(({ settlement, row }) => {
    const { link } = settlement
    const objection = link === null ? undefined : taken.get(link)
    const circumstances = { objection, woken: woken.has(row.id) }
    return { settlement, after: outcomeOf(row, settlement, changes.get(row.id) ?? [], circumstances) }
  })
  yield* upsertAll(
    'obligation',
    ['identity', 'platform'],
    settled.map(({ after }) => withoutId(after)),
  )
  yield* recordTimings(settled)
  yield* closeIntents(accepted)
  yield* forgetSteps(accepted.filter(({ settlement }) => opened(settlement)).map(({ row }) => row.id))
  yield* wakeWaiting(settlements.filter(madeOrMoved).map(pointerOf))
  yield* wakeInVain(settled)
  yield* markAgainAfter(settlements)
  yield* markMoved(planAgain)
  yield* useUpDecisions(settlements)
  yield* writeAudit([...settlements.flatMap(({ audit }) => audit), ...given])
}

function withoutId({ id: _, ...row }: Obligation): Omit<Obligation, 'id'> {
  return row
}

/** Links and grants as they are now; returns the links that could not be kept because the account is somebody else's. */
function* recordAccounts(settlements: readonly Settlement[]): Unit<ReadonlyMap<Link, KeyturnError>> {
  for (const { obligation, unlink: gone, grantsRemoved } of settlements) {
    if (gone) yield* unlink(obligation.platform, obligation.identity)
    yield* removeGrants(obligation.platform, obligation.identity, grantsRemoved)
  }
  const links = settlements.flatMap(({ link, unlink: gone }) => (link === null || gone ? [] : [link]))
  const taken = yield* takenLinks(links)
  yield* saveLinks(links.filter((link) => !taken.has(link)))
  yield* saveGrants(settlements.flatMap(({ grantsAdded }) => grantsAdded))
  return taken
}

/** Writes the statuses of the changes of the claimed numbers, and returns them all. */
function* recordResults(accepted: readonly Accepted[]): Unit<Changes> {
  const rows = yield* inLists(
    accepted.map(({ row }) => row.id),
    (some) =>
      all(
        db
          .selectFrom('admitted_change')
          .innerJoin('obligation', (join) =>
            join
              .onRef('obligation.id', '=', 'admitted_change.obligation')
              .onRef('obligation.claimed_number', '=', 'admitted_change.number'),
          )
          .select(['admitted_change.id', 'admitted_change.obligation', 'admitted_change.kind'])
          .select(['admitted_change.status', 'admitted_change.account_of'])
          .where('admitted_change.obligation', 'in', some),
      ),
  )
  const results = new Map(accepted.flatMap(({ settlement }) => settlement.results.map((one) => [one.id, one] as const)))
  const updates = new Map<string, Update>()
  const after = rows.map((row) => {
    const result = results.get(row.id)
    const status = statusAfter(row, result)
    if (result !== undefined && status !== row.status) {
      const error = result.error === undefined ? null : JSON.stringify(result.error)
      const update = updates.get(`${status} ${error}`)
      if (update === undefined) updates.set(`${status} ${error}`, { status, error, ids: [row.id] })
      else update.ids.push(row.id)
    }
    return { ...row, status }
  })
  for (const { status, error, ids } of updates.values()) {
    yield* forLists(ids, (some) =>
      run(db.updateTable('admitted_change').set({ status, error }).where('id', 'in', some)),
    )
  }
  return Map.groupBy(after, (row) => row.obligation)
}

/**
 * Obligations that wait for an account which was linked while this worker was busy: nobody would wake them any more. Their
 * next claim is later than that link, so this cannot go round in circles.
 */
function* appearedMeanwhile(accepted: readonly Accepted[], changes: Changes): Unit<ReadonlySet<number>> {
  const woken = new Set<number>()
  for (const [platform, some] of Map.groupBy(accepted, ({ row }) => row.platform)) {
    const waiting = some.flatMap(({ row }) =>
      (changes.get(row.id) ?? []).flatMap(({ status, account_of: person }) =>
        status === 'waiting' && person !== null ? [{ row, person }] : [],
      ),
    )
    const found = yield* inLists(
      waiting.map(({ person }) => person),
      (people) =>
        all(
          db
            .selectFrom('link')
            .select(['identity', 'linked_at'])
            .where('platform', '=', platform)
            .where('identity', 'in', people),
        ),
    )
    const linkedAt = new Map(found.map((link) => [link.identity, link.linked_at]))
    for (const { row, person } of waiting) {
      if ((linkedAt.get(person) ?? -Infinity) >= (row.claimed_at ?? Infinity)) woken.add(row.id)
    }
  }
  return woken
}

/**
 * A settlement that has seen the platform closes the intents, its own and those that earlier claims left. Not closed are those
 * of a kind that is to be tried again: how that write came out is not known for certain. A create whose password has not
 * reached the service desk is not over either: its intent is all that remembers it.
 */
function* closeIntents(accepted: readonly Accepted[]): Unit<void> {
  const closing = accepted.filter(({ settlement }) => settlement.results.some(sawThePlatform))
  const groups = Map.groupBy(closing, ({ settlement }) => JSON.stringify(uncertainKinds(settlement)))
  for (const [kinds, some] of groups) {
    const uncertain = JSON.parse(kinds) as string[]
    yield* forLists(
      some.map(({ row }) => row.id),
      (ids) => {
        const intents = db.deleteFrom('intent').where('obligation', 'in', ids)
        return run(uncertain.length === 0 ? intents : intents.where('kind', 'not in', uncertain))
      },
    )
  }
}

function sawThePlatform({ status, outcome }: ChangeResult): boolean {
  return outcome !== undefined || (status !== 'retry' && status !== 'failed')
}

function uncertainKinds({ results }: Settlement): readonly string[] {
  const again = results.filter(({ status, change }) => status === 'retry' && opens(change))
  const kinds = again.map(({ change }) => change.kind)
  return [...new Set(kinds.includes('issue-credential') ? [...kinds, 'create'] : kinds)].toSorted()
}

function opened({ results }: Settlement): boolean {
  return results.some((result) => isDone(result) && opens(result.change))
}

function* useUpDecisions(settlements: readonly Settlement[]): Unit<void> {
  const done = settlements.flatMap(({ results, obligation: { correlation, operator }, at: now }) =>
    results.filter(isDone).map(({ change }) => ({ change, by: { now, correlation, operator } })),
  )
  let lines: ReadonlyMap<string, (typeof done)[number]['by']> | undefined
  yield* useUp([...new Set(done.map(({ change }) => change.identity))], (line) => {
    lines ??= new Map(done.map(({ change, by }) => [fingerprint(change), by]))
    return lines.get(line)
  })
}
