import { hash, randomBytes } from 'node:crypto'
import type { Connection } from '../directory/connection.ts'
import { passwordModifyOperation, passwordModifyRequest } from '../directory/controls.ts'
import { replaceValues } from '../directory/edits.ts'
import type { ServerFacts } from './server.ts'

/**
 * A salted hash in the one form that every OpenLDAP knows without modules (RFC 2307). Without the policy overlay slapd
 * stores what an add brings as it comes, so a password must not come in the clear. SHA-1 is weak for words that people
 * choose; the passwords hashed here are random.
 */
export function saltedHash(password: string): string {
  const salt = drawSalt()
  const digest = hash('sha1', Buffer.concat([Buffer.from(password), salt]), 'buffer')
  return `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`
}

const saltLength = 16
/** Random bytes for the next salts: one call to the system for each would cost more than the hash. */
let salts = Buffer.alloc(0)

function drawSalt(): Buffer {
  if (salts.length < saltLength) salts = randomBytes(256 * saltLength)
  const salt = salts.subarray(0, saltLength)
  salts = salts.subarray(saltLength)
  return salt
}

/** Sets a password as an administrator; the server hashes it as it is configured to. */
export async function setPassword(
  connection: Connection,
  facts: ServerFacts,
  dn: string,
  password: string,
): Promise<void> {
  if (facts.passwordModify) await connection.extended(passwordModifyOperation, passwordModifyRequest(dn, password))
  else await connection.modify(dn, [replaceValues('userPassword', [password])])
}

/** What stands where nothing was: it matches no password. */
export const noPassword = '{CRYPT}!'

/**
 * The same stored password made to match nothing: `!` before the hash, as usermod -L does in a shadow file. A password that
 * is stored in the clear is hashed first, since `{CLEARTEXT}!x` would match "!x".
 */
export function unusable(stored: string): string {
  const { scheme, hash } = parts(stored)
  if (hash.startsWith('!')) return stored
  if (scheme === '' || scheme.toUpperCase() === '{CLEARTEXT}') return unusable(saltedHash(hash))
  return `${scheme}!${hash}`
}

/** The stored password as it was before `unusable`; null where there was none. */
export function usable(stored: string): string | null {
  const { scheme, hash } = parts(stored)
  if (!hash.startsWith('!')) return stored
  return hash === '!' ? null : scheme + hash.slice(1)
}

export function isUnusable(stored: string): boolean {
  return parts(stored).scheme !== '' && parts(stored).hash.startsWith('!')
}

function parts(stored: string): { scheme: string; hash: string } {
  const scheme = /^\{[^}]+\}/.exec(stored)?.[0] ?? ''
  return { scheme, hash: stored.slice(scheme.length) }
}
