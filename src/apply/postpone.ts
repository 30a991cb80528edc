import { summarise } from '../model/errors.ts'
import type { ChangeResult, ClaimedObligation, Settlement } from '../model/ledger.ts'
import { auditResult } from './audit.ts'
import type { SettlePorts } from './ports.ts'
import { givesUp, isPlatformWide, nextTry } from './retry.ts'

/** Nothing was tried: everything that was admitted is still owed, later. */
export function postponementOf(obligation: ClaimedObligation, error: unknown, ports: SettlePorts): Settlement {
  const at = ports.clock()
  const summary = summarise(error)
  const over = givesUp(obligation.lane, obligation.tries, summary.code, ports.retry)
  const results = obligation.changes.map(
    ({ id, change }): ChangeResult => ({ id, change, status: over ? 'failed' : 'retry', error: summary }),
  )
  const outage = isPlatformWide(summary.code)
  const tries = outage ? 0 : obligation.tries
  return {
    obligation,
    results,
    link: null,
    unlink: false,
    grantsAdded: [],
    grantsRemoved: [],
    proof: null,
    nextTryAt: over ? null : nextTry(obligation.lane, tries, at, ports.retry, ports.random),
    ...(outage ? { outage } : {}),
    at,
    audit: outage ? [] : results.map((result) => auditResult(obligation, result, at)),
  }
}
