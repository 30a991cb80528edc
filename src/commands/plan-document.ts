import { fingerprint, reviewedChanges } from '../model/change.ts'
import type { Change, Plan } from '../model/change.ts'
import { showPlace } from '../model/place.ts'
import type { Planning } from '../server/planning.ts'

/** The plan as --json prints it. */
export function planDocument({ plan, people, unread }: Planning): object {
  return {
    plan: plan.id,
    madeAt: new Date(plan.madeAt).toISOString(),
    policyVersion: plan.policyVersion,
    population: plan.population,
    situations: plan.situations,
    changes: plan.changes.map(showReasonPlace),
    withheld: plan.withheld.map((one) => ({ why: one.why, text: one.text, change: showReasonPlace(one.change) })),
    notes: plan.notes,
    sources: people.intakes.map((intake) => ({
      source: intake.source,
      accepted: intake.accepted !== null,
      refused: intake.refused,
      rows: intake.accepted?.rows ?? null,
      people: intake.identities.length,
      events: intake.events.length,
      problems: intake.problems,
    })),
    words: people.identities.flatMap(({ id, override }) =>
      (override?.words ?? []).map((word) => ({ identity: id, ...word })),
    ),
    unread: unread.map(({ platform, error }) => ({ platform, code: error.code, message: error.message })),
  }
}

function showReasonPlace(change: Change): object {
  const { place, ...reason } = change.reason
  return { ...change, reason: place === undefined ? reason : { ...reason, place: showPlace(place) } }
}

interface SavedPlan {
  readonly plan: string
  readonly changes: readonly { readonly fingerprint: string; readonly change: Change }[]
}

/** The text of `plan --out`. */
export function savedPlan(plan: Plan): string {
  const saved: SavedPlan = {
    plan: plan.id,
    changes: reviewedChanges(plan).map((change) => ({ fingerprint: fingerprint(change), change })),
  }
  return `${JSON.stringify(saved)}\n`
}

/** The reviewed plan of a file; null where the text is none. */
export function readSavedPlan(text: string): SavedPlan | null {
  try {
    const saved: unknown = JSON.parse(text)
    const isPlan = typeof saved === 'object' && saved !== null && 'plan' in saved && 'changes' in saved
    return isPlan && typeof saved.plan === 'string' && Array.isArray(saved.changes) ? (saved as SavedPlan) : null
  } catch {
    return null
  }
}

/** What has come and what has gone since the plan was reviewed. */
export function difference(
  reviewed: SavedPlan,
  now: Plan,
): { readonly added: readonly Change[]; readonly gone: readonly Change[] } {
  const before = new Set(reviewed.changes.map((one) => one.fingerprint))
  const after = new Set(reviewedChanges(now).map(fingerprint))
  return {
    added: reviewedChanges(now).filter((change) => !before.has(fingerprint(change))),
    gone: reviewed.changes.filter((one) => !after.has(one.fingerprint)).map((one) => one.change),
  }
}
