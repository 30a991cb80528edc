import { randomBytes } from 'node:crypto'
import { PasswordPolicyControl } from 'ldapts'
import type { Change as Edit } from 'ldapts'
import type { Change } from '../../model/change.ts'
import type { Outcome, Proof, ResidualAccess } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import { LdapResultError } from '../directory/errors.ts'
import { clearCredentials } from './credentials.ts'
import { isEnabled, lockEdits, unlockEdits } from './lock.ts'
import { setPassword } from './passwords.ts'
import { lockOptions, relocate, request } from './session.ts'
import type { Located, Session } from './session.ts'

export type DisableChange = Extract<Change, { kind: 'disable' }>

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

/**
 * The leaver protocol. Each step is read back and recorded before the next; a repeated run goes on where the last one
 * stopped, but scrambles again when the password of the last scramble is not in memory any more, since nothing could be
 * proven with it. The lock comes last, because on OpenLDAP an administrator's reset lifts it, and it comes whatever the
 * steps before it met: whatever can be shut is.
 */
export async function leave(
  session: Session,
  account: Located,
  nativeId: string,
  { identity }: DisableChange,
): Promise<Outcome> {
  const { context, scrambles } = session
  const done = context.stepsDone(identity)
  const failures: unknown[] = []
  const step = async (name: string, run: () => Promise<string>): Promise<void> => {
    try {
      const detail = await run()
      await context.stepDone(identity, { step: name, at: context.now(), detail })
    } catch (error) {
      failures.push(error)
    }
  }
  if (!done.has('disable')) await step('disable', () => lock(session, account, nativeId, true))
  // Keys go before the scramble, which opens the account for the moment of its test.
  if (!done.has('clear')) await step('clear', () => clearCredentials(session, account))
  if (!done.has('scramble') || context.scrambled(identity) === undefined || !scrambles.has(nativeId)) {
    await step('scramble', () => scramble(session, account, nativeId, identity))
  }
  await step('lock', async () => lock(session, await relocate(session, nativeId), nativeId, true))
  if (failures.length > 0) throw failures[0]
  return { result: 'done', residual: [openSessions] }
}

/** Sets every lock that this server has, and reads back that they hold. What is refused together is tried one by one. */
async function lock(session: Session, account: Located, nativeId: string, leaver: boolean): Promise<string> {
  const { facts, settings } = session
  const edits = lockEdits(account.entry, facts, lockOptions(session, leaver))
  const names = edits.map((edit) => edit.modification.type).join(', ')
  const doing = `shutting ${account.dn} by ${names}`
  const modify = (some: readonly Edit[]): Promise<unknown> =>
    request(session, { doing }, (connection) => connection.modify(account.dn, some))
  const refusal = await modify(edits).then(
    () => null,
    async (error: unknown) => {
      if (edits.length > 1) await Promise.allSettled(edits.map((edit) => modify([edit])))
      return error instanceof Error ? error : new Error(String(error))
    },
  )
  if (!isEnabled((await relocate(session, nativeId)).entry, facts)) return `set and read back: ${names}`
  if (refusal !== null) throw refusal
  const said = `${settings.id}: ${account.dn} was shut by ${names}, but a fresh read does not show it.`
  const hint = 'Does the account of Keyturn have the right to read these attributes?'
  throw new KeyturnError('not-read-back', said, { hint })
}

/** Opens what `lock` has shut, and nothing else; returns how it came out. */
export async function enable(session: Session, account: Located, nativeId: string): Promise<Outcome> {
  const { facts, settings } = session
  const edits = unlockEdits(account.entry, facts, lockOptions(session, false))
  if (edits.length === 0) return { result: 'already' }
  await request(session, { doing: `opening ${account.dn}` }, (connection) => connection.modify(account.dn, edits))
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
  await resetPassword(session, account, context.initialPassword(identity))
  if (shut) await lock(session, await relocate(session, nativeId), nativeId, false)
  return { result: 'done' }
}

async function resetPassword(session: Session, { dn }: Located, password: string): Promise<void> {
  const codes = { 19: 'password-refused', 53: 'password-refused' } as const
  await request(session, { doing: `setting the password of ${dn}`, codes }, (connection) =>
    setPassword(connection, session.facts, dn, password),
  )
}

/** Sets a password that nobody knows, and remembers whether it was seen to work, which makes its later refusal a proof. */
async function scramble(session: Session, account: Located, nativeId: string, identity: string): Promise<string> {
  const { facts, context, scrambles } = session
  const password = context.scramblePassword(identity)
  await resetPassword(session, account, password)
  scrambles.set(nativeId, { identity, bound: false })
  // 389 Directory Server refuses a shut account with a code of its own: no comparison is needed.
  if (facts.means.nsAccountLock) return 'a new random password was set'
  // The old password is dead by now, so opening the account for the moment of this test lets nobody in.
  const { entry } = await relocate(session, nativeId)
  const edits = unlockEdits(entry, facts, { leaver: true, shell: null })
  if (edits.length > 0) {
    const doing = `testing the new password of ${account.dn}`
    await request(session, { doing }, (connection) => connection.modify(account.dn, edits))
  }
  const bound = (await tryPassword(session, account.dn, password)).code === 0
  scrambles.set(nativeId, { identity, bound })
  return bound ? 'a new random password was set, and signing in with it worked' : 'a new random password was set'
}

interface Attempt {
  readonly code: number
  /** The server said in the password policy control that the account is locked. */
  readonly saidLocked: boolean
}

/** Signs in on a fresh connection that is used for nothing else. Throws KeyturnError when no answer came. */
async function tryPassword(session: Pick<Session, 'open'>, dn: string, password: string): Promise<Attempt> {
  await using connection = await session.open()
  try {
    await connection.bind(dn, password, [new PasswordPolicyControl()])
    return { code: 0, saidLocked: false }
  } catch (error) {
    if (!(error instanceof LdapResultError)) throw error
    return { code: error.code, saidLocked: error.saysLocked }
  }
}

export type ProofPort = Pick<Session, 'settings' | 'facts' | 'scrambles' | 'open'>

/**
 * Shows that a shut account is shut (law 10). `located` is a fresh read; undefined where the account is gone. A refusal counts
 * when it can only come from the lock: 53 on 389 Directory Server, "account locked" in the policy control, or a password that was
 * seen to work before the lock and is refused after it.
 */
export async function proveShut(
  port: ProofPort,
  nativeId: string,
  located: Located | undefined,
  tools: { readonly now: number; readonly scrambled: (identity: string) => string | undefined },
): Promise<Proof> {
  const at = tools.now
  if (located === undefined) return { grade: 'read-back', at, text: 'the account does not exist any more' }
  if (isEnabled(located.entry, port.facts))
    return { grade: 'not-proven', at, text: 'a fresh read does not show the account shut' }
  const known = port.scrambles.get(nativeId)
  const password = known === undefined ? undefined : tools.scrambled(known.identity)
  const attempt = await tryPassword(port, located.dn, password ?? randomBytes(24).toString('base64url'))
  const result = { at, resultCode: attempt.code }
  if (attempt.code === 0) {
    return { ...result, grade: 'not-proven', text: 'the server shows the account shut, but let the test password in' }
  }
  if (attempt.code === 53 && port.facts.means.nsAccountLock) {
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
  if (attempt.code === 49 && password !== undefined && known?.bound === true) {
    return { ...result, grade: 'refused', text: 'the password that worked before the lock is refused after it' }
  }
  return {
    ...result,
    grade: 'read-back',
    text: 'a fresh read shows the account shut; a refusal for just that reason could not be shown',
  }
}
