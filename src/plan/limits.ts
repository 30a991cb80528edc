import { fingerprint, limitOf } from '../model/change.ts'
import type { RemovalRoom, WithheldWhy } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../model/instant.ts'
import type { SafetyLimit, SafetyLimits } from '../model/settings.ts'
import { follow, isApproved, isEmergency } from './safety.ts'
import type { SafetyRules } from './safety.ts'
import type { Draft, Sheet } from './sheet.ts'
import type { PlatformView } from './view.ts'

const way = 'Look with "keyturn holds show ID", release with "keyturn holds approve ID --reason TEXT".'

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
 *
 * The limit on removals may look back: whom earlier plans shut within its time counts too, each account once. Returns
 * whom it counted and let pass, and how many more it would have.
 */
export function applyLimits(
  view: PlatformView,
  sheets: readonly Sheet[],
  population: number,
  rules: SafetyRules,
): Passed {
  const { default: general, [view.settings.id]: own = general } = rules.safety.limits
  let passed: Passed = { removals: [], room: null }
  for (const limited of limitsOf(own, rules.confirmed)) {
    const { counts, stops, limit } = limited
    if (limit === undefined) continue
    const live = (draft: Draft) => draft.verdict === null && !isApproved(view, draft)
    keepLeftOpen(view, sheets, limited)
    const isCounted = (sheet: Sheet, draft: Draft) => counts(sheet, draft) && live(draft)
    const counted = sheets
      .filter((sheet) => sheet.drafts.some((draft) => isCounted(sheet, draft)))
      .map(({ desired }) => desired.identity)
    const count = countOf(view, limited, counted, population)
    if (counted.length === 0 || !isCrossed(limit, count)) {
      if (limited.why === 'removals-limit')
        passed = { removals: shutAmong(sheets, isCounted), room: roomIn(limit, count) }
      continue
    }
    const verdict = { why: limited.why, text: textOf(view, limited, limit, count) }
    for (const sheet of sheets) {
      for (const draft of sheet.drafts) if (stops(sheet, draft) && live(draft)) draft.verdict = verdict
      follow(sheet)
    }
  }
  return passed
}

/**
 * Who is shut counts against later plans. Who only loses an entitlement does not: a department that moves in the morning
 * must not hold those who leave before noon.
 */
function shutAmong(sheets: readonly Sheet[], counts: (sheet: Sheet, draft: Draft) => boolean): readonly IdentityId[] {
  return sheets
    .filter((sheet) => sheet.drafts.some((draft) => draft.change.kind === 'disable' && counts(sheet, draft)))
    .map(({ desired }) => desired.identity)
}

/** What the limit on removals let pass. */
interface Passed {
  readonly removals: readonly IdentityId[]
  /** Null where it does not look back. */
  readonly room: (Pick<RemovalRoom, 'lately' | 'more'> & { readonly within: number }) | null
}

function roomIn({ above, max, within = 0 }: SafetyLimit, { now, lately, population }: Count): Passed['room'] {
  if (within === 0) return null
  return { within, lately, more: Math.floor(Math.max(above, max * population)) - now - lately }
}

/** What is compared with a limit. */
interface Count {
  /** Accounts of this plan. */
  readonly now: number
  /** Accounts that earlier plans took something from within the time of the limit, and this one does not. */
  readonly lately: number
  /** Of how many. */
  readonly population: number
}

function countOf(
  view: PlatformView,
  { why, limit }: Limited,
  counted: readonly IdentityId[],
  population: number,
): Count {
  const isOverTime = why === 'removals-limit' && (limit?.within ?? 0) > 0
  const lately = isOverTime ? (view.removedLately ?? none).difference(new Set(counted)) : none
  // Who lost the account meanwhile is not in the population any more, but was when the time of the limit began.
  const gone = view.partial === undefined && lately.size > 0 ? lately.difference(stillOpen(view)).size : 0
  return { now: counted.length, lately: lately.size, population: population + gone }
}

const none: ReadonlySet<IdentityId> = new Set()

function stillOpen({ links }: PlatformView): ReadonlySet<IdentityId> {
  return new Set(links.filter(({ shutByUs }) => shutByUs !== 'leaver').map(({ identity }) => identity))
}

function isCrossed({ above, max }: SafetyLimit, { now, lately, population }: Count): boolean {
  return now + lately > above && now + lately > max * population
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
    limitOf(draft.change) === 'removals' &&
    !sheet.desired.announced &&
    !isEmergency(sheet, draft) &&
    !isShutAgain(sheet, draft)
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

/** Another tool that opens the accounts of all who left must not find protection behind the limit. */
function isShutAgain({ link }: Sheet, { change }: Draft): boolean {
  return change.kind === 'disable' && link?.shutByUs === 'leaver'
}

function isShutByUs({ link, account }: Sheet): boolean {
  return link?.shutByUs === 'leaver' && account?.enabled === false
}

function textOf({ settings: { id } }: PlatformView, limited: Limited, limit: SafetyLimit, count: Count): string {
  return `${id}: ${countedText(limited, limit, count)}; the limit is ${percent(limit.max)} above ${limit.above}. ${limited.nothing} ${way}`
}

function countedText({ why, would }: Limited, { within = 0 }: SafetyLimit, { now, lately, population }: Count): string {
  const total = now + lately
  const share = population === 0 ? '' : ` (${percent(total / population)})`
  const accounts = now === 1 ? '1 account' : `${now} accounts`
  if (why === 'creations-limit') return `${accounts} ${would} where ${population} are linked${share}`
  if (lately === 0) return `${now} of ${population} accounts${share} ${would}`
  return `${accounts} ${would} after ${lately} within the last ${span(within)}, together ${total} of ${population}${share}`
}

const units = [
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
] as const

/** As durations are written in the configuration: `90m`, `2d`. */
function span(ms: number): string {
  const [name, unit] = units.find(([, size]) => ms % size === 0) ?? ['ms', 1]
  return `${ms / unit}${name}`
}

/** 0.691 is `69.1 %`, 0.1 is `10 %`. */
function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}
