import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import { addValues, deleteValues, replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { equals } from '../directory/filters.ts'
import { readEntry, searchFew } from '../directory/search.ts'
import { outcomeOf } from './board.ts'
import type { Desk } from './board.ts'
import type { Group } from './catalogue.ts'
import { domainError } from './errors.ts'
import type { AccountState } from './state.ts'
import { guidDn, memberSid } from './values.ts'

/** Domain Users, the primary group of every account unless somebody changed it. */
const domainUsers = 513

/**
 * Takes an account out of a group that is its primary one. The domain allows that only when another group of the account
 * has become the primary one: Domain Users, as for everybody else.
 */
export async function leavePrimaryGroup(desk: Desk, group: Group, state: AccountState): Promise<Outcome> {
  const doing = `removing ${state.name} from its primary group ${group.address}`
  if (group.relativeId === domainUsers) {
    return outcomeOf(
      new KeyturnError(
        'cannot-manage',
        `${desk.domain.id}: ${doing} is not possible: Domain Users is everybody's primary group.`,
        {
          hint: 'Leave Domain Users out of the catalogue: it is no right that a person could lose.',
        },
      ),
    )
  }
  try {
    const { connection } = desk
    const users = await findDomainUsers(desk)
    await orAlready(() => connection.modify(users, [addValues('member', [state.dn])]))
    await connection.modify(guidDn(state.nativeId), [replaceValues('primaryGroupID', [String(domainUsers)])])
    // The old primary group has become an ordinary membership.
    await connection.modify(guidDn(group.nativeId), [deleteValues('member', [state.dn])])
    return { result: 'done' }
  } catch (error) {
    return outcomeOf(domainError(error, { platform: desk.domain.id, doing, cannotManage: state.cannotManage }))
  }
}

async function findDomainUsers({ connection, domain }: Desk): Promise<string> {
  const base = await domain.namingContext(connection)
  const [sid] = (await readEntry(connection, base, ['objectSid']))?.buffers('objectSid') ?? []
  const filter = sid === undefined ? undefined : equals('objectSid', memberSid(sid, domainUsers))
  const [entry] =
    filter === undefined ? [] : await searchFew(connection, { base, scope: 'sub', filter, attributes: ['1.1'] })
  if (entry !== undefined) return entry.dn
  throw new KeyturnError('object-missing', `${domain.id}: Domain Users cannot be found below ${base}.`)
}

/** 68 and 53 are how a group says that it has a member already or has none. */
async function orAlready(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof LdapResultError) || ![20, 68, 53].includes(error.code)) throw error
  }
}
