import { randomBytes } from 'node:crypto'
import { PasswordPolicyControl } from 'ldapts'
import type { Change as Edit } from 'ldapts'
import type { ObservedAccount } from '../../model/account.ts'
import type { LeaverChange } from '../../model/change.ts'
import type { Outcome, Proof, ResidualAccess } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { IdentityId } from '../../model/identity.ts'
import type { Instant } from '../../model/instant.ts'
import { assertMayOpen } from '../directory/may-open.ts'
import { ReadEntryControl, readEntryOf } from '../directory/controls.ts'
import { sameDn } from '../directory/dn.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError } from '../directory/errors.ts'
import { clearCredentials } from './credentials.ts'
import {
  expiryEdits,
  isEnabled,
  isLockedFully,
  lockEdits,
  lockWithPassword,
  stateAttributes,
  unlockEdits,
} from './lock.ts'
import { saltedHash, setPassword } from './passwords.ts'
import type { ServerFacts } from './server.ts'
import { locate, lockOptions, relocate, request } from './session.ts'
import type { Located, Scramble, Session } from './session.ts'

/** RFC 4511 gives no way to end somebody else's connection, so what is open stays open. */
const openSessions: ResidualAccess = {
  what: 'LDAP connections that are open already stay signed in until they are closed or the server is restarted',
  until: null,
}

/** Shuts an account so that nothing is lost: the password and everything else stay. */
export async function suspend(session: Session, account: Located, nativeId: string): Promise<Outcome> {
  const was = isEnabled(account.entry, session.facts)
  await lock(session, account, nativeId, false)
  return { result: was ? 'done' : 'already', residual: [openSessions] }
}

/** The first step of the leaver protocol alone, for many before anything else is done for any of them; `leave` goes on. */
export async function shut(
  session: Session,
  account: Located,
  nativeId: string,
  { identity }: LeaverChange,
): Promise<boolean> {
  if (isDone(session, account, identity)) return true
  try {
    await noteStep(session, identity, 'disable', () => shutDoor(session, { account, nativeId, identity }))
    return true
  } catch {
    // `leave` meets the same trouble, and tells it.
    return false
  }
}

/**
 * The leaver protocol. The first write shuts the door: every lock, and where the server can also the new password, in one
 * modification. Each step is read back and recorded before the next; a repeated run goes on where the last one stopped, but
 * scrambles again when the password of the last scramble is not in memory any more, since nothing could be proven with it.
 * Where the scramble has lifted the lock (an administrator's reset does on OpenLDAP, and a test of the new password needs it),
 * the lock comes again, whatever the steps before it met: whatever can be shut is.
 */
export async function leave(
  session: Session,
  account: Located,
  nativeId: string,
  { identity }: LeaverChange,
): Promise<Outcome> {
  const { facts } = session
  const leaver: Leaver = { account, nativeId, identity }
  const done = session.context.stepsDone(identity)
  const failures: unknown[] = []
  const step = async (name: string, run: () => Promise<string>): Promise<void> => {
    try {
      await noteStep(session, identity, name, run)
    } catch (error) {
      failures.push(error)
    }
  }
  const isShut = isDone(session, account, identity)
  if (!isShut) await step('disable', () => shutDoor(session, leaver))
  // Keys go before a scramble that opens the account for the moment of its test.
  if (!done.has('clear')) await step('clear', () => clearCredentials(session, account))
  const known = scrambleOf(session, leaver)
  const shutAs = known?.shutAs
  // On 389 Directory Server nothing lifts the lock.
  let lifted = !facts.means.nsAccountLock
  if (!done.has('scramble') || known === undefined || shutAs !== undefined) {
    await step('scramble', async () => {
      if (shutAs === undefined || (isShut && !isUntouched(account, shutAs))) return scramble(session, leaver)
      lifted = !(await saysLocked(session, leaver))
      if (!lifted) return noteUntested(session, leaver)
      // Not taken: somebody has set another one in this very moment.
      return (await testPassword(session, leaver, shutAs)) ? tested : scramble(session, leaver)
    })
  }
  if (lifted || failures.length > 0) {
    await step('lock', async () => lock(session, await asItIs(session, leaver), nativeId, true))
  }
  if (failures.length > 0) throw failures[0]
  return { result: 'done', residual: [openSessions] }
}

/** Was it shut, and does it stand so? */
function isDone({ context, facts }: Session, { entry }: Located, identity: IdentityId): boolean {
  return context.stepsDone(identity).has('disable') && !isEnabled(entry, facts)
}

/**
 * Is it as the first write has left it? Between the two others were shut, and somebody may have set a password meanwhile. Every
 * write of a client gives an entry a new number (entryCSN), but not the server's own notes of wrong passwords.
 */
function isUntouched({ entry }: Located, shutAs: Entry): boolean {
  const number = shutAs.text('entryCSN')
  return number !== undefined && number === entry.text('entryCSN')
}

async function noteStep(
  { context }: Session,
  identity: IdentityId,
  step: string,
  run: () => Promise<string>,
): Promise<void> {
  const detail = await run()
  await context.stepDone(identity, { step, at: context.now(), detail })
}

/** Returns what was done. */
async function shutDoor(session: Session, leaver: Leaver): Promise<string> {
  const { account, nativeId, identity } = leaver
  const isScrambled = session.context.stepsDone(identity).has('scramble') && scrambleOf(session, leaver) !== undefined
  if (!isScrambled && (await shutAtOnce(session, leaver)))
    return 'every lock set with a new random password, and read back'
  return lock(session, account, nativeId, true)
}

/** The scramble of this process, while its password is in memory. */
function scrambleOf({ context, scrambles }: Session, { nativeId, identity }: Leaver): Scramble | undefined {
  return context.scrambled(identity) === undefined ? undefined : scrambles.get(nativeId)
}

/** Whose account is being shut. */
interface Leaver {
  readonly account: Located
  readonly nativeId: string
  readonly identity: IdentityId
}

/** What a lock must know: only where it is made of the password, which has just changed, that is another than before. */
async function asItIs(session: Session, { account, nativeId }: Leaver): Promise<Located> {
  return session.facts.means.hash ? relocate(session, nativeId) : account
}

/**
 * Every lock and a new password in one modification, on OpenLDAP; true where the server shows it right after. False
 * where that is not possible: without a policy (the hash would be both), with one that refuses hashed passwords, or when the whole
 * is refused. Other servers hash a password for many milliseconds (389 Directory Server: 11), and a lock is there at once.
 */
async function shutAtOnce(session: Session, { account, nativeId, identity }: Leaver): Promise<boolean> {
  const { facts, context, scrambles } = session
  if (facts.vendor !== 'openldap' || facts.means.hash || facts.policy?.refusesHashes === true) return false
  // Whatever comes of this: what an earlier run has set is not what the account has now.
  scrambles.delete(nativeId)
  const stored = saltedHash(context.scramblePassword(identity))
  const edits = lockWithPassword(account.entry, facts, lockOptions(session, true), stored)
  try {
    const shutAs = await write(session, account, nativeId, edits)
    // What does not hold together is set again, one by one.
    if (!isLockedFully(shutAs, facts)) return false
    scrambles.set(nativeId, { identity, bound: false, shutAs })
    return true
  } catch (error) {
    if (error instanceof KeyturnError && error.cause instanceof LdapResultError) return false
    throw error
  }
}

/** Sets attributes to what may be set a hundred times, and returns the entry as it is after that very write. */
async function write(session: Session, account: Located, nativeId: string, edits: readonly Edit[]): Promise<Entry> {
  const { facts } = session
  const names = [...new Set(edits.map((edit) => edit.modification.type))].join(', ')
  const what = { doing: `shutting ${account.dn} by ${names}`, again: true }
  // The hash of a password is not asked for: a server that logs its answers would keep it.
  const inOne = facts.postRead && !facts.means.hash
  const controls = inOne ? [new ReadEntryControl('postRead', stateAttributes(facts))] : []
  const response = await request(session, what, (connection) => connection.modify(account.dn, edits, controls))
  return readEntryOf(response, 'postRead') ?? (await relocate(session, nativeId)).entry
}

/** Sets every lock that this server has, and reads back that they hold. What is refused together is tried one by one. */
async function lock(session: Session, account: Located, nativeId: string, leaver: boolean): Promise<string> {
  const { facts, settings } = session
  const edits = lockEdits(account.entry, facts, lockOptions(session, leaver))
  const names = edits.map((edit) => edit.modification.type).join(', ')
  let after: Entry
  try {
    after = await write(session, account, nativeId, edits)
  } catch (error) {
    if (edits.length > 1) await Promise.allSettled(edits.map((edit) => write(session, account, nativeId, [edit])))
    after = (await relocate(session, nativeId)).entry
    if (isEnabled(after, facts)) throw error
  }
  if (!isEnabled(after, facts)) return `set and read back: ${names}`
  const said = `${settings.id}: ${account.dn} was shut by ${names}, but a fresh read does not show it.`
  const hint = 'Does the account of Keyturn have the right to read these attributes?'
  throw new KeyturnError('not-read-back', said, { hint })
}

/** Opens what `lock` has shut, and nothing else (until an end, where one is given); returns how it came out. */
export async function enable(
  session: Session,
  account: Located,
  nativeId: string,
  identity: string,
  until: Instant | null = null,
): Promise<Outcome> {
  const { facts, settings } = session
  const ends = until === null ? [] : expiryEdits(until, facts, account.entry.texts('objectClass'))
  const written = new Set(ends.map((edit) => edit.modification.type))
  const unlocks = unlockEdits(account.entry, facts, lockOptions(session, false))
  const edits = [...unlocks.filter((edit) => !written.has(edit.modification.type)), ...ends]
  if (edits.length === 0) return { result: 'already' }
  await request(session, { doing: `opening ${account.dn}` }, (connection) => {
    assertMayOpen(session.context, identity)
    return connection.modify(account.dn, edits)
  })
  if (isEnabled((await relocate(session, nativeId)).entry, facts)) return { result: 'done' }
  throw new KeyturnError('not-read-back', `${settings.id}: ${account.dn} was opened, but a fresh read shows it shut.`)
}

/** Sets a new password for a person; an account that was shut stays shut, although OpenLDAP lifts its lock with a reset. */
export async function issueCredential(
  session: Session,
  account: Located,
  nativeId: string,
  identity: string,
): Promise<Outcome> {
  const { facts, context } = session
  const shut = !isEnabled(account.entry, facts)
  await resetPassword(session, account, context.initialPassword(identity), () => assertMayOpen(context, identity))
  if (shut) await lock(session, await relocate(session, nativeId), nativeId, false)
  return { result: 'done' }
}

async function resetPassword(
  session: Session,
  { dn }: Located,
  password: string,
  assertMaySend: () => void = () => undefined,
): Promise<void> {
  const codes = { 19: 'password-refused', 53: 'password-refused' } as const
  await request(session, { doing: `setting the password of ${dn}`, codes }, (connection) => {
    assertMaySend()
    return setPassword(connection, session.facts, dn, password)
  })
}

/** Sets a password that nobody knows, and remembers whether it was seen to work, which makes its later refusal a proof. */
async function scramble(session: Session, leaver: Leaver): Promise<string> {
  const { facts, context, scrambles } = session
  const { account, nativeId, identity } = leaver
  await resetPassword(session, account, context.scramblePassword(identity))
  scrambles.set(nativeId, { identity, bound: false })
  // 389 Directory Server refuses a shut account with a code of its own: no comparison is needed.
  if (facts.means.nsAccountLock) return untested
  return (await testPassword(session, leaver, (await relocate(session, nativeId)).entry)) ? tested : untested
}

const tested = 'a new random password was set, and signing in with it worked'
const untested = 'a new random password was set'

/** Does the server say of a locked account that it is locked? Then no comparison is needed, and nothing has to be opened. */
async function saysLocked(session: Session, { account, identity }: Leaver): Promise<boolean> {
  if (session.habits.saysLocked) return true
  return (await tryPassword(session, account.dn, session.context.scrambled(identity) ?? '')).saidLocked
}

/** Nothing was opened for a test: the server's own word is the proof. */
function noteUntested({ scrambles }: Session, { nativeId, identity }: Leaver): string {
  scrambles.set(nativeId, { identity, bound: false })
  return 'a new random password was set with the lock'
}

/** Opens the account for one sign-in with the new password: the old one is dead by now, so that lets nobody in. Did it work? */
async function testPassword(session: Session, leaver: Leaver, entry: Entry): Promise<boolean> {
  const { facts, context, scrambles } = session
  const { account, nativeId, identity } = leaver
  const edits = unlockEdits(entry, facts, { leaver: true, shell: null })
  if (edits.length > 0) {
    const doing = `testing the new password of ${account.dn}`
    await request(session, { doing }, (connection) => connection.modify(account.dn, edits))
  }
  const bound = (await tryPassword(session, account.dn, context.scrambled(identity) ?? '')).code === 0
  scrambles.set(nativeId, { identity, bound })
  return bound
}

interface Attempt {
  readonly code: number
  /** The server said in the password policy control that the account is locked. */
  readonly saidLocked: boolean
}

/** Signs in anew, on a connection that nobody is signed in on. Throws KeyturnError when no answer came. */
async function tryPassword({ tries, habits }: ProofPort, dn: string, password: string): Promise<Attempt> {
  try {
    await tries.signIn(dn, password, [new PasswordPolicyControl()])
    return { code: 0, saidLocked: false }
  } catch (error) {
    if (!(error instanceof LdapResultError)) throw error
    habits.saysLocked = error.saysLocked
    return { code: error.code, saidLocked: error.saysLocked }
  }
}

type ProofPort = Pick<Session, 'tries' | 'habits'>

/**
 * Shows that a shut account is shut (law 10). A refusal counts when it can only come from the lock: 53 on 389 Directory Server,
 * "account locked" in the policy control, or a password that was seen to work before the lock and is refused after it. And only
 * where the account, which was just read, shows the lock: a server also says "locked" for a while after too many wrong passwords.
 */
export async function proveShut(session: Session, account: ObservedAccount): Promise<Proof> {
  const { facts, context, scrambles } = session
  const at = context.now()
  const known = scrambles.get(account.nativeId)
  const scrambled = known === undefined ? undefined : context.scrambled(known.identity)
  const password = scrambled ?? randomBytes(24).toString('base64url')
  // Nothing is tried on an open one, which shall not count a wrong password.
  if (account.enabled) return { grade: 'not-proven', at, text: 'a fresh read does not show the account shut' }
  const attempt = await tryPassword(session, account.address, password)
  const worked = scrambled !== undefined && known?.bound === true
  if (attempt.code !== 49 || attempt.saidLocked || !worked) return verdict(attempt, { at, worked, facts })
  // A name that is gone is refused in the same words.
  const there = (await locate(session, [account.nativeId])).get(account.nativeId)
  if (there === undefined) return { grade: 'read-back', at, text: 'the account does not exist any more' }
  const again = sameDn(there.dn, account.address) ? attempt : await tryPassword(session, there.dn, password)
  return verdict(again, { at, worked, facts })
}

/** What an answer to the sign-in shows of an account that is locked, as a fresh read tells. */
function verdict(
  attempt: Attempt,
  { at, worked, facts }: { readonly at: Instant; readonly worked: boolean; readonly facts: ServerFacts },
): Proof {
  const result = { at, resultCode: attempt.code }
  if (attempt.code === 0) {
    return { ...result, grade: 'not-proven', text: 'the server shows the account shut, but let the test password in' }
  }
  if (attempt.code === 53 && facts.means.nsAccountLock) {
    return { ...result, grade: 'refused', text: 'the server refused the sign-in because the account is inactivated' }
  }
  if (attempt.saidLocked) {
    return {
      ...result,
      grade: 'refused',
      dataCode: 'accountLocked',
      text: 'the server refused the sign-in and said that the account is locked',
    }
  }
  if (attempt.code === 49 && worked) {
    return { ...result, grade: 'refused', text: 'the password that worked before the lock is refused after it' }
  }
  return {
    ...result,
    grade: 'read-back',
    text: 'a fresh read shows the account shut; a refusal for just that reason could not be shown',
  }
}
