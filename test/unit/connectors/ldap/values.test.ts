import { describe, expect, test } from 'vitest'
import { memberAttributeOf, searchBases } from '../../../../src/connectors/ldap/catalogue.ts'
import { adaptAccount, canonicalValue } from '../../../../src/connectors/ldap/values.ts'
import type { DirectorySettings } from '../../../../src/model/settings.ts'

const place = { file: 'keyturn.yaml', line: 1 }

function settings(under: readonly string[], named: readonly string[] = []): DirectorySettings {
  const entitlements = {
    under: under.map((dn) => ({ dn, place })),
    named: Object.fromEntries(named.map((id) => [id, { id, members: 'additive', privileged: false, place }] as const)),
  }
  const schema = { objectClasses: ['inetOrgPerson'], nameAttribute: 'uid', rdnAttribute: 'uid' }
  return {
    id: 'wiki',
    schema,
    entitlements,
    accounts: { attributes: { title: {}, cn: {}, sn: {} } },
  } as unknown as DirectorySettings
}

describe('the places where memberships are looked for', () => {
  test.each([
    [['ou=groups,dc=x'], [], ['ou=groups,dc=x']],
    [['ou=a,ou=groups,dc=x', 'ou=groups,dc=x'], [], ['ou=groups,dc=x']],
    [['ou=groups,dc=x', 'OU=Groups,DC=x'], [], ['ou=groups,dc=x']],
    [['ou=groups,dc=x'], ['cn=all,ou=other,dc=x', 'cn=role,ou=groups,dc=x'], ['ou=groups,dc=x', 'ou=other,dc=x']],
  ])('%j and %j', (under, named, expected) => {
    expect(searchBases(settings(under, named))).toEqual(expected)
  })
})

describe('a group', () => {
  test.each([
    [['top', 'groupOfNames'], 'member'],
    [['groupOfUniqueNames'], 'uniqueMember'],
    [['posixGroup'], 'memberUid'],
    [['posixGroup', 'groupOfNames'], 'member'],
    [['organizationalRole'], undefined],
  ])('of the classes %j names its members by %s', (classes, attribute) => {
    expect(memberAttributeOf(classes)).toBe(attribute)
  })
})

describe('two values are the same', () => {
  test.each([
    ['manager', 'uid=Ann, ou=People,dc=x', 'UID=ann,ou=people,dc=x', true],
    ['mail', 'Ann@Corp.Example', 'ann@corp.example', true],
    ['uid', 'Ann', 'ann', true],
    ['displayName', 'Ann MUSTER', 'Ann Muster', false],
    ['title', 'e\u0301', '\u00e9', true],
  ])('%s: %s and %s: %s', (attribute, one, other, same) => {
    const canonical = (value: string): string => canonicalValue(settings([]), attribute, value)
    expect(canonical(one) === canonical(other)).toBe(same)
  })
})

describe('a new account', () => {
  test('is without empty values', () => {
    const account = {
      name: 'ann',
      container: 'dc=x',
      enabled: true,
      attributes: { title: [''], cn: ['', 'Ann'] },
      expiresAt: 5,
    }
    expect(adaptAccount(settings([]), null, account)).toEqual({
      ...account,
      attributes: { cn: ['Ann'], sn: ['Ann'] },
    })
  })

  test('has nothing that Keyturn does not manage, for that is not read', () => {
    const bare = { ...settings([]), accounts: { attributes: {} } } as unknown as DirectorySettings
    const account = { name: 'cher', container: 'dc=x', enabled: true, attributes: { title: ['x'] }, expiresAt: null }
    expect(adaptAccount(bare, null, account).attributes).toEqual({ title: ['x'] })
  })

  test.each([
    ['one name', { givenName: ['Cher'], sn: [''] }, { givenName: ['Cher'], cn: ['Cher'], sn: ['Cher'] }],
    ['no name at all', { cn: [''], sn: [''] }, { cn: ['cher'], sn: ['cher'] }],
    [
      'a display name only',
      { displayName: ['Ann Muster'] },
      { displayName: ['Ann Muster'], cn: ['Ann Muster'], sn: ['Muster'] },
    ],
    ['both, in another spelling', { CN: ['Ann'], surname: ['M'] }, { CN: ['Ann'], surname: ['M'] }],
  ] as const)('has what the schema demands of a person with %s', (_, attributes, expected) => {
    const account = { name: 'cher', container: 'dc=x', enabled: true, attributes, expiresAt: null }
    expect(adaptAccount(settings([]), null, account).attributes).toEqual(expected)
  })

  test('with a NUL character is refused', () => {
    const account = { name: 'ann', container: 'dc=x', enabled: true, attributes: { cn: ['A\0'] }, expiresAt: null }
    expect(() => adaptAccount(settings([]), null, account)).toThrow(/cn of ann/)
  })
})
