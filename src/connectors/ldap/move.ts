import type { Change } from '../../model/change.ts'
import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { IdentityId } from '../../model/identity.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import { canonicalDn, firstRdn, isWithin, nameInDn, parentDn, rdn, sameDn } from '../directory/dn.ts'
import { addValues, deleteValues } from '../directory/edits.ts'
import { anyOf, equals } from '../directory/filters.ts'
import type { MemberOutcome } from '../directory/members.ts'
import { searchFew } from '../directory/search.ts'
import { searchBases } from './catalogue.ts'
import { addition, editGroup, memberValue, removal } from './memberships.ts'
import { request } from './session.ts'
import type { Located, Session } from './session.ts'

type MoveChange = Extract<Change, { kind: 'rename' | 'move' }>

/**
 * Gives the account another name, or another container; groups that hold it under its old DN or name follow. They do so as well where
 * it stands there already: whoever moved it may have been killed before they had.
 */
export async function relocateAccount(
  session: Session,
  account: Located,
  change: MoveChange,
  nativeId: string,
): Promise<Outcome> {
  const before = { dn: account.dn, name: account.name }
  const after = destination(session.settings, account, change)
  const done = sameDn(before.dn, after.dn) && before.name === after.name
  if (done) {
    const origin = destination(session.settings, account, { ...change, to: change.from })
    if (!sameDn(origin.dn, after.dn) || origin.name !== after.name)
      await followInGroups(session, origin, { ...after, identity: change.identity })
  } else {
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
    await followInGroups(session, before, { ...after, identity: change.identity })
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

/** Where somebody stands now. */
interface NewAddress extends Address {
  readonly identity: IdentityId
}

/**
 * Groups hold the account under its new address. Without the refint overlay they go on holding the old DN, and memberUid is
 * never anybody's reference. `after` null: nobody stands there any more.
 * @throws KeyturnError `claim-lost` when nothing may be opened for that person any more: who has lost a membership under the old
 *   address meanwhile does not get it back under the new one
 */
export async function followInGroups(session: Session, before: Address, after: NewAddress | null): Promise<void> {
  const values = [equals('member', before.dn), equals('uniqueMember', before.dn)]
  const filter = anyOf(before.name === after?.name ? values : [...values, equals('memberUid', before.name)])
  const outcomes: MemberOutcome[] = []
  for (const base of searchBases(session.settings)) {
    const spec = { base, scope: 'sub', filter, attributes: ['1.1'] } as const
    const doing = `finding the groups of ${before.dn}`
    const found = await request(session, { doing }, (connection) => searchFew(connection, spec))
    outcomes.push(...(await Promise.all(found.map(({ dn }) => follow(session, dn, before, after)))).flat())
  }
  for (const outcome of outcomes) if (typeof outcome !== 'string' && isClaimLost(outcome.error)) throw outcome.error
}

function isClaimLost(error: unknown): boolean {
  return error instanceof KeyturnError && error.code === 'claim-lost'
}

async function follow(
  session: Session,
  dn: string,
  before: Address,
  after: NewAddress | null,
): Promise<MemberOutcome[]> {
  const group = session.catalogue.byDn.get(canonicalDn(dn))
  if (group === undefined) return []
  const added = after === null ? [] : [addition(session, memberValue(group, after), after.identity)]
  const edits = [...added, removal(memberValue(group, before))]
  return Promise.all(edits.map((edit) => editGroup(session, group, edit)))
}
