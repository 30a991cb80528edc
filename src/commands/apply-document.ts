import type { Instant } from '../model/instant.ts'
import type { ApplyReport } from '../server/applying.ts'
import { planDocument } from './plan-document.ts'

/** What `apply --json` prints. */
export function applyDocument(report: ApplyReport, startedAt: Instant): object {
  return {
    ...planDocument(report),
    startedAt: new Date(startedAt).toISOString(),
    endedAt: new Date(report.endedAt).toISOString(),
    obligations: report.obligations.map((one) => ({
      identity: one.identity,
      platform: one.platform,
      lane: one.lane,
      state: one.state,
      tries: one.tries,
      nextTryAt: one.nextTryAt === null ? null : new Date(one.nextTryAt).toISOString(),
      error: one.lastError,
      proof: one.proof,
    })),
    results: report.settled.flatMap((settled) =>
      settled.results.map((result) => ({
        identity: settled.identity,
        platform: settled.platform,
        kind: result.change.kind,
        account: result.change.account,
        status: result.status,
        error: result.error ?? null,
      })),
    ),
    holds: report.admission.holds.map((hold) => ({
      id: hold.id,
      platform: hold.platform,
      why: hold.why,
      people: hold.items.length,
    })),
  }
}
