import type { ObservedAccount } from '../model/account.ts'
import type { Instant } from '../model/instant.ts'
import type { Context } from './context.ts'
import { stripEntitlements } from './entitlements.ts'
import type { Sheet } from './sheet.ts'

/**
 * Opens only what Keyturn itself shut (law 8). An account that is open again while the ledger still says that we hold it
 * shut is opened too: that sets nothing, and lets the ledger forget, so that a later shutting by hand is respected.
 */
export function open(context: Context, sheet: Sheet, account: ObservedAccount): void {
  if (!isOursToOpen(sheet) && !isUsable(context, account)) {
    if (account.lockedOut !== true || sheet.link?.foundShut === true) {
      sheet.note('shut-by-another-hand', shutText(account))
    }
    return
  }
  const shutByUs = sheet.link?.shutByUs ?? null
  const { reason } = sheet.desired
  const mode = shutByUs === 'pre-hire' ? 'create' : 'revoke'
  const newPassword = sheet.link?.passwordScrambled === true || (shutByUs === 'pre-hire' && !account.enabled)
  if (newPassword) sheet.need({ kind: 'issue-credential', credential: 'password' }, mode, reason)
  if (shutByUs !== null) sheet.need({ kind: 'enable' }, mode, reason)
  moveBack(context, sheet, account)
}

/** Exists, but nobody signs in: pre-hires and leaves of absence. */
export function close(sheet: Sheet, account: ObservedAccount): void {
  if (account.enabled) sheet.need({ kind: 'disable', protocol: 'suspend' }, 'revoke', sheet.desired.reason)
}

/**
 * The leaver protocol, until the ledger records that it was done; also where another hand shut the account before, for
 * that proves nothing about its passwords and keys. Then the clean-up, when it is due.
 */
export function shut(context: Context, sheet: Sheet, account: ObservedAccount): void {
  const { reason, cleanup } = sheet.desired
  if (sheet.link?.shutByUs !== 'leaver' || account.enabled) {
    sheet.need({ kind: 'disable', protocol: 'leaver' }, 'revoke', reason)
  }
  if (cleanup === null) return
  if (cleanup.remove === true && isOverdue(context, sheet) && !account.enabled) {
    sheet.need({ kind: 'delete' }, 'revoke', reason)
    return
  }
  stripEntitlements(context, sheet, account, cleanup)
  if (cleanup.container !== undefined && !context.view.connector.within(account.address, cleanup.container)) {
    sheet.need({ kind: 'move', from: account.container, to: cleanup.container }, 'revoke', reason)
  }
}

/**
 * `delete-after` counts from when the account was proven shut as well: whoever left long before Keyturn came, and was
 * released from the backlog today, keeps the account for as long as everybody else.
 */
function isOverdue({ view }: Context, { link }: Sheet): boolean {
  const { deleteAfter } = view.settings.leaver
  if (link?.shutByUs !== 'leaver' || link.shutAt === undefined || deleteAfter === 'never') return false
  return view.observed.takenAt >= link.shutAt + deleteAfter
}

/**
 * The expiry that the platform itself watches, of an open account: one that is shut needs none, and on some platforms the
 * same attribute holds it shut. An expiry that has passed is a shut door like any other (law 8).
 */
export function expire(context: Context, sheet: Sheet, account: ObservedAccount, to: Instant | null): void {
  if (account.expiresAt === to) return
  const hasEnded = hasExpired(context, account)
  if (hasEnded && !isOursToOpen(sheet)) return
  const mode = hasEnded ? 'revoke' : 'attributes'
  sheet.need({ kind: 'expire', from: account.expiresAt, to }, mode, sheet.desired.reason)
}

/** A rehire stands where leavers were moved to; nothing else about an account's container is ours (law 7). */
function moveBack(context: Context, sheet: Sheet, account: ObservedAccount): void {
  const { connector, settings } = context.view
  const leavers = settings.leaver.container
  if (leavers === undefined || !connector.within(account.address, leavers)) return
  const to = sheet.desired.container(account.name)
  if (account.container.toLowerCase() === to.toLowerCase()) return
  sheet.need({ kind: 'move', from: account.container, to }, 'revoke', sheet.desired.reason)
}

/** We hold it shut, and nobody else did before us: a leaver protocol over a door that was shut already opens nothing later. */
function isOursToOpen({ link }: Sheet): boolean {
  return link !== null && link.shutByUs !== null && link.foundShut !== true
}

function isUsable(context: Context, account: ObservedAccount): boolean {
  return account.enabled && !hasExpired(context, account)
}

function hasExpired({ view }: Context, { expiresAt }: ObservedAccount): boolean {
  return expiresAt !== null && expiresAt <= view.observed.takenAt
}

function shutText(account: ObservedAccount): string {
  const how = account.enabled ? 'has expired' : 'is disabled'
  return `${account.name} ${how}, but not by Keyturn: it stays so. If that is wrong, open it on the platform by hand.`
}
