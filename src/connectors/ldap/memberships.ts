import type { Change as Edit } from 'ldapts'
import type { Change } from '../../model/change.ts'
import type { Outcome } from '../../model/connector.ts'
import { KeyturnError, summarise } from '../../model/errors.ts'
import type { IdentityId } from '../../model/identity.ts'
import { addValues, deleteValues } from '../directory/edits.ts'
import { LdapResultError, directoryError } from '../directory/errors.ts'
import { equals } from '../directory/filters.ts'
import { inFlight } from '../directory/flight.ts'
import { assertMayGo } from '../directory/members.ts'
import type { GroupPort, MemberEdit, MemberOutcome } from '../directory/members.ts'
import { searchFew } from '../directory/search.ts'
import type { Group } from './catalogue.ts'
import type { Located, Session } from './session.ts'

export type MembershipChange = Extract<Change, { kind: 'grant' | 'revoke' }>

/** Access to one group for `editMembers`. */
function groupPort(group: Group, { settings, use }: Pick<Session, 'settings' | 'use'>): GroupPort {
  const { address, memberAttribute } = group
  const placeholder = group.neverEmpty ? settings.schema.placeholder : undefined
  return {
    modify: (edits) =>
      use(async (connection) => {
        assertMayGo(edits)
        try {
          return await connection.modify(address, editsOf(memberAttribute, edits))
        } catch (error) {
          // 65: its schema forbids that the last member goes; then the placeholder comes in the same modification.
          const emptied = error instanceof LdapResultError && error.code === 65
          if (!emptied || placeholder === undefined) throw error
          assertMayGo(edits)
          return connection.modify(address, [
            addValues(memberAttribute, [placeholder]),
            ...editsOf(memberAttribute, edits),
          ])
        }
      }),
    present: async (values) => {
      const held = await inFlight(values, 16, (value) =>
        use(async (connection) => {
          const filter = equals(memberAttribute, value)
          return searchFew(connection, { base: address, scope: 'base', filter, attributes: ['1.1'] })
        }),
      )
      return new Set(values.filter((_, index) => (held[index]?.length ?? 0) > 0))
    },
    // 16, 20: one value is none, or one already; 19, 21: one value is refused; 65: it is the last one.
    aboutOneValue: ({ code }) => [16, 19, 20, 21, 65].includes(code),
  }
}

function editsOf(type: string, edits: readonly MemberEdit[]): Edit[] {
  const added = edits.filter((edit) => edit.operation === 'add').map((edit) => edit.value)
  const removed = edits.filter((edit) => edit.operation === 'delete').map((edit) => edit.value)
  // Additions first: a group whose members all change is never empty in between.
  return [
    ...(added.length > 0 ? [addValues(type, added)] : []),
    ...(removed.length > 0 ? [deleteValues(type, removed)] : []),
  ]
}

/** How a group names an account. */
export function memberValue(group: Group, account: { readonly dn: string; readonly name: string }): string {
  return group.memberAttribute === 'memberUid' ? account.name : account.dn
}

/** `value` joins a group, as long as something may be opened for that person. */
export function addition({ context }: Pick<Session, 'context'>, value: string, identity: IdentityId): MemberEdit {
  return { operation: 'add', value, mayGo: () => context.mayOpen?.(identity) !== false }
}

export function removal(value: string): MemberEdit {
  return { operation: 'delete', value }
}

/** Edits a group together with whoever edits it at the same time. */
export function editGroup(session: Session, group: Group, edit: MemberEdit): Promise<MemberOutcome> {
  return session.groups.edit(group.address, groupPort(group, session), edit)
}

/** Grants or takes away one membership; those of many people in one group go together. */
export async function editMembership(session: Session, account: Located, change: MembershipChange): Promise<Outcome> {
  const { settings, catalogue } = session
  const group = catalogue.byName.get(change.entitlement)
  if (group === undefined) {
    const message = `${settings.id}: the catalogue has no group "${change.entitlement}", or it does not exist in the directory.`
    return { result: 'failed', error: { code: 'object-missing', message } }
  }
  const value = memberValue(group, account)
  const edit = change.kind === 'grant' ? addition(session, value, change.identity) : removal(value)
  const outcome = await editGroup(session, group, edit)
  if (outcome === 'done' || outcome === 'already') return { result: outcome }
  throw directoryError(outcome.error, {
    platform: settings.id,
    doing: `${change.kind === 'grant' ? 'adding' : 'removing'} ${value} ${change.kind === 'grant' ? 'to' : 'from'} ${group.address}`,
    ...(outcome.error instanceof LdapResultError && outcome.error.code === 65 ? lastMember : {}),
  })
}

const lastMember = {
  text: 'the group would have no member, which its schema forbids',
  hint: 'State schema.placeholder: the DN that stands in for "nobody".',
}

/** An error as the outcome of one change: retry later, or give up on this one. */
export function failed(error: unknown): Outcome {
  const giveUp = error instanceof KeyturnError && error.class === 'give-up'
  return { result: giveUp ? 'failed' : 'retry', error: summarise(error) }
}
