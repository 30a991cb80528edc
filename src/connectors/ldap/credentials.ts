import { deleteValues, replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { request } from './session.ts'
import type { Located, Session } from './session.ts'

/**
 * What still opens a door, or carries mail away, when the password is gone: SSH keys (openssh-lpk, FreeIPA), certificates and
 * key stores (RFC 2798, RFC 4523), mail forwarding (qmail, Sun and Postfix schemas).
 */
export const credentialAttributes: readonly string[] = [
  'sshPublicKey',
  'ipaSshPubKey',
  'userCertificate',
  'userSMIMECertificate',
  'userPKCS12',
  'mailForwardingAddress',
  'mailRoutingAddress',
  'mailAutoForward',
]

const isCredential = new Set(credentialAttributes.map((name) => name.toLowerCase()))

/**
 * Removes them from an account that was read with `credentialAttributes`; returns what was removed, for the record: names and
 * counts, no values.
 */
export async function clearCredentials(session: Session, { dn, entry }: Located): Promise<string> {
  // Names come with options, such as userCertificate;binary, and must be cleared under the same ones.
  const held = entry.names().filter((name) => isCredential.has(name.split(';', 1)[0] ?? '') && entry.has(name))
  if (held.length === 0) return 'there were none'
  const what = { doing: `removing ${held.join(', ')} of ${dn}`, again: true }
  const edits = held.map((name) => replaceValues(name, []))
  await request(session, what, async (connection) => {
    try {
      await connection.modify(dn, edits)
    } catch (error) {
      // Some schemas demand the key of whoever has the object class: then both go together.
      const keyClass = entry.texts('objectClass').find((name) => /^ldapPublicKey$/i.test(name))
      if (!(error instanceof LdapResultError && error.code === 65) || keyClass === undefined) throw error
      await connection.modify(dn, [...edits, deleteValues('objectClass', [keyClass])])
    }
  })
  return `removed ${held.map((name) => `${name} (${entry.buffers(name).length})`).join(', ')}`
}
