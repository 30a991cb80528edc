import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import { firstRdn, nameInDn, parentDn, rdn, sameDn } from '../directory/dn.ts'
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
    (state) => `renaming ${state.name}`,
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
  const dn = guidDn(state.nativeId)
  const [local, suffix = domain.principalSuffix] = state.principalName?.split('@') ?? []
  const follows = local === undefined || local.toLowerCase() === state.name.toLowerCase()
  await connection.modify(dn, [
    replaceValues('sAMAccountName', [to]),
    ...(follows ? [replaceValues('userPrincipalName', [principalName(to, suffix)])] : []),
  ])
  const common = nameInDn(state.dn) ?? ''
  const newCommon = common === state.name ? to : common.replace(` (${state.name})`, () => ` (${to})`)
  if (newCommon !== common) await connection.rename(dn, rdn('CN', newCommon))
}

/** Moves accounts to another container; a common name that is taken there gets the account's name behind it. */
export async function moveAccounts(desk: Desk): Promise<void> {
  await eachAccount(
    desk,
    desk.board.pending('move'),
    (state) => `moving ${state.name}`,
    async (state, task) => {
      const { to } = task.change
      const isSo = sameDn(parentDn(state.dn), to)
      if (!isSo) await move(desk, state, to)
      return whereItStands(desk, task, isSo ? 'already' : 'done')
    },
  )
}

async function move({ connection, domain }: Desk, state: AccountState, to: string): Promise<void> {
  const dn = guidDn(state.nativeId)
  try {
    await connection.rename(dn, firstRdn(state.dn), to)
  } catch (error) {
    if (!(error instanceof LdapResultError)) throw error
    if (error.code !== 68) throw explained(domain.id, error, to)
    const common = commonNameWith(nameInDn(state.dn) ?? state.name, state.name)
    await connection.rename(dn, rdn('CN', common), to)
  }
}

/** Result 80 is what Samba says of a container that is not there, 32 what Windows says. */
function explained(platform: string, error: LdapResultError, container: string): Error {
  if (error.code !== 80 && error.code !== 32) return error
  return new KeyturnError('object-missing', `${platform}: nothing can be moved to ${container}: it does not exist.`, {
    cause: error,
    hint: 'Create the container, or correct leaver.container or accounts.container of the platform.',
  })
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
