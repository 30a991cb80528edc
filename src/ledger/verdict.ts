// What a settlement makes of an obligation: pure, so that it can be tested without a ledger.
import { opens } from '../model/change.ts'
import { summarise } from '../model/errors.ts'
import type { ErrorSummary, KeyturnError } from '../model/errors.ts'
import type { ChangeResult, Settlement } from '../model/ledger.ts'
import { openStatuses, unclaimed } from './obligations.ts'
import type { Obligation } from './obligations.ts'

/** An admitted change of the claimed number. */
export interface ChangeState {
  readonly id: number
  readonly kind: string
  readonly status: string
  readonly account_of: string | null
}

export interface Circumstances {
  /** The account turned out to be linked to somebody else. */
  readonly objection: KeyturnError | undefined
  /** What it waits for has appeared since the claim. */
  readonly woken: boolean
}

/** A disable never fails: it stays owed. What was superseded meanwhile stays so, unless it was carried out all the same. */
export function statusAfter(change: ChangeState, result: ChangeResult | undefined): string {
  if (result === undefined) return change.status
  const isDone = result.status === 'done' || result.status === 'already'
  if (!openStatuses.includes(change.status))
    return change.status === 'superseded' && isDone ? result.status : change.status
  return result.status === 'failed' && change.kind === 'disable' ? 'retry' : result.status
}

/** The obligation after the settlement; `changes` are those of the claimed number, after their results. */
export function outcomeOf(
  row: Obligation,
  settlement: Settlement,
  changes: readonly ChangeState[],
  { objection, woken }: Circumstances,
): Obligation {
  const number = row.claimed_number ?? row.wanted
  const some = (...statuses: string[]) => changes.some(({ status }) => statuses.includes(status))
  // What finishes a create of a superseded number is none of these changes: it is owed like them.
  const known = new Set(changes.map(({ id }) => id))
  const finishing = (status: string) => settlement.results.some((one) => !known.has(one.id) && one.status === status)
  const owed = some('admitted', 'retry') || finishing('retry') || (woken && some('waiting'))
  const open = objection === undefined && (owed || some('waiting'))
  const failed = objection !== undefined || some('failed') || finishing('failed')
  const after: Obligation = {
    ...row,
    ...unclaimed,
    proof: proofAfter(row, settlement),
    settled: open ? row.settled : Math.max(row.settled, number),
  }
  // A newer number came in the meantime: it has its own tries, and is due as it was admitted.
  if (row.wanted > number) return after
  const told = objection === undefined ? firstError(settlement) : summarise(objection)
  const error = told === undefined ? row.error : JSON.stringify(told)
  if (!open) {
    return { ...after, state: failed ? 'failed' : 'settled', tries: 0, next_try_at: null, error: failed ? error : null }
  }
  // An outage says nothing about this person: it does not bring the last try nearer.
  const tries = row.tries + (settlement.outage === true ? 0 : 1)
  return owed
    ? { ...after, state: 'owed', tries, next_try_at: woken ? null : settlement.nextTryAt, error }
    : { ...after, state: 'waiting', next_try_at: settlement.nextTryAt, error }
}

/** A proof holds until the account is opened again. */
function proofAfter(row: Obligation, { proof, results }: Settlement): string | null {
  if (proof !== null) return JSON.stringify(proof)
  const isOpen = results.some(({ status, change }) => (status === 'done' || status === 'already') && opens(change))
  return isOpen ? null : row.proof
}

function firstError({ results }: Settlement): ErrorSummary | undefined {
  return results.find(({ error, status }) => error !== undefined && status !== 'done' && status !== 'already')?.error
}
