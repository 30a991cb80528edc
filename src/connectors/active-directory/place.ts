import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import { nameInDn, parentDn, rdn, sameDn } from '../directory/dn.ts'
import type { Connection } from '../directory/connection.ts'
import { replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { eachAccount } from './board.ts'
import type { Desk, Task } from './board.ts'
import { checkAccountName, commonNameWith, principalName } from './names.ts'
import { statesById } from './state.ts'
import type { AccountState } from './state.ts'
import { guidDn } from './values.ts'

/** Gives accounts another name: sAMAccountName, and whatever was made of the old one (userPrincipalName, CN). */
export async function renameAccounts(desk: Desk): Promise<void> {
  await eachAccount(
    desk,
    desk.board.pending('rename'),
    (state, { change }) => `renaming ${state.name} to ${change.to}`,
    async (state, task) => {
      const { to } = task.change
      checkAccountName(to)
      const isSo = state.name.toLowerCase() === to.toLowerCase()
      if (!isSo) await rename(desk, state, to)
      return whereItStands(desk, task, isSo ? 'already' : 'done')
    },
  )
}

async function rename({ connection, domain }: Desk, state: AccountState, to: string): Promise<void> {
  const [local, suffix = domain.principalSuffix] = state.principalName?.split('@') ?? []
  const follows = local === undefined || local.toLowerCase() === state.name.toLowerCase()
  await connection.modify(guidDn(state.nativeId), [
    replaceValues('sAMAccountName', [to]),
    ...(follows ? [replaceValues('userPrincipalName', [principalName(to, suffix)])] : []),
  ])
  const common = nameInDn(state.dn) ?? ''
  const newCommon = common === state.name ? to : common.replace(` (${state.name})`, () => ` (${to})`)
  if (newCommon !== common) await placeAs(connection, { ...state, name: to }, newCommon, parentDn(state.dn))
}

/** Gives an account a common name in a container; where that name is taken there, with the account's name behind it. */
async function placeAs(connection: Connection, state: AccountState, common: string, container: string): Promise<void> {
  // The parent is always stated: Samba cannot tell it from a DN that is an objectGUID.
  const dn = guidDn(state.nativeId)
  try {
    await connection.rename(dn, rdn('CN', common), container)
  } catch (error) {
    if (!(error instanceof LdapResultError) || error.code !== 68) throw error
    await connection.rename(dn, rdn('CN', commonNameWith(common, state.name)), container)
  }
}

/** Moves accounts to another container; a common name that is taken there gets the account's name behind it. */
export async function moveAccounts(desk: Desk): Promise<void> {
  await eachAccount(
    desk,
    desk.board.pending('move'),
    (state, { change }) => `moving ${state.name} to ${change.to}`,
    async (state, task) => {
      const { to } = task.change
      const isSo = sameDn(parentDn(state.dn), to)
      if (!isSo) await placeAs(desk.connection, state, nameInDn(state.dn) ?? state.name, to)
      return whereItStands(desk, task, isSo ? 'already' : 'done')
    },
  )
}

async function whereItStands(desk: Desk, task: Task, result: 'done' | 'already'): Promise<Outcome> {
  const { board, connection, domain } = desk
  const before = board.state(task.change)
  const base = await domain.namingContext(connection)
  const states = await statesById(connection, base, before === undefined ? [] : [before.nativeId])
  const [state] = states.values()
  if (state === undefined) {
    throw new KeyturnError(
      'not-read-back',
      `${domain.id}: ${task.change.account} is not found after it was renamed or moved.`,
    )
  }
  board.stands(task.change, state)
  return { result, account: { nativeId: state.nativeId, address: state.dn, name: state.name } }
}
