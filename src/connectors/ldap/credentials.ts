import { deleteValues, replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { readEntry } from '../directory/search.ts'
import { request } from './session.ts'
import type { Located, Session } from './session.ts'

/**
 * What still opens a door, or carries mail away, when the password is gone: SSH keys (openssh-lpk, FreeIPA), certificates and
 * key stores (RFC 2798, RFC 4523), mail forwarding (qmail, Sun and Postfix schemas).
 */
const credentialAttributes = [
  'sshPublicKey',
  'ipaSshPubKey',
  'userCertificate',
  'userSMIMECertificate',
  'userPKCS12',
  'mailForwardingAddress',
  'mailRoutingAddress',
  'mailAutoForward',
] as const

/** Removes them from an account; returns what was removed, for the record: names and counts, no values. */
export async function clearCredentials(session: Session, account: Located): Promise<string> {
  const doing = `reading the credentials of ${account.dn}`
  const wanted = ['objectClass', ...credentialAttributes]
  const entry = await request(session, { doing }, (connection) => readEntry(connection, account.dn, wanted))
  // Names come with options, such as userCertificate;binary, and must be cleared under the same ones.
  const held = entry?.names().filter((name) => name !== 'objectclass' && entry.has(name)) ?? []
  if (entry === undefined || held.length === 0) return 'there were none'
  const what = { doing: `removing ${held.join(', ')} of ${account.dn}` }
  const edits = held.map((name) => replaceValues(name, []))
  await request(session, what, async (connection) => {
    try {
      await connection.modify(account.dn, edits)
    } catch (error) {
      // Some schemas demand the key of whoever has the object class: then both go together.
      const keyClass = entry.texts('objectClass').find((name) => /^ldapPublicKey$/i.test(name))
      if (!(error instanceof LdapResultError && error.code === 65) || keyClass === undefined) throw error
      await connection.modify(account.dn, [...edits, deleteValues('objectClass', [keyClass])])
    }
  })
  return `removed ${held.map((name) => `${name} (${entry.buffers(name).length})`).join(', ')}`
}
