import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { Connection } from '../directory/connection.ts'
import { addValues, deleteValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { both, equals, anyOf } from '../directory/filters.ts'
import { portions } from '../directory/flight.ts'
import { assertMayGo } from '../directory/members.ts'
import type { GroupPort, MemberEdit } from '../directory/members.ts'
import { searchFew } from '../directory/search.ts'
import { outcomeOf } from './board.ts'
import type { Desk, Task } from './board.ts'
import type { Group } from './catalogue.ts'
import type { Domain } from './domain.ts'
import { domainError, win32Code, win32Table } from './errors.ts'
import { leavePrimaryGroup } from './primary-group.ts'
import type { AccountState } from './state.ts'
import { guidDn } from './values.ts'

interface Membership {
  readonly task: Task<'grant' | 'revoke'>
  readonly state: AccountState
}

/** Grants and revokes memberships, with one modification per group. What groups are nested in them is left alone. */
export async function editGroups(desk: Desk): Promise<void> {
  const { board, domain, connection, context } = desk
  const memberships = board.ready(board.pending('grant', 'revoke'))
  if (memberships.length === 0) return
  const recent = await domain.catalogue.recent(connection, context.signal)
  const knowsAll = memberships.every(({ task }) => recent.named(task.change.entitlement) !== undefined)
  const groups = knowsAll ? recent : await domain.catalogue.fresh(connection, context.signal)
  const byGroup = [...Map.groupBy(memberships, ({ task }) => task.change.entitlement)]
  // All at once: the writer of groups decides how many are written at a time, and joins what other batches want of them.
  const wanted = byGroup.map(async ([name, those]) => {
    const group = groups.named(name)
    if (group !== undefined) return editGroup(desk, group, those)
    const error = new KeyturnError('object-missing', `${domain.id}: there is no entitlement "${name}" now.`, {
      hint: 'Create the group, or correct `entitlements` of the platform or the role that names it.',
    })
    for (const { task } of those) board.settle(task, outcomeOf(error))
  })
  await Promise.all(wanted)
}

async function editGroup(desk: Desk, group: Group, memberships: readonly Membership[]): Promise<void> {
  const { board, domain, context } = desk
  const primary = memberships.filter(({ state }) => state.primaryGroup === group.relativeId)
  for (const { task, state } of primary) {
    const outcome = task.change.kind === 'grant' ? already : await leavePrimaryGroup(desk, group, state)
    board.settle(task, outcome)
  }
  const ordinary = memberships.filter((membership) => !primary.includes(membership))
  const edits = ordinary.map(
    ({ task: { change }, state: { dn: value } }): MemberEdit =>
      change.kind === 'grant'
        ? { operation: 'add', value, mayGo: () => context.mayOpen?.(change.identity) !== false }
        : { operation: 'delete', value },
  )
  const port = portOf(desk, group)
  const outcomes = await Promise.all(edits.map((edit) => domain.groups.edit(group.address, port, edit)))
  for (const [index, { task, state }] of ordinary.entries()) {
    const outcome = outcomes[index] ?? 'done'
    if (typeof outcome === 'string') {
      board.settle(task, { result: outcome })
      continue
    }
    const verb = task.change.kind === 'grant' ? 'adding' : 'removing'
    const doing = `${verb} ${state.name} ${task.change.kind === 'grant' ? 'to' : 'from'} ${group.address}`
    board.settle(task, outcomeOf(domainError(outcome.error, { platform: domain.id, doing })))
  }
}

const already: Outcome = { result: 'already' }

/** The connection is that of whoever writes first; it is shared anyway, and asking the pool for one more could wait for ourselves. */
function portOf({ connection, domain }: Desk, group: Group): GroupPort {
  return {
    modify: async (edits) => {
      assertMayGo(edits)
      const values = (operation: MemberEdit['operation']): string[] =>
        edits.filter((edit) => edit.operation === operation).map(({ value }) => value)
      const [added, deleted] = [values('add'), values('delete')]
      const modifications = [
        ...(deleted.length > 0 ? [deleteValues('member', deleted)] : []),
        ...(added.length > 0 ? [addValues('member', added)] : []),
      ]
      return connection.modify(guidDn(group.nativeId), modifications)
    },
    present: (values) => membersAmong(domain, connection, group, values),
    aboutOneValue,
  }
}

/** Those of the DNs that are members. Asked of the accounts: the group may have thousands of members. */
async function membersAmong(
  domain: Domain,
  connection: Connection,
  group: Group,
  values: readonly string[],
): Promise<ReadonlySet<string>> {
  const base = await domain.namingContext(connection)
  const present = new Set<string>()
  for (const some of portions(values, 100)) {
    const asked = anyOf(some.map((dn) => equals('distinguishedName', dn)))
    const filter = both(equals('memberOf', group.address), asked)
    const entries = await searchFew(connection, { base, scope: 'sub', filter, attributes: ['1.1'] })
    for (const entry of entries) present.add(entry.dn)
  }
  return present
}

/** Not about the group as a whole, as lacking the right to it is. */
function aboutOneValue(error: LdapResultError): boolean {
  const code = win32Table[win32Code(error.diagnostic) ?? '']?.code
  if (code === 'no-rights' || code === 'platform-busy') return false
  return [16, 19, 20, 32, 53, 68].includes(error.code)
}
