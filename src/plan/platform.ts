import type { DesiredAccount } from '../model/account.ts'
import type { Change, LinkCorrection, PlanNote, Situation } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { NameClaim } from '../model/ledger.ts'
import { Context } from './context.ts'
import { Doubts } from './doubts.ts'
import { applyLimits } from './limits.ts'
import { matchAccounts } from './matching.ts'
import type { Matching } from './matching.ts'
import { NameAllocator } from './naming.ts'
import { lookAt } from './person.ts'
import type { Looked } from './person.ts'
import { claimFor } from './restored.ts'
import { isBacklog, judge } from './safety.ts'
import type { SafetyRules } from './safety.ts'
import type { Sheet } from './sheet.ts'
import { standbyFor } from './standby.ts'
import { IndexedView } from './view.ts'
import type { PlatformView } from './view.ts'

/** The plan's share of one platform: only accounts that need something have a sheet. */
export interface PlatformPlan {
  readonly sheets: readonly Sheet[]
  readonly notes: readonly PlanNote[]
  readonly standby: readonly Change[]
  readonly doneByHand: readonly Change[]
  readonly corrections: readonly LinkCorrection[]
  readonly claims: readonly NameClaim[]
  readonly population: number
  readonly situations: Readonly<Record<Situation, number>>
  /** Whom the limit on removals counted and let pass. */
  readonly removals: readonly IdentityId[]
  /** How many more it would have let pass; null where it does not look back. */
  readonly room: ReturnType<typeof applyLimits>['room']
  /** For whom nothing is in this plan, because the view shows too little; null where it shows everything. */
  readonly undecided: ReadonlySet<IdentityId> | null
}

/** Two passes over the people, whose accounts and names depend on each other: whose account is it, then what does it need. */
export function planPlatform(
  view: PlatformView,
  people: (wanted?: (identity: IdentityId) => boolean) => Iterable<DesiredAccount>,
  rules: SafetyRules,
): PlatformPlan {
  const index = new IndexedView(view)
  const matching = matchAccounts(
    index,
    people((identity) => index.linkedAccount(identity) === undefined),
  )
  const doubts = view.partial === undefined ? null : new Doubts(index, view.partial.unrivalled)
  const known = { admittedOnly: false, doubts, isProtected: rules.isProtected }
  const context = new Context(index, matching, new NameAllocator(index, known), known)
  const all: Sheet[] = []
  const standby: Change[] = []
  const doneByHand: Change[] = []
  const corrections: LinkCorrection[] = []
  const claims: NameClaim[] = []
  const besides = new Set<string>()
  const situations = { linked: 0, unlinked: 0, missing: 0, absent: 0 }
  let population = 0
  for (const desired of people()) {
    doubts?.look(desired.identity, matching)
    const looked = lookAt(context, desired)
    const { standing, sheet } = looked
    for (const { nativeId } of looked.besides ?? []) besides.add(nativeId)
    const shutting = standbyFor(view, desired, looked, rules)
    if (shutting !== null) standby.push(shutting)
    if (standing !== 'nothing' && standing !== 'disputed') situations[standing] += 1
    if (sheet === null) continue
    if (sheet.correction !== null) corrections.push(sheet.correction)
    const claim = standing === 'absent' ? claimFor(context, desired) : null
    if (claim !== null) claims.push(claim)
    if (isCounted(standing, sheet)) population += 1
    judge(view, sheet, rules)
    if (sheet.doneByHand !== null) doneByHand.push(sheet.doneByHand)
    if (sheet.drafts.length > 0 || sheet.notes.length > 0) all.push(sheet)
  }
  const undecided = doubts?.undecided() ?? null
  const sheets = undecided === null ? all : all.filter(({ desired }) => !undecided.has(desired.identity))
  population = view.partial?.population ?? population
  const passed = applyLimits(view, sheets, population, rules)
  dropOrphanedReferences(sheets)
  for (const sheet of sheets) sheet.sort()
  const notes = sheets.flatMap((sheet) => sheet.notes)
  const counted = { ...countAccounts(index, matching, besides), ...situations }
  return {
    sheets,
    notes,
    standby,
    doneByHand,
    corrections,
    claims,
    population,
    situations: counted,
    ...passed,
    undecided,
  }
}

/** Accounts that nobody is linked to: those in dispute, and orphans. */
function countAccounts(
  index: IndexedView,
  matching: Matching,
  besides: ReadonlySet<string>,
): { disputed: number; unmatched: number } {
  const matched = new Set([...matching.matched.values()].map(({ account }) => account.nativeId))
  const disputed = matching.disputedAccounts.union(besides).difference(matched).size
  const unlinked = index.view.observed.items.filter(({ nativeId }) => !index.owners.has(nativeId)).length
  return { disputed, unmatched: unlinked - matched.size - disputed }
}

/**
 * The denominator of every limit: accounts of people that could still lose something. An account that Keyturn shut for
 * good before is none, nor is the backlog, else years of leavers would make every limit wide.
 */
function isCounted(standing: Looked['standing'], sheet: Sheet): boolean {
  if (standing !== 'linked' && standing !== 'unlinked') return false
  const isShut = sheet.desired.state === 'shut' && sheet.link?.shutByUs === 'leaver'
  return !isShut && !isBacklog(sheet)
}

/** A reference to an account that this plan was to make, but does not: it is set when that account is there. */
function dropOrphanedReferences(sheets: readonly Sheet[]): void {
  const made = new Set(
    sheets.flatMap(({ desired, drafts }) =>
      drafts.some(({ change, verdict }) => change.kind === 'create' && verdict === null) ? [desired.identity] : [],
    ),
  )
  for (const sheet of sheets) {
    const orphaned = sheet.drafts.filter(
      ({ awaits, verdict }) => awaits !== null && verdict === null && !made.has(awaits),
    )
    if (orphaned.length === 0) continue
    for (const { awaits } of orphaned) {
      sheet.note(
        'waits-for-reference',
        `refers to ${awaits}, whose account is held back; it is set when that is there.`,
      )
    }
    sheet.drafts.splice(0, sheet.drafts.length, ...sheet.drafts.filter((draft) => !orphaned.includes(draft)))
  }
}
