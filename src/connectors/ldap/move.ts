import type { Change } from '../../model/change.ts'
import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import { canonicalDn, firstRdn, isWithin, nameInDn, parentDn, rdn, sameDn } from '../directory/dn.ts'
import { addValues, deleteValues } from '../directory/edits.ts'
import { anyOf, equals } from '../directory/filters.ts'
import { searchFew } from '../directory/search.ts'
import { searchBases } from './catalogue.ts'
import { editGroup, memberValue } from './memberships.ts'
import { request } from './session.ts'
import type { Located, Session } from './session.ts'

type MoveChange = Extract<Change, { kind: 'rename' | 'move' }>

/** Gives the account another name, or another container; groups that hold it under its old DN or name follow. */
export async function relocateAccount(
  session: Session,
  account: Located,
  change: MoveChange,
  nativeId: string,
): Promise<Outcome> {
  const before = { dn: account.dn, name: account.name }
  const after = destination(session.settings, account, change)
  const done = sameDn(before.dn, after.dn) && before.name === after.name
  if (!done) {
    const what = { doing: `giving ${before.dn} the name ${after.dn}`, codes: { 32: 'value-refused' } } as const
    await request(session, what, async (connection) => {
      if (before.dn !== after.dn) {
        await connection.rename(before.dn, firstRdn(after.dn), parentDn(after.dn))
      }
      const attribute = session.settings.schema.nameAttribute
      if (before.name !== after.name && nameInDn(after.dn, attribute) !== after.name) {
        await connection.modify(after.dn, [deleteValues(attribute, [before.name]), addValues(attribute, [after.name])])
      }
    })
    account.dn = after.dn
    account.name = after.name
    await followInGroups(session, before, after)
  }
  return { result: done ? 'already' : 'done', account: { nativeId, address: after.dn, name: after.name } }
}

function destination(settings: DirectorySettings, account: Located, change: MoveChange): { dn: string; name: string } {
  const { rdnAttribute, nameAttribute } = settings.schema
  if (change.kind === 'move') {
    if (!isWithin(change.to, settings.base)) {
      throw new KeyturnError('value-refused', `${settings.id}: ${change.to} is outside the base ${settings.base}.`, {
        hint: 'Correct the container, or widen base.',
      })
    }
    return { dn: `${firstRdn(account.dn)},${change.to}`, name: account.name }
  }
  const inRdn = rdnAttribute.toLowerCase() === nameAttribute.toLowerCase()
  return { dn: inRdn ? `${rdn(rdnAttribute, change.to)},${parentDn(account.dn)}` : account.dn, name: change.to }
}

interface Address {
  readonly dn: string
  readonly name: string
}

/**
 * Groups hold the account under its new address. Without the refint overlay they go on holding the old DN, and memberUid is
 * never anybody's reference. `after` null: nobody stands there any more.
 */
export async function followInGroups(session: Session, before: Address, after: Address | null): Promise<void> {
  const values = [equals('member', before.dn), equals('uniqueMember', before.dn)]
  const filter = anyOf(before.name === after?.name ? values : [...values, equals('memberUid', before.name)])
  for (const base of searchBases(session.settings)) {
    const spec = { base, scope: 'sub', filter, attributes: ['1.1'] } as const
    const doing = `finding the groups of ${before.dn}`
    const found = await request(session, { doing }, (connection) => searchFew(connection, spec))
    await Promise.all(found.map(({ dn }) => follow(session, dn, before, after)))
  }
}

async function follow(session: Session, dn: string, before: Address, after: Address | null): Promise<void> {
  const group = session.catalogue.byDn.get(canonicalDn(dn))
  if (group === undefined) return
  const added =
    after === null ? [] : [editGroup(session, group, { operation: 'add', value: memberValue(group, after) })]
  await Promise.all([...added, editGroup(session, group, { operation: 'delete', value: memberValue(group, before) })])
}
