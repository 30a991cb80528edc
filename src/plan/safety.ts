import type { DesiredAccount } from '../model/account.ts'
import { fingerprint, holdable } from '../model/change.ts'
import type { SafetySettings } from '../model/settings.ts'
import { restoredVerdict } from './restored.ts'
import type { Draft, Sheet, Verdict } from './sheet.ts'
import type { PlatformView } from './view.ts'

/** What safety decides by, besides what was seen of the platform. */
export interface SafetyRules {
  readonly safety: SafetySettings
  /** A person has seen this very plan: creations and updates pass their limits, removals never do. */
  readonly confirmed: boolean
  readonly isProtected: (text: string) => boolean
}

/** Gives every change of one account what speaks against it, as far as that does not depend on how many there are. */
export function judge(view: PlatformView, sheet: Sheet, rules: SafetyRules): void {
  if (sheet.drafts.length === 0) return
  judgeAccount(view, sheet, rules.isProtected)
  for (const draft of sheet.drafts) {
    const standing = draft.verdict
    if (standing === null || holdable.has(standing.why)) draft.verdict = verdictOf(view, sheet, draft, rules.safety)
  }
  follow(sheet)
}

/**
 * Accounts that are never changed, by nobody's approval: the one that Keyturn signs in with, protected ones, those that
 * the platform keeps to itself, and people whose record contradicts itself. A link is only remembered and passes. For
 * people whom an operator froze only revocation goes on.
 */
export function judgeAccount(view: PlatformView, sheet: Sheet, isProtected: (text: string) => boolean): void {
  const verdict = accountVerdict(view, sheet, isProtected)
  if (verdict === null) {
    freeze(sheet)
    return
  }
  const isLeft = verdict.why === 'protected' && sheet.desired.state === 'shut'
  if (isLeft && wasDoneByHand(view, sheet)) return
  for (const draft of sheet.drafts) {
    const passes = draft.change.kind === 'link' && verdict.why !== 'held'
    if (!passes && draft.verdict?.why !== 'disputed') draft.verdict = verdict
  }
  if (verdict.why === 'held') sheet.note('held', verdict.text)
  if (isLeft) sheet.note('protected', ownerLeftText)
}

/** Shutting goes on with all that belongs to it, and so does disabling during a leave, with the link that it needs. */
function freeze({ desired: { identity, frozen, state }, drafts }: Sheet): void {
  if (frozen === undefined || state === 'shut') return
  const text = `${identity} is frozen (${frozen}): nothing but revocation goes on for this person.`
  for (const draft of drafts) {
    const { kind } = draft.change
    const goesOn = state === 'closed' && (kind === 'link' || kind === 'disable')
    if (!goesOn && draft.verdict?.why !== 'disputed') draft.verdict = { why: 'frozen', text }
  }
}

/**
 * `offboard`: what shuts this person's accounts passes limits, holds and rejections. A deletion shuts nothing and cannot
 * be undone, so it waits like every other.
 */
export function isEmergency({ desired }: Sheet, { change }: Draft): boolean {
  return desired.emergency === true && desired.state === 'shut' && change.kind !== 'delete'
}

const ownerLeftText =
  'is protected, so Keyturn never changes it, but its owner has left: shut it by hand, then say so with "keyturn holds approve ID --reason TEXT".'

/** Then nothing more is said about this account for as long as its owner is gone; whose it is is still remembered. */
function wasDoneByHand({ decisions: { doneByHand } }: PlatformView, sheet: Sheet): boolean {
  const disable = sheet.drafts.find(({ change: { kind } }) => kind === 'disable')?.change
  if (disable === undefined || !doneByHand.has(fingerprint(disable))) return false
  sheet.doneByHand = disable
  sheet.drafts.splice(0, sheet.drafts.length, ...sheet.drafts.filter(({ change: { kind } }) => kind === 'link'))
  return true
}

function protectedText({ platform, state }: DesiredAccount, name: string): string {
  return state === 'shut'
    ? `Protected accounts on ${platform} whose owners have left. Keyturn never changes them: shut them by hand, then say so with "keyturn holds approve ID --reason TEXT".`
    : `${name} on ${platform} is protected (safety.protected) and is never changed.`
}

function accountVerdict(
  view: PlatformView,
  { desired, account }: Sheet,
  isProtected: (text: string) => boolean,
): Verdict | null {
  const { identity, platform, held, emergency } = desired
  if (account !== null) {
    const { name, address, cannotManage } = account
    if (view.ownAddress !== null && plain(address) === plain(view.ownAddress)) {
      const text = `${name} is the account that Keyturn itself signs in with on ${platform}: it is never changed.`
      return { why: 'own-account', text }
    }
    if (isProtected(name) || isProtected(address)) {
      return { why: 'protected', text: protectedText(desired, name) }
    }
    if (cannotManage !== undefined) return { why: 'cannot-manage', text: `${name} on ${platform}: ${cannotManage}` }
  }
  return held === null || emergency === true
    ? null
    : { why: 'held', text: `${identity} is held: ${held}. Nothing is changed for this person.` }
}

/** Two spellings of one DN: case and blanks around its separators do not matter (RFC 4514, section 2.4 and 4). */
function plain(address: string): string {
  return address.toLowerCase().replaceAll(/\s*([,=])\s*/g, '$1')
}

/** In this order: not in this mode, rejected before, approved before, waits for a person. */
function verdictOf(view: PlatformView, sheet: Sheet, draft: Draft, safety: SafetySettings): Verdict | null {
  const { settings } = view
  const { change, verdict } = draft
  const observed = modeVerdict(view, draft)
  if (observed !== null) return observed
  // Before every approval: what a person saw when saying it is not what is there now.
  const early = restoredVerdict(view, draft)
  if (early !== null) return early
  if (isEmergency(sheet, draft)) return null
  const rejected = rejectedVerdict(view, sheet, draft)
  if (rejected !== null) return rejected
  if (isApproved(view, draft)) return null
  if (verdict !== null) return verdict
  if (change.kind !== 'link' && isBacklog(sheet)) return { why: 'backlog', text: backlogText(settings.id) }
  if (change.kind === 'grant' && change.privileged === true && safety.privileged === 'hold') {
    const text = `${change.entitlement} on ${settings.id} is privileged: granting it waits for "keyturn holds approve ID --reason TEXT".`
    return { why: 'privileged', text }
  }
  return null
}

/** What the platform is only observed for is never done there. */
export function modeVerdict({ settings }: PlatformView, { mode }: Draft): Verdict | null {
  if (mode === null || settings.mode[mode] !== 'observe') return null
  return { why: 'observe', text: `${settings.id} is only observed for this kind of change (mode, ${mode}: observe).` }
}

/** Also of what was released before: the last word counts as long as it is not carried out. */
export function rejectedVerdict({ decisions: { rejected } }: PlatformView, sheet: Sheet, draft: Draft): Verdict | null {
  if (rejected.size === 0 || isEmergency(sheet, draft) || !rejected.has(fingerprint(draft.change))) return null
  return { why: 'rejected', text: 'Somebody rejected this change with "keyturn holds reject".' }
}

export function isApproved({ decisions: { approved } }: PlatformView, { change }: Draft): boolean {
  return approved.size > 0 && approved.has(fingerprint(change))
}

/** Once Keyturn has shut the account, opening it by another hand makes no backlog of it again: it is shut at once. */
export function isBacklog({ desired, link }: Sheet): boolean {
  return desired.backlog && desired.state === 'shut' && link?.shutByUs !== 'leaver'
}

function backlogText(platform: string): string {
  return `Accounts on ${platform} of people who left before Keyturn came. Look with "keyturn holds show ID", release with "keyturn holds approve ID --reason TEXT".`
}

/**
 * What comes after a change that is held back is held back with it: nothing is stripped or moved before its account is
 * shut, and nothing is given to an account that is not made.
 */
export function follow({ drafts }: Sheet): void {
  const leaders = drafts.filter(({ change, verdict }) => verdict !== null && isLeader(change.kind))
  for (const { change: leader, verdict } of leaders) {
    for (const draft of drafts) {
      const { kind } = draft.change
      const follows = leader.kind === 'create' ? kind !== 'create' : kind === 'revoke' || kind === 'move'
      if (follows) draft.verdict ??= verdict
    }
  }
}

function isLeader(kind: string): boolean {
  return kind === 'disable' || kind === 'create'
}

/** Makes one test of glob patterns, in which `*` stands for anything and case does not matter. */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  const tests = patterns.map((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${parts.join('.*')}$`, 'is')
  })
  return (text) => tests.some((test) => test.test(text))
}
