import { hashPassword } from './slapd.ts'

/** The invented directory: what an administrator has made before Keyturn comes. */
export interface Directory {
  readonly suffix: string
  /** Names of groups, each a groupOfNames below `groupsIn`. */
  readonly groups: readonly string[]
  /** What the account that Keyturn signs in with has as its password. */
  readonly managerPassword: string
}

export interface DirectoryPlaces {
  readonly people: string
  readonly groups: string
  readonly leavers: string
  readonly manager: string
  readonly policy: string
  /** The member that keeps an empty groupOfNames legal. */
  readonly placeholder: string
}

export function placesOf(suffix: string): DirectoryPlaces {
  return {
    people: `ou=people,${suffix}`,
    groups: `ou=groups,${suffix}`,
    leavers: `ou=leavers,${suffix}`,
    manager: `cn=keyturn,ou=services,${suffix}`,
    policy: `cn=default,ou=policies,${suffix}`,
    placeholder: `cn=nobody,ou=services,${suffix}`,
  }
}

/** LDIF of the directory without people: containers, a password policy that locks, the manager and empty groups. */
export function directoryLdif(directory: Directory): string {
  const { suffix } = directory
  const places = placesOf(suffix)
  const label = /^dc=([^,]+)/i.exec(suffix)?.[1] ?? 'demo'
  const containers = ['people', 'groups', 'leavers', 'services', 'policies'].map((ou) =>
    entry(`ou=${ou},${suffix}`, ['objectClass: organizationalUnit', `ou: ${ou}`]),
  )
  return [
    entry(suffix, ['objectClass: dcObject', 'objectClass: organization', `dc: ${label}`, `o: ${label}`]),
    ...containers,
    entry(places.policy, [
      'objectClass: applicationProcess',
      'objectClass: pwdPolicy',
      'cn: default',
      'pwdAttribute: userPassword',
      // Without pwdLockout the server would ignore the lock of an account (slapo-ppolicy).
      'pwdLockout: TRUE',
      'pwdMinLength: 12',
      'pwdCheckQuality: 1',
    ]),
    entry(places.manager, [
      'objectClass: organizationalRole',
      'objectClass: simpleSecurityObject',
      'cn: keyturn',
      `userPassword: ${hashPassword(directory.managerPassword)}`,
    ]),
    entry(places.placeholder, ['objectClass: organizationalRole', 'cn: nobody']),
    ...directory.groups.map((name) =>
      entry(`cn=${name},${places.groups}`, [
        'objectClass: groupOfNames',
        `cn: ${name}`,
        `member: ${places.placeholder}`,
      ]),
    ),
  ].join('\n')
}

function entry(dn: string, lines: readonly string[]): string {
  return `${[`dn: ${dn}`, ...lines].join('\n')}\n`
}
