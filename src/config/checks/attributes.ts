import type { Problem } from '../../model/place.ts'
import type { Cursor } from '../cursor.ts'

/** Attributes that are Keyturn's own business, or the server's: setting them by a mapping would undo what law demands. */
const reserved: Readonly<Record<string, string>> = {
  userPassword: 'passwords are generated',
  unicodePwd: 'passwords are generated',
  pwdLastSet: 'password.must-change decides it',
  userAccountControl: 'the lifecycle decides it',
  accountExpires: 'the end of access decides it',
  pwdEndTime: 'the end of access decides it',
  pwdAccountLockedTime: 'the lifecycle decides it',
  nsAccountLock: 'the lifecycle decides it',
  shadowExpire: 'the lifecycle decides it',
  lockoutTime: 'the lifecycle decides it',
  objectClass: 'schema.object-classes gives it',
  member: 'entitlements give it',
  uniqueMember: 'entitlements give it',
  memberUid: 'entitlements give it',
  memberOf: 'entitlements give it',
  entryUUID: 'the server makes it',
  objectGUID: 'the server makes it',
  objectSid: 'the server makes it',
  distinguishedName: 'the server makes it',
}

const posix = { uidNumber: 'schema.posix gives it', gidNumber: 'schema.posix gives it' }

/** Attributes that may not be mapped, and those without which the directory takes no account. */
export function checkAccountAttributes(platform: Cursor): readonly Problem[] {
  const attributes = platform.get('accounts', 'attributes')
  const ad = platform.get('kind').text === 'active-directory'
  const nameAttribute = platform.get('schema', 'name-attribute').text ?? (ad ? 'sAMAccountName' : 'uid')
  const taken = {
    ...reserved,
    ...(platform.get('schema', 'posix').exists ? posix : {}),
    [nameAttribute]: 'accounts.name gives it',
  }
  const byLower = new Map(Object.entries(taken).map(([name, why]) => [name.toLowerCase(), why]))
  const seen = new Set<string>()
  const refused = attributes.entries().flatMap(([name, at]) => {
    const why = byLower.get(name.toLowerCase()) ?? (seen.has(name.toLowerCase()) ? 'it stands here twice' : undefined)
    seen.add(name.toLowerCase())
    return why === undefined ? [] : [at.error(`${name} cannot be mapped: ${why}`, { at: 'key' })]
  })
  return [...refused, ...(ad || attributes.keys().length === 0 ? [] : missing(platform, seen))]
}

/** person (RFC 4519, section 3.12) demands sn and cn; one that names the entry is there by itself. */
function missing(platform: Cursor, given: ReadonlySet<string>): readonly Problem[] {
  const classes = platform
    .get('schema', 'object-classes')
    .items()
    .map(({ text }) => text?.toLowerCase())
  const isPerson = classes.length === 0 || classes.some((one) => one?.endsWith('person') === true)
  const rdn = platform.get('schema', 'rdn-attribute').text ?? 'uid'
  const lacking = ['sn', 'cn'].filter((name) => isPerson && name !== rdn.toLowerCase() && !given.has(name))
  if (lacking.length === 0) return []
  const attributes = platform.get('accounts', 'attributes')
  const message = `${lacking.join(' and ')} ${lacking.length === 1 ? 'is' : 'are'} not given, and inetOrgPerson demands sn and cn`
  return [
    attributes.warning(message, {
      at: 'key',
      hint: 'Write cn: person.displayName and sn: person.surname, or the like.',
    }),
  ]
}
