import type { DesiredAccount } from '../model/account.ts'
import { fingerprint, passesWhenReviewed } from '../model/change.ts'
import type { Change, Plan, PlanNote, RemovalRoom, Situation, Withheld } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { SafetySettings } from '../model/settings.ts'
import { planPlatform } from './platform.ts'
import type { PlatformPlan } from './platform.ts'
import { globs } from './safety.ts'
import type { Draft } from './sheet.ts'
import type { PlatformView } from './view.ts'

export { memoryNeeded } from './memory.ts'
export { neededChanges } from './needed.ts'
export { namesToCheck, possibleRivals, questionsOf, unseenReferences } from './questions.ts'
export { accountsInQuestion } from './restored.ts'
export { globs } from './safety.ts'
export { surveyAccounts } from './survey.ts'
export type { SurveyedAccount } from './survey.ts'
export { notGivenBack } from './undo.ts'
export type { Evidence, PartialView, PlatformView } from './view.ts'

export interface PlanInput {
  readonly now: Instant
  readonly policyVersion: string
  readonly safety: SafetySettings
  /**
   * What people should have on a platform, in key order (names are given in this order), made as it is asked for. It is
   * gone through twice, first for those whom `wanted` says (the others may be left out), then for everybody; a person must
   * be given the same both times.
   */
  desired(platform: string, wanted?: (identity: IdentityId) => boolean): Iterable<DesiredAccount>
  readonly platforms: readonly PlatformView[]
  /** SHA-256 of a text, as 64 hexadecimal digits. */
  digest(text: string): string
  /** `apply --plan HASH`: a person has seen the plan; creations and updates pass their limits, removals never do. */
  readonly confirmed: boolean
}

/**
 * Desired minus observed, over everybody and every platform at once, with safety on the whole (law 6). Platforms go in the
 * order of their names, people in key order, an account's changes in the order of carrying out; so the same facts give
 * the same plan, however they were sorted. Throws only what `desired` or a connector's `adapt` throw by mistake.
 */
export function makePlan(input: PlanInput): Plan {
  const changes: Change[] = []
  const withheld: Withheld[] = []
  // One per account, since the fingerprints of a first load of 100,000 people would take more memory than its changes.
  const digests: string[] = []
  const notes: PlanNote[] = []
  const standby: Change[] = []
  const doneByHand: Change[] = []
  const parts: PlatformPlan[] = []
  const population: Record<string, number> = {}
  const removals: Record<string, readonly IdentityId[]> = {}
  const removalRoom: Record<string, RemovalRoom> = {}
  const undecided = new Set<IdentityId>()
  const situations: Record<string, Readonly<Record<Situation, number>>> = {}
  const rules = { safety: input.safety, confirmed: input.confirmed, isProtected: globs(input.safety.protected) }
  for (const view of input.platforms.toSorted((a, b) => (a.settings.id < b.settings.id ? -1 : 1))) {
    const { id } = view.settings
    const part = planPlatform(view, (wanted) => input.desired(id, wanted), rules)
    for (const { drafts } of part.sheets) {
      const passed = drafts.filter(({ verdict }) => verdict === null).map(({ change }) => change)
      for (const { change, verdict } of drafts) if (verdict !== null) withheld.push({ change, ...verdict })
      changes.push(...passed)
      const lines = reviewedLines(drafts)
      if (lines.length > 0) digests.push(input.digest(lines.toSorted().join('\n')))
    }
    for (const note of part.notes) notes.push(note)
    for (const change of part.standby) standby.push(change)
    for (const change of part.doneByHand) doneByHand.push(change)
    parts.push(part)
    population[id] = part.population
    if (part.removals.length > 0) removals[id] = part.removals
    if (part.room !== null) {
      const { within, ...room } = part.room
      removalRoom[id] = { ...room, since: input.now - within }
    }
    for (const identity of part.undecided ?? []) undecided.add(identity)
    situations[id] = part.situations
  }
  const { now: madeAt, policyVersion } = input
  const id = input.digest(digests.toSorted().join('\n'))
  return {
    id,
    madeAt,
    policyVersion,
    population,
    changes,
    withheld,
    standby,
    doneByHand,
    removals,
    removalRoom,
    ...(input.platforms.some(({ partial }) => partial !== undefined) ? { undecided: [...undecided].toSorted() } : {}),
    ...remembrance(parts),
    situations,
    notes,
  }
}

/** What whoever reviews a plan sees of one account (law 6). */
function reviewedLines(drafts: readonly Draft[]): readonly string[] {
  return drafts
    .filter(({ verdict }) => verdict === null || passesWhenReviewed.has(verdict.why))
    .map(({ change }) => fingerprint(change))
}

/** What a restored ledger is to remember otherwise. */
function remembrance(parts: readonly PlatformPlan[]): Pick<Plan, 'corrections' | 'claims'> {
  const corrections = parts.flatMap((part) => part.corrections)
  const claims = parts.flatMap((part) => part.claims)
  return { ...(corrections.length === 0 ? {} : { corrections }), ...(claims.length === 0 ? {} : { claims }) }
}
