import type { Change } from 'ldapts'
import { DAY } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import { addValues, deleteValues, replaceValues } from '../directory/edits.ts'
import type { Entry } from '../directory/entry.ts'
import { fromGeneralizedTime, generalizedTime } from '../directory/time.ts'
import { isUnusable, noPassword, unusable, usable } from './passwords.ts'
import type { ServerFacts } from './server.ts'

/** "Locked by an administrator", not for a time (draft-behera-ldap-password-policy, section 5.3.3). */
const lockedForGood = '000001010000Z'
/** An end that is ours: no contract ends then, so it is told apart from an end date that HR stated. */
const endOfLock = '19700101000000Z'
/** shadow(5): the account expired on 2 January 1970. (0 means "never" to some readers.) */
const shadowLock = '1'
const noShell = '/sbin/nologin'

/** What must be read of an entry to know whether it is shut, and until when it is open. */
export function stateAttributes(facts: ServerFacts): string[] {
  const { means, vendor } = facts
  return [
    ...(means.nsAccountLock ? ['nsAccountLock', 'accountUnlockTime'] : []),
    ...(facts.attributes.has('pwdaccountlockedtime') ? ['pwdAccountLockedTime'] : []),
    ...(facts.attributes.has('pwdendtime') ? ['pwdEndTime'] : []),
    ...(means.hash ? ['userPassword'] : []),
    ...(vendor === 'openldap' ? ['entryCSN'] : []),
    'shadowExpire',
  ]
}

/** May somebody sign in, as far as an administrator's lock goes? An end date that has passed is told by `expiresAt`. */
export function isEnabled(entry: Entry, { means }: ServerFacts): boolean {
  if (means.nsAccountLock && entry.text('nsAccountLock')?.toLowerCase() === 'true') return false
  if (means.lockedTime && entry.text('pwdAccountLockedTime') === lockedForGood) return false
  if (means.endTime && entry.text('pwdEndTime') === endOfLock) return false
  const stored = means.hash ? entry.texts('userPassword') : []
  return stored.length === 0 || !stored.every(isUnusable)
}

/** Is every lock there that `lockEdits` sets against a sign-in? */
export function isLockedFully(entry: Entry, facts: ServerFacts): boolean {
  const { means } = facts
  return (
    !isEnabled(entry, facts) &&
    (!means.lockedTime || entry.text('pwdAccountLockedTime') === lockedForGood) &&
    (!means.endTime || entry.text('pwdEndTime') === endOfLock)
  )
}

/** Shut by the server itself after too many tries. */
export function isLockedOut(entry: Entry, { means }: ServerFacts): boolean {
  const since = entry.text('pwdAccountLockedTime')
  if (means.lockedTime && since !== undefined && since !== lockedForGood) return true
  return means.nsAccountLock && entry.has('accountUnlockTime')
}

/** When the server itself shuts the account; null: never. */
export function expiryOf(entry: Entry, facts: ServerFacts): Instant | null {
  const end = entry.text('pwdEndTime')
  if (facts.means.endTime) return end === undefined || end === endOfLock ? null : fromGeneralizedTime(end)
  const day = entry.text('shadowExpire')
  return day === undefined || day === shadowLock || Number(day) < 0 ? null : Number(day) * DAY
}

/** The nearest instant that the server can hold; null where it can hold none. */
export function holdableExpiry(at: Instant | null, facts: ServerFacts, shadow: boolean): Instant | null {
  if (at === null || (!facts.means.endTime && !shadow)) return null
  return facts.means.endTime ? Math.floor(at / 1_000) * 1_000 : Math.floor(at / DAY) * DAY
}

export function isShadow(objectClasses: readonly string[]): boolean {
  return objectClasses.some((name) => name.toLowerCase() === 'shadowaccount')
}

/** Attribute values that say "open until then". */
export function expiryValues(
  at: Instant | null,
  facts: ServerFacts,
  objectClasses: readonly string[],
): Record<string, string[]> {
  return {
    ...(facts.means.endTime ? { pwdEndTime: at === null ? [] : [generalizedTime(at)] } : {}),
    ...(isShadow(objectClasses) ? { shadowExpire: at === null ? [] : [String(Math.floor(at / DAY))] } : {}),
  }
}

export function expiryEdits(at: Instant | null, facts: ServerFacts, objectClasses: readonly string[]): Change[] {
  return Object.entries(expiryValues(at, facts, objectClasses)).map(([name, values]) => replaceValues(name, values))
}

/** Is `pwdEndTime` all that holds it shut? Then writing another end would open it. */
export function heldByEndTime(entry: Entry, { means }: ServerFacts): boolean {
  return means.endTime && !means.lockedTime && entry.text('pwdEndTime') === endOfLock
}

export interface LockOptions {
  /** The shell of a new account, where Keyturn gives shells and nothing else manages them; null: shells are left alone. */
  readonly shell: string | null
  /** A leaver loses the shell, too; a suspended person keeps everything. */
  readonly leaver: boolean
}

/** Every means that this server and this entry have. Each sets a state; doing it again changes nothing. */
export function lockEdits(entry: Entry, facts: ServerFacts, options: LockOptions): Change[] {
  const { means } = facts
  const stored = entry.texts('userPassword')
  const shells = options.leaver && options.shell !== null && entry.has('loginShell')
  // A suspended person's end date stays where the other lock is enough; without it, only the end date can shut.
  const ends = means.endTime && (options.leaver || !means.lockedTime || !entry.has('pwdEndTime'))
  return [
    ...(means.nsAccountLock ? [replaceValues('nsAccountLock', ['true'])] : []),
    ...(means.lockedTime ? [replaceValues('pwdAccountLockedTime', [lockedForGood])] : []),
    ...(ends ? [replaceValues('pwdEndTime', [endOfLock])] : []),
    ...(means.hash ? [replaceValues('userPassword', stored.length > 0 ? stored.map(unusable) : [noPassword])] : []),
    ...(isShadow(entry.texts('objectClass')) ? [replaceValues('shadowExpire', [shadowLock])] : []),
    ...(shells ? [replaceValues('loginShell', [noShell])] : []),
  ]
}

/**
 * The locks of a leaver and a new password in one modification. OpenLDAP ends a modification of the password by taking
 * pwdAccountLockedTime away from an entry that had it, unless the same modification has deleted it first (slapo-ppolicy,
 * tested with 2.5); so there it is deleted and added, instead of replaced.
 */
export function lockWithPassword(entry: Entry, facts: ServerFacts, options: LockOptions, stored: string): Change[] {
  const password = replaceValues('userPassword', [stored])
  const locks = lockEdits(entry, facts, options)
  if (!facts.means.lockedTime || !entry.has('pwdAccountLockedTime')) return [password, ...locks]
  const others = locks.filter((edit) => edit.modification.type !== 'pwdAccountLockedTime')
  return [
    deleteValues('pwdAccountLockedTime', []),
    password,
    addValues('pwdAccountLockedTime', [lockedForGood]),
    ...others,
  ]
}

/** Takes away exactly what `lockEdits` puts there, and no end date that HR stated. */
export function unlockEdits(entry: Entry, facts: ServerFacts, options: LockOptions): Change[] {
  const { means } = facts
  const stored = entry.texts('userPassword')
  const opened = stored.map(usable).filter((value) => value !== null)
  const shells = options.shell !== null && entry.text('loginShell') === noShell
  return [
    ...(means.nsAccountLock && entry.has('nsAccountLock') ? [replaceValues('nsAccountLock', [])] : []),
    ...(means.lockedTime && entry.has('pwdAccountLockedTime') ? [replaceValues('pwdAccountLockedTime', [])] : []),
    ...(means.endTime && entry.text('pwdEndTime') === endOfLock ? [replaceValues('pwdEndTime', [])] : []),
    ...(means.hash && stored.some(isUnusable) ? [replaceValues('userPassword', opened)] : []),
    ...(entry.text('shadowExpire') === shadowLock ? [replaceValues('shadowExpire', [])] : []),
    ...(shells ? [replaceValues('loginShell', [options.shell])] : []),
  ]
}

/** What a new account that may not be used yet is made with. */
export function lockedValues(facts: ServerFacts, objectClasses: readonly string[]): Record<string, string[]> {
  const { means } = facts
  return {
    ...(means.nsAccountLock ? { nsAccountLock: ['true'] } : {}),
    ...(means.lockedTime ? { pwdAccountLockedTime: [lockedForGood] } : {}),
    ...(means.endTime ? { pwdEndTime: [endOfLock] } : {}),
    ...(isShadow(objectClasses) ? { shadowExpire: [shadowLock] } : {}),
  }
}
