import type { Change } from '../../model/change.ts'
import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { Change as Edit } from 'ldapts'
import { addValues, deleteValues, replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { assertMayOpen, isOpeningEnd } from '../directory/may-open.ts'
import { readEntry } from '../directory/search.ts'
import { expiryEdits, expiryOf, heldByEndTime, holdableExpiry, isShadow } from './lock.ts'
import { failed } from './memberships.ts'
import { request } from './session.ts'
import type { Located, Session } from './session.ts'
import { sameValue } from './values.ts'

export type UpdateChange = Extract<Change, { kind: 'update' }>
export type ExpireChange = Extract<Change, { kind: 'expire' }>

/**
 * Writes all fields of one account in one modification; if that is refused, one by one, so that one bad value does not keep
 * the others back. Old values are deleted by name: if another hand was faster, the server refuses (law 5).
 */
export async function updateAccount(
  session: Session,
  account: Located,
  changes: readonly UpdateChange[],
): Promise<Outcome[]> {
  const edits = changes.map((change) => editsOf(session, change))
  const ready = edits.filter((edit) => edit !== 'waits')
  const doing = `updating ${account.dn}`
  try {
    if (ready.length > 0) await request(session, { doing }, (connection) => connection.modify(account.dn, ready.flat()))
    return edits.map((edit) => (edit === 'waits' ? waits(session) : { result: 'done' }))
  } catch (error) {
    if (!(error instanceof KeyturnError && error.cause instanceof LdapResultError)) throw error
    const each = changes.map((change, index) => updateOne(session, account, change, edits[index] ?? 'waits'))
    return (await Promise.allSettled(each)).map((one) => (one.status === 'fulfilled' ? one.value : failed(one.reason)))
  }
}

function waits({ settings }: Session): Outcome {
  const message = `${settings.id}: the account that this refers to does not exist yet.`
  return { result: 'waiting', error: { code: 'reference-waits', message } }
}

/** The values that a field shall have; undefined while the account that it refers to does not exist. */
function valuesOf({ context }: Session, { field }: UpdateChange): readonly string[] | undefined {
  if (!('accountOf' in field.to)) return field.to.filter((value) => value !== '')
  const address = context.addressOf(field.to.accountOf)
  return address === undefined ? undefined : [address]
}

function editsOf(session: Session, change: UpdateChange): Edit[] | 'waits' {
  const { attribute, from } = change.field
  const to = valuesOf(session, change)
  if (to === undefined) return 'waits'
  return [
    ...(from.length > 0 ? [deleteValues(attribute, from)] : []),
    ...(to.length > 0 ? [addValues(attribute, to)] : []),
  ]
}

async function updateOne(
  session: Session,
  account: Located,
  change: UpdateChange,
  edits: Edit[] | 'waits',
): Promise<Outcome> {
  if (edits === 'waits') return waits(session)
  const { attribute } = change.field
  const to = valuesOf(session, change) ?? []
  const what = { doing: `setting ${attribute} of ${account.dn}` }
  try {
    await request(session, what, (connection) => connection.modify(account.dn, edits))
    return { result: 'done' }
  } catch (error) {
    const code = error instanceof KeyturnError && error.cause instanceof LdapResultError ? error.cause.code : 0
    // 18: the attribute has no rule by which values compare (such as jpegPhoto), so it can only be replaced.
    if (code === 18) {
      await request(session, what, (connection) => connection.modify(account.dn, [replaceValues(attribute, to)]))
      return { result: 'done' }
    }
    const now = await request(session, what, (connection) => readEntry(connection, account.dn, [attribute]))
    const held = now?.texts(attribute) ?? []
    if (held.length === to.length && to.every((value) => held.some((other) => sameValue(attribute, value, other)))) {
      return { result: 'already' }
    }
    throw error
  }
}

/** Writes the day from which the server itself shuts the account. */
export async function expireAccount(session: Session, account: Located, change: ExpireChange): Promise<Outcome> {
  const { facts, settings } = session
  const objectClasses = account.entry.texts('objectClass')
  const to = holdableExpiry(change.to, facts, isShadow(objectClasses))
  if (change.to !== null && to === null) {
    throw new KeyturnError(
      'cannot-manage',
      `${settings.id}: this server has no place for an end date of ${account.dn}.`,
      {
        hint: 'OpenLDAP 2.5 with the password policy overlay has pwdEndTime; the object class shadowAccount has shadowExpire.',
      },
    )
  }
  if (expiryOf(account.entry, facts) === to) return { result: 'already' }
  if (heldByEndTime(account.entry, facts)) {
    // It can be written as soon as the account is open, so this is no failure for good.
    throw new KeyturnError(
      'precondition-failed',
      `${settings.id}: pwdEndTime holds ${account.dn} shut, so no other end is written.`,
      {
        hint: 'Set pwdLockout TRUE in the password policy: then the lock and the end date have attributes of their own.',
      },
    )
  }
  const edits = expiryEdits(to, facts, objectClasses)
  if (edits.length > 0) {
    await request(session, { doing: `setting the end date of ${account.dn}` }, (connection) => {
      if (isOpeningEnd(session.context, to)) assertMayOpen(session.context, change.identity)
      return connection.modify(account.dn, edits)
    })
  }
  return { result: 'done' }
}
