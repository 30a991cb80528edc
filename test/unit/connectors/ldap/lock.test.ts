import type { Change } from 'ldapts'
import { describe, expect, test } from 'vitest'
import { Entry } from '../../../../src/connectors/directory/entry.ts'
import { expiryOf, isEnabled, isLockedOut, lockEdits, unlockEdits } from '../../../../src/connectors/ldap/lock.ts'
import { isUnusable, saltedHash, unusable, usable } from '../../../../src/connectors/ldap/passwords.ts'
import { attributeNames } from '../../../../src/connectors/ldap/server.ts'
import type { DisableMeans, ServerFacts } from '../../../../src/connectors/ldap/server.ts'

const none: DisableMeans = { nsAccountLock: false, lockedTime: false, endTime: false, hash: false }
type Values = Readonly<Record<string, readonly string[]>>

function facts(means: Partial<DisableMeans>): ServerFacts {
  const attributes = new Set(['pwdaccountlockedtime', 'pwdendtime'])
  const known = {
    accessLog: null,
    postRead: true,
    increment: true,
    passwordModify: true,
    policy: null,
    attributes,
  }
  return { vendor: 'openldap', name: 'a server', nativeId: 'entryUUID', ...known, means: { ...none, ...means } }
}

function entry(values: Values): Entry {
  const buffers = Object.entries(values).map(
    ([name, list]) => [name.toLowerCase(), list.map((value) => Buffer.from(value))] as const,
  )
  return new Entry('uid=ann,dc=x', new Map(buffers))
}

/** The entry after the edits. */
function after(values: Values, edits: readonly Change[]): Values {
  const next: Record<string, readonly string[]> = { ...values }
  for (const { modification } of edits) next[modification.type] = modification.values as string[]
  return Object.fromEntries(Object.entries(next).filter(([, list]) => list.length > 0))
}

const means: [string, Partial<DisableMeans>][] = [
  ['nsAccountLock', { nsAccountLock: true }],
  ['pwdAccountLockedTime', { lockedTime: true }],
  ['pwdEndTime', { endTime: true }],
  ['both of the policy', { lockedTime: true, endTime: true }],
  ['an unusable hash', { hash: true }],
]
const options = { leaver: false, shell: null }
const person: Values = {
  objectClass: ['inetOrgPerson', 'shadowAccount'],
  userPassword: ['{SSHA}abc', '{SSHA}def'],
  loginShell: ['/bin/zsh'],
}

describe.each(means)('shutting by %s', (_, some) => {
  const server = facts(some)

  test('shuts, and doing it again changes nothing', () => {
    const once = after(person, lockEdits(entry(person), server, options))
    expect(isEnabled(entry(person), server)).toBe(true)
    expect(isEnabled(entry(once), server)).toBe(false)
    expect(after(once, lockEdits(entry(once), server, options))).toEqual(once)
  })

  test('is taken back without a trace', () => {
    const shut = after(person, lockEdits(entry(person), server, options))
    expect(after(shut, unlockEdits(entry(shut), server, options))).toEqual(person)
    expect(unlockEdits(entry(person), server, options)).toEqual([])
  })

  test('takes the shell of a leaver only, and only where Keyturn gives shells', () => {
    const shell = (leaver: boolean, given: string | null): unknown =>
      after(person, lockEdits(entry(person), server, { leaver, shell: given }))['loginShell']
    expect([shell(true, '/bin/sh'), shell(false, '/bin/sh'), shell(true, null)]).toEqual([
      ['/sbin/nologin'],
      ['/bin/zsh'],
      ['/bin/zsh'],
    ])
  })
})

describe('what a server ignores', () => {
  test('is no lock: pwdAccountLockedTime without pwdLockout', () => {
    expect(isEnabled(entry({ pwdAccountLockedTime: ['000001010000Z'] }), facts({ endTime: true }))).toBe(true)
  })
})

describe('an account', () => {
  test('that the server locked for a time is locked out, not disabled', () => {
    const locked = entry({ pwdAccountLockedTime: ['20260930120000Z'] })
    expect([isEnabled(locked, facts({ lockedTime: true })), isLockedOut(locked, facts({ lockedTime: true }))]).toEqual([
      true,
      true,
    ])
  })

  test('tells its end date, but not the end that is our lock', () => {
    const ends = (values: Values, some: Partial<DisableMeans> = { endTime: true }) =>
      expiryOf(entry(values), facts(some))
    expect(ends({ pwdEndTime: ['20310506070809Z'] })).toBe(Date.UTC(2031, 4, 6, 7, 8, 9))
    expect(ends({ pwdEndTime: ['19700101000000Z'] })).toBeNull()
    expect(ends({ shadowExpire: ['22406'] }, { hash: true })).toBe(22_406 * 86_400_000)
    expect(ends({ shadowExpire: ['1'] }, { hash: true })).toBeNull()
    expect(ends({ shadowExpire: ['-1'] }, { hash: true })).toBeNull()
  })
})

describe('a stored password', () => {
  test.each(['{SSHA}abc', '{CRYPT}$6$salt$hash', '{ARGON2}$argon2id$v=19$x', '{SASL}ann@CORP'])(
    '%s becomes unusable and usable again',
    (stored) => {
      expect(isUnusable(stored)).toBe(false)
      expect(isUnusable(unusable(stored))).toBe(true)
      expect(unusable(unusable(stored))).toBe(unusable(stored))
      expect(usable(unusable(stored))).toBe(stored)
    },
  )

  test.each(['in the clear', '{CLEARTEXT}secret'])(
    '%s is hashed before, or "!" and the password would match',
    (stored) => {
      expect(unusable(stored)).toMatch(/^\{SSHA\}!/)
      expect(usable(unusable(stored))).toMatch(/^\{SSHA\}[^!]/)
    },
  )

  test('that never was one is gone afterwards', () => {
    expect(usable('{CRYPT}!')).toBeNull()
  })

  test('is salted: the same one looks different every time', () => {
    expect(saltedHash('x')).not.toBe(saltedHash('x'))
  })
})

describe('a description in a schema', () => {
  test.each([
    [`( 2.5.4.4 NAME ( 'sn' 'surname' ) DESC 'RFC2256: last name' SUP name )`, ['sn', 'surname']],
    [`( 1.3.6.1.4.1.42.2.27.8.1.28 NAME 'pwdEndTime' DESC 'x' )`, ['pwdendtime']],
    ['( 1.2.3 )', []],
  ])('%s', (description, names) => {
    expect(attributeNames(description)).toEqual(names)
  })
})
