import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import { replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { readEntry } from '../directory/search.ts'
import { eachAccount } from './board.ts'
import type { Desk, Task } from './board.ts'
import { clearCredentials } from './clear.ts'
import { domainError } from './errors.ts'
import { writeFlags } from './flags.ts'
import { residualAccess } from './residual.ts'
import { isDisabled, stateAttributes, stateOf } from './state.ts'
import type { AccountState } from './state.ts'
import { accountControl, fromFiletime, guidDn, passwordBytes, toFiletime } from './values.ts'

type Leaver = Task<'disable'>

/**
 * The leaver protocol up to the proof: disable, scramble, clear. Each step is read back and then recorded, so that a
 * repeated run goes on where it was. A later step is tried even where an earlier one is refused: whatever can be shut is.
 */
export function shutLeavers(desk: Desk): Promise<void> {
  return eachLeaver(desk, steps)
}

/** Its first step alone, for many before anything else is done for any of them. */
export function disableLeavers(desk: Desk): Promise<void> {
  return eachLeaver(desk, steps.slice(0, 1))
}

async function eachLeaver(desk: Desk, some: typeof steps): Promise<void> {
  const tasks = desk.board.pending('disable').filter(({ change }) => change.protocol === 'leaver')
  await eachAccount(
    desk,
    tasks,
    (state) => `shutting ${state.name}`,
    (state, task) => shutOne(desk, state, task, some),
  )
}

const steps = [
  { doing: 'disabling', run: disable },
  { doing: 'scrambling the password of', run: scramble },
  { doing: 'clearing the credentials of', run: clearCredentials },
]

async function shutOne(desk: Desk, state: AccountState, task: Leaver, some: typeof steps): Promise<Outcome> {
  const disabledAt = desk.context.now()
  const failures: KeyturnError[] = []
  for (const { doing, run } of some) {
    try {
      await run(desk, state, task.change.identity)
    } catch (error) {
      const what = { platform: desk.domain.id, doing: `${doing} ${state.name}`, cannotManage: state.cannotManage }
      failures.push(domainError(error, what))
    }
  }
  const [failure] = failures
  if (failure !== undefined) throw failure
  return { result: 'done', residual: residualAccess(disabledAt) }
}

/** The bit, and an expiry that shuts the account too: it stays when somebody takes the bit away without a thought. */
async function disable(desk: Desk, state: AccountState, identity: string): Promise<void> {
  const { context, connection, domain } = desk
  const now = context.now()
  // An expiry that was refused then is refused again.
  if (isDisabled(state) && context.stepsDone(identity).has('disable')) return
  const hasExpired = state.expiresAt !== null && state.expiresAt <= now
  const expiry = hasExpired ? [] : [replaceValues('accountExpires', [toFiletime(now)])]
  const setBit = (flags: number): number => flags | accountControl.disabled
  let note = ''
  try {
    await writeFlags(connection, state, setBit, expiry)
  } catch (error) {
    // The right to accountExpires may be missing where the one to userAccountControl is there: half is better than nothing.
    if (!(error instanceof LdapResultError) || expiry.length === 0) throw error
    await writeFlags(connection, state, setBit)
    note = ', accountExpires refused'
  }
  const after = await readState(desk, state)
  if (!isDisabled(after)) throw notReadBack(domain.id, state.name, `userAccountControl is ${after.flags}`)
  const detail = `userAccountControl ${after.flags}, accountExpires ${showInstant(after.expiresAt)}${note}`
  await context.stepDone(identity, { step: 'disable', at: now, detail })
}

/**
 * Two random passwords, one after the other: after one reset a domain controller still takes the old password for a while
 * (NTLM for an hour, support.microsoft.com/kb/906305; Samba for LDAP as well). The second stays in memory for the proof.
 */
async function scramble(desk: Desk, state: AccountState, identity: string): Promise<void> {
  const { context, connection, domain } = desk
  if (context.stepsDone(identity).has('scramble') && context.scrambled(identity) !== undefined) return
  const dn = guidDn(state.nativeId)
  // A lock for wrong passwords would hide from the proof that the account is disabled, which it stays.
  const unlock = state.hasBeenLocked ? [replaceValues('lockoutTime', ['0'])] : []
  for (const others of [unlock, []]) {
    const password = passwordBytes(context.scramblePassword(identity))
    await connection.modify(dn, [replaceValues('unicodePwd', [password]), ...others])
  }
  const after = await readState(desk, state)
  const setAt = fromFiletime(after.passwordSetAt)
  if (setAt === null || setAt < (fromFiletime(state.passwordSetAt) ?? 0)) {
    throw notReadBack(domain.id, state.name, `pwdLastSet is ${after.passwordSetAt}`)
  }
  const detail = `random password set twice, pwdLastSet ${showInstant(setAt)}`
  await context.stepDone(identity, { step: 'scramble', at: context.now(), detail })
}

async function readState({ connection, domain }: Desk, { nativeId, name }: AccountState): Promise<AccountState> {
  const entry = await readEntry(connection, guidDn(nativeId), stateAttributes)
  if (entry === undefined) throw notReadBack(domain.id, name, 'the account is not found')
  return stateOf(entry)
}

function notReadBack(platform: string, name: string, why: string): KeyturnError {
  return new KeyturnError('not-read-back', `${platform}: a step of shutting ${name} was accepted, but ${why}.`)
}

function showInstant(at: number | null): string {
  return at === null ? 'never' : new Date(at).toISOString()
}
