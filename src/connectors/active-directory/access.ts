import { replaceValues } from '../directory/edits.ts'
import { assertMayOpen } from '../directory/may-open.ts'
import { readEntry } from '../directory/search.ts'
import { KeyturnError } from '../../model/errors.ts'
import { eachAccount } from './board.ts'
import type { Desk } from './board.ts'
import { writeFlags } from './flags.ts'
import { residualAccess } from './residual.ts'
import { isDisabled, stateAttributes, stateOf } from './state.ts'
import { accountControl, guidDn, passwordBytes, toFiletime } from './values.ts'

/** Gives accounts a new password that apply/ hands over. One is enough: those before it are random or were never used. */
export async function issueCredentials(desk: Desk): Promise<void> {
  const { connection, context, domain } = desk
  await eachAccount(
    desk,
    desk.board.pending('issue-credential'),
    (state) => `setting a new password for ${state.name}`,
    async (state, task) => {
      const dn = guidDn(state.nativeId)
      const password = passwordBytes(context.initialPassword(task.change.identity))
      const mustChange = context.mustChange ? [replaceValues('pwdLastSet', ['0'])] : []
      assertMayOpen(context, task.change.identity)
      await connection.modify(dn, [replaceValues('unicodePwd', [password]), ...mustChange])
      if (context.mustChange) {
        const entry = await readEntry(connection, dn, stateAttributes)
        if (entry === undefined || stateOf(entry).passwordSetAt !== '0') {
          const text = `${domain.id}: ${state.name} has a new password, but need not change it at the first sign-in.`
          throw new KeyturnError('not-read-back', text)
        }
      }
      return { result: 'done' }
    },
  )
}

/**
 * Lets accounts sign in again: the bit that disables goes, and with it the one that would allow an empty password, and an
 * expiry that has passed, as the leaver protocol sets it.
 */
export async function enableAccounts(desk: Desk): Promise<void> {
  const shutting = accountControl.disabled | accountControl.passwordNotRequired
  await eachAccount(
    desk,
    desk.board.pending('enable'),
    (state) => `enabling ${state.name}`,
    async (state, task) => {
      const hasExpired = state.expiresAt !== null && state.expiresAt <= desk.context.now()
      const open = (before: number): number => {
        assertMayOpen(desk.context, task.change.identity)
        return before & ~shutting
      }
      const expiry = hasExpired ? [replaceValues('accountExpires', [toFiletime(null)])] : []
      const flags = await writeFlags(desk.connection, state, open, expiry)
      return { result: flags === state.flags && !hasExpired ? 'already' : 'done' }
    },
  )
}

/** Leave of absence: no sign-in, and nothing else. Sets a bit, and never toggles it. */
export async function suspendAccounts(desk: Desk): Promise<void> {
  const { board, connection, context } = desk
  const tasks = board.pending('disable').filter(({ change }) => change.protocol === 'suspend')
  await eachAccount(
    desk,
    tasks,
    (state) => `disabling ${state.name}`,
    async (state) => {
      await writeFlags(connection, state, (flags) => flags | accountControl.disabled)
      return { result: isDisabled(state) ? 'already' : 'done', residual: residualAccess(context.now()) }
    },
  )
}

/** Deletes accounts; one that is not there has been deleted already. */
export async function deleteAccounts(desk: Desk): Promise<void> {
  const { board, connection } = desk
  for (const task of board.pending('delete')) {
    if (board.state(task.change) === undefined) board.settle(task, { result: 'already' })
  }
  await eachAccount(
    desk,
    board.pending('delete'),
    (state) => `deleting ${state.name}`,
    async (state) => {
      await connection.delete(guidDn(state.nativeId))
      return { result: 'done' }
    },
  )
}
