import type { DesiredAccount, ObservedAccount } from '../model/account.ts'
import type { Link } from '../model/ledger.ts'
import { close, expire, open, shut } from './access.ts'
import { diffAttributes } from './attributes.ts'
import type { Context } from './context.ts'
import { create } from './creation.ts'
import { diffEntitlements } from './entitlements.ts'
import { besidesText, foundBesides, settling } from './matching.ts'
import type { Dispute, Match } from './matching.ts'
import { corrected, correctionOf } from './restored.ts'
import { Sheet } from './sheet.ts'
import { refusalOf } from './values.ts'

/** How a person stands with the platform; accounts that are nobody's are counted elsewhere. */
export type Standing = 'linked' | 'unlinked' | 'disputed' | 'missing' | 'absent' | 'nothing'

export interface Looked {
  readonly standing: Standing
  /** Null: nothing is desired here, and nothing is there. */
  readonly sheet: Sheet | null
  /** Accounts beside the linked one that carry the person's key: whose they are is for a person to say. */
  readonly besides?: readonly ObservedAccount[]
}

/**
 * One person on one platform: the situation, and everything that is needed to make it as desired. A value that cannot be
 * worked out for this person stops this person's opening and describing only: shutting needs no value.
 */
export function lookAt(context: Context, desired: DesiredAccount): Looked {
  const { index, matching } = context
  const link = index.links.get(desired.identity) ?? null
  const account = link === null ? undefined : index.accounts.get(link.nativeId)
  if (account !== undefined) return { standing: 'linked', ...linked(context, desired, link, account) }
  const match = matching.matched.get(desired.identity)
  if (match !== undefined) return { standing: 'unlinked', sheet: linkAndDiff(context, desired, match) }
  const dispute = matching.disputed.get(desired.identity)
  if (dispute !== undefined) return { standing: 'disputed', sheet: disputed(desired, dispute) }
  return withoutAccount(context, desired, link)
}

function linked(
  context: Context,
  desired: DesiredAccount,
  link: Link | null,
  account: ObservedAccount,
): Pick<Looked, 'sheet' | 'besides'> {
  const sheet = diff(context, desired, link, account)
  // A view of a few people shows their linked accounts only: a plan over everybody says what else there is.
  const besides = context.view.partial === undefined ? foundBesides(context.index, desired) : []
  for (const match of besides) if (isOpen(context, match.account)) tellBesides(sheet, account, match)
  return { sheet, besides: besides.map((match) => match.account) }
}

/** Whoever shall not be let in may come in by it: that is withheld like every other dispute, and never done by itself. */
function tellBesides(sheet: Sheet, linkedTo: ObservedAccount, match: Match): void {
  const { desired } = sheet
  const { account, by } = match
  const fact = besidesText(desired, linkedTo, match)
  if (desired.state === 'open') {
    sheet.note('disputed', `${fact}: take that key from ${account.name}, or shut it by hand when they leave.`)
    return
  }
  const text = `${fact}, and this one is open: shut ${account.name} by hand, or take that key from it.`
  const other = new Sheet(desired, null, { account })
  other.need({ kind: 'link', by }, null, desired.reason, { verdict: { why: 'disputed', text } })
  sheet.drafts.push(...other.drafts)
  sheet.note('disputed', text)
}

/** May somebody sign in with it, also once the platform's own lock after too many tries is over? */
function isOpen({ view }: Context, { enabled, lockedOut, expiresAt }: ObservedAccount): boolean {
  return (enabled || lockedOut === true) && (expiresAt === null || expiresAt > view.observed.takenAt)
}

function diff(context: Context, desired: DesiredAccount, known: Link | null, account: ObservedAccount): Sheet {
  const correction = correctionOf(context, desired, known, account)
  const link = correction === null ? known : corrected(correction, known, account, context.view.observed.takenAt)
  const sheet = new Sheet(desired, link, { account })
  sheet.correction = correction
  if (desired.state === 'shut') {
    shut(context, sheet, account)
    return sheet
  }
  if (desired.state === 'closed') close(sheet, account)
  const failure = refusalOf(() => {
    if (desired.state === 'open') open(context, sheet, account)
    const adapted = diffAttributes(context, sheet, account)
    if (desired.state === 'open') expire(context, sheet, account, adapted.expiresAt)
  })
  if (failure !== null) sheet.note('held', `${failure} Nothing else is changed of this account's attributes.`)
  // Those on leave keep what they have, whatever their record says meanwhile.
  if (desired.lifecycle !== 'suspended') diffEntitlements(context, sheet, account)
  return sheet
}

function linkAndDiff(context: Context, desired: DesiredAccount, { account, attribute, by }: Match): Sheet {
  const sheet = diff(context, desired, null, account)
  sheet.need({ kind: 'link', by, address: account.address }, null, { kind: 'setting', text: `matched by ${attribute}` })
  return sheet
}

/** Every account that could be meant is shown as a link that is held back; nobody guesses. */
function disputed(desired: DesiredAccount, dispute: Dispute): Sheet {
  const [first] = dispute.matches as [Match]
  const sheet = new Sheet(desired, null, { account: first.account })
  const way = settling(dispute, desired)
  for (const { account, by } of dispute.matches) {
    const one = new Sheet(desired, null, { account })
    one.need({ kind: 'link', by }, null, desired.reason, { verdict: { why: 'disputed', text: way } })
    sheet.drafts.push(...one.drafts)
  }
  sheet.note('disputed', way)
  return sheet
}

function withoutAccount(context: Context, desired: DesiredAccount, link: Link | null): Looked {
  const proposals = context.matching.proposed.get(desired.identity)
  if (proposals !== undefined) return { standing: 'absent', sheet: proposed(context, desired, link, proposals) }
  if (link !== null) return { standing: 'missing', sheet: missing(context, desired, link) }
  if (!desired.create) return { standing: 'nothing', sheet: null }
  return { standing: 'absent', sheet: create(context, desired, null, null) }
}

function proposed(context: Context, desired: DesiredAccount, link: Link | null, proposals: readonly Match[]): Sheet {
  const found = proposals.map(({ account, by }) => `${account.name} (${by})`).join(', ')
  const text = `${desired.identity} may be the owner of ${found}. Link it with "keyturn adopt ${desired.platform}"; until then no second account is made.`
  const sheet = desired.create
    ? create(context, desired, link, { why: 'proposed', text })
    : new Sheet(desired, link, { name: desired.key })
  sheet.note('proposed', text)
  return sheet
}

/** The account that was linked is gone from a complete read: another hand deleted it. */
function missing(context: Context, desired: DesiredAccount, link: Link): Sheet {
  const text = `${link.name} of ${desired.identity} was deleted on ${desired.platform} by another hand`
  if (!desired.create) {
    const sheet = new Sheet(desired, link, { name: link.name })
    sheet.note('missing', `${text}; nothing is to be done.`)
    return sheet
  }
  const way = `${text}. It is made anew only when somebody releases this with "keyturn holds approve ID --reason TEXT".`
  const sheet = create(context, desired, link, { why: 'account-deleted', text: way })
  sheet.note('missing', way)
  return sheet
}
