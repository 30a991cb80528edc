import { fingerprint, limitOf } from '../model/change.ts'
import type { WithheldWhy } from '../model/change.ts'
import type { SafetyLimit, SafetyLimits } from '../model/settings.ts'
import { follow, isApproved, isEmergency } from './safety.ts'
import type { SafetyRules } from './safety.ts'
import type { Draft, Sheet } from './sheet.ts'
import type { PlatformView } from './view.ts'

const way = 'Look with "keyturn holds show", release with "keyturn holds approve".'

/** One limit of safety on one platform: what it counts, and what is held back when it is crossed. */
interface Limited {
  readonly why: WithheldWhy
  readonly limit: SafetyLimit | undefined
  /** Does this change make its account one of those that are counted? */
  readonly counts: (sheet: Sheet, draft: Draft) => boolean
  readonly stops: (sheet: Sheet, draft: Draft) => boolean
  readonly would: string
  readonly nothing: string
}

/**
 * The limits over the whole of one platform. Accounts are counted, each once, never changes. What was approved, and what
 * is held back already, does not count; crossing a limit holds back everything of its kind that is left.
 *
 * Removals of accounts that Keyturn shut before (a clean-up that has become due) do not count either: nobody loses
 * access by them, and their exit was counted when the account was shut.
 */
export function applyLimits(
  view: PlatformView,
  sheets: readonly Sheet[],
  population: number,
  rules: SafetyRules,
): void {
  const { default: general, [view.settings.id]: own = general } = rules.safety.limits
  for (const limited of limitsOf(own, rules.confirmed)) {
    if (limited.limit === undefined) continue
    const { counts, stops } = limited
    const live = (draft: Draft) => draft.verdict === null && !isApproved(view, draft)
    keepLeftOpen(view, sheets, limited)
    const count = sheets.filter((sheet) => sheet.drafts.some((draft) => counts(sheet, draft) && live(draft))).length
    if (count <= limited.limit.above || count <= limited.limit.max * population) continue
    const verdict = { why: limited.why, text: textOf(view, limited, limited.limit, count, population) }
    for (const sheet of sheets) {
      for (const draft of sheet.drafts) if (stops(sheet, draft) && live(draft)) draft.verdict = verdict
      follow(sheet)
    }
  }
}

/**
 * Where a person has released a part of a hold, the rest waits for a person too: what is left may be few enough for the
 * limit, but somebody has looked at it and not released it.
 */
function keepLeftOpen(view: PlatformView, sheets: readonly Sheet[], { why, stops, nothing }: Limited): void {
  const { leftOpen } = view.decisions
  if (leftOpen.size === 0) return
  const text = `${view.settings.id}: left open when others of the same hold were decided. ${nothing} ${way}`
  for (const sheet of sheets) {
    for (const draft of sheet.drafts) {
      const isLeft = draft.verdict === null && stops(sheet, draft) && leftOpen.has(fingerprint(draft.change))
      if (isLeft) draft.verdict = { why, text }
    }
    follow(sheet)
  }
}

function limitsOf(limits: SafetyLimits, confirmed: boolean): readonly Limited[] {
  const removal = (sheet: Sheet, draft: Draft) =>
    limitOf(draft.change) === 'removals' && !sheet.desired.announced && !isEmergency(sheet, draft)
  const creation = (_: Sheet, { change }: Draft) => limitOf(change) === 'creations'
  const update = (sheet: Sheet, { change, mode }: Draft) =>
    sheet.account !== null && mode === 'attributes' && limitOf(change) === 'updates'
  return [
    {
      why: 'removals-limit',
      limit: limits.removals,
      counts: (sheet, draft) => removal(sheet, draft) && !isShutByUs(sheet),
      stops: removal,
      would: 'would lose access',
      nothing: 'Nothing was removed.',
    },
    {
      why: 'creations-limit',
      limit: confirmed ? undefined : limits.creations,
      counts: creation,
      stops: creation,
      would: 'would be created',
      nothing: 'Nothing was created.',
    },
    {
      why: 'updates-limit',
      limit: confirmed ? undefined : limits.updates,
      counts: update,
      stops: update,
      would: 'would be changed',
      nothing: 'Nothing was changed.',
    },
  ]
}

function isShutByUs({ link, account }: Sheet): boolean {
  return link?.shutByUs === 'leaver' && account?.enabled === false
}

function textOf(view: PlatformView, limited: Limited, limit: SafetyLimit, count: number, population: number): string {
  const { id } = view.settings
  const share = population === 0 ? '' : ` (${percent(count / population)})`
  const counted =
    limited.why === 'creations-limit'
      ? `${count} accounts ${limited.would} where ${population} are linked${share}`
      : `${count} of ${population} accounts${share} ${limited.would}`
  return `${id}: ${counted}; the limit is ${percent(limit.max)} above ${limit.above}. ${limited.nothing} ${way}`
}

/** 0.691 is `69.1 %`, 0.1 is `10 %`. */
function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}
