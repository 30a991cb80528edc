import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attributes, replaceValues } from '../../../src/connectors/directory/edits.ts'
import { readEntry } from '../../../src/connectors/directory/search.ts'
import type { Connector } from '../../../src/model/connector.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { DirectorySettings } from '../../../src/model/settings.ts'
import { startSlapd } from '../../servers/slapd.ts'
import type { Slapd, SlapdOptions } from '../../servers/slapd.ts'
import { Person, TestContext } from './conformance/harness.ts'
import { administrator, ldapSettings, open, schema, signIn } from './ldap-harness.ts'

const { signal } = new AbortController()
const place = { file: 'keyturn.yaml', line: 1 }
const posix = { uidNumbers: { from: 20_000, to: 29_999 }, gidNumber: 100, home: '/home/{name}', shell: '/bin/bash' }

async function asRoot<T>(
  slapd: Slapd,
  work: (connection: Awaited<ReturnType<typeof administrator>>) => Promise<T>,
): Promise<T> {
  await using connection = await administrator(slapd)
  return await work(connection)
}

async function create(
  connector: Connector,
  slapd: Slapd,
  names: readonly string[],
  context = new TestContext(),
): Promise<Person[]> {
  const people = names.map((name) => new Person(name))
  const changes = people.map((person) => person.create(slapd.people))
  const outcomes = await connector.apply(changes, context)
  people.forEach((person, n) => {
    expect(outcomes[n]).toMatchObject({ result: 'done' })
    Object.assign(person, { nativeId: outcomes[n]?.account?.nativeId, address: outcomes[n]?.account?.address })
  })
  return people
}

async function valuesOf(slapd: Slapd, dn: string, attribute: string): Promise<string[]> {
  return asRoot(slapd, async (connection) => (await readEntry(connection, dn, [attribute]))?.texts(attribute) ?? [])
}

function byName(change: { readonly name: string }): string {
  return change.name
}

describe('uid numbers', () => {
  let slapd: Slapd
  beforeAll(async () => {
    slapd = await startSlapd({
      entries: [
        `dn: uid=old,ou=people,dc=corp,dc=example\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: old\ncn: O\nsn: O\nuidNumber: 20041\ngidNumber: 1\nhomeDirectory: /\n\n`,
        `dn: cn=counter,dc=corp,dc=example\nobjectClass: device\nobjectClass: extensibleObject\ncn: counter\nuidNumber: 21000\n\n`,
      ],
    })
  })
  afterAll(async () => slapd[Symbol.asyncDispose]())

  test('come from the ledger, above those of accounts made by hand, with home and shell', async () => {
    await using connector = open(slapd, { schema: { ...schema, posix } })
    const people = await create(connector, slapd, ['num1', 'num2', 'num3'])
    const numbers = await Promise.all(people.map(({ address }) => valuesOf(slapd, address, 'uidNumber')))
    expect(numbers.flat()).toEqual(['20042', '20043', '20044'])
    expect(await valuesOf(slapd, people[0]?.address ?? '', 'homeDirectory')).toEqual(['/home/num1'])
    expect(await valuesOf(slapd, people[0]?.address ?? '', 'loginShell')).toEqual(['/bin/bash'])
  })

  test('from a counter entry are never given twice, although two take them at once', async () => {
    const uidNumbers = { ...posix.uidNumbers, counter: 'cn=counter,dc=corp,dc=example' }
    const settings = { schema: { ...schema, posix: { ...posix, uidNumbers } } }
    await using one = open(slapd, settings)
    await using other = open(slapd, settings)
    const names = (prefix: string): string[][] =>
      Array.from({ length: 10 }, (_, call) => Array.from({ length: 3 }, (_, n) => `${prefix}${call}x${n}`))
    const people = await Promise.all([
      ...names('one').map((some) => create(one, slapd, some)),
      ...names('other').map((some) => create(other, slapd, some)),
    ])
    const numbers = await Promise.all(people.flat().map(({ address }) => valuesOf(slapd, address, 'uidNumber')))
    expect(new Set(numbers.flat()).size).toBe(60)
    expect(await valuesOf(slapd, uidNumbers.counter, 'uidNumber')).toEqual(['21060'])
  })

  test('beyond the configured range are refused with the range', async () => {
    const uidNumbers = { from: 20_000, to: 20_041 }
    await using connector = open(slapd, { schema: { ...schema, posix: { ...posix, uidNumbers } } })
    const [outcome] = await connector.apply([new Person('toomany').create(slapd.people)], new TestContext())
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'value-refused' } })
    expect(outcome?.error?.message).toContain('20042')
  })

  test('a leaver loses the shell, and gets it back with the account', async () => {
    await using connector = open(slapd, { schema: { ...schema, posix } })
    const [person] = await create(connector, slapd, ['shell'])
    if (person === undefined) throw new Error('no account')
    await connector.apply([person.disable('leaver')], new TestContext())
    expect(await valuesOf(slapd, person.address, 'loginShell')).toEqual(['/sbin/nologin'])
    await connector.apply([person.simple('enable')], new TestContext())
    expect(await valuesOf(slapd, person.address, 'loginShell')).toEqual(['/bin/bash'])
  })
})

describe('passwords', () => {
  test.each<[string, SlapdOptions]>([
    ['without a policy', {}],
    ['with a policy', { ppolicy: 'lockout' }],
    ['with a policy that refuses what it cannot look into', { ppolicy: 'lockout', quality: 2 }],
  ])('never stand in the directory as they are, %s', async (_, options) => {
    await using slapd = await startSlapd({ ...options, tls: false })
    await using connector = open(slapd)
    const context = new TestContext()
    const [person] = await create(connector, slapd, ['hashed'], context)
    if (person === undefined) throw new Error('no account')
    const password = context.initial.get(person.identity) ?? ''
    expect(await signIn(slapd, person.address, password)).toBe(true)
    for (const change of [person.issue(), person.disable('leaver'), person.issue()]) {
      const stored = await valuesOf(slapd, person.address, 'userPassword')
      expect(stored).toHaveLength(1)
      expect(stored[0]).toMatch(/^\{[A-Z0-9-]+\}/)
      expect(await connector.apply([change], context)).toMatchObject([{ result: 'done' }])
    }
  })

  test('that must be changed are marked so, where there is a policy', async () => {
    await using slapd = await startSlapd({ ppolicy: 'lockout', tls: false })
    await using connector = open(slapd)
    const context = Object.assign(new TestContext(), { mustChange: true })
    const [person] = await create(connector, slapd, ['must'], context)
    expect(await valuesOf(slapd, person?.address ?? '', 'pwdReset')).toEqual(['TRUE'])
  })

  test('need what the policy demands', async () => {
    await using slapd = await startSlapd({ ppolicy: 'lockout', tls: false })
    await using connector = open(slapd)
    expect(await connector.passwordPolicy(signal)).toMatchObject({ length: 10 })
  })
})

describe('an end date', () => {
  const at = Date.UTC(2031, 4, 6, 7, 8, 9, 500)

  test.each<[string, SlapdOptions, Partial<DirectorySettings>, number]>([
    ['pwdEndTime, to the second', { ppolicy: 'lockout' }, {}, at - 500],
    [
      'shadowExpire, to the day',
      {},
      { schema: { ...schema, posix, objectClasses: ['inetOrgPerson', 'shadowAccount'] } },
      at - (at % DAY),
    ],
  ])('is written ahead as %s', async (_, options, settings, held) => {
    await using slapd = await startSlapd({ ...options, tls: false })
    await using connector = open(slapd, settings)
    await connector.read('all', signal)
    const [person] = await create(connector, slapd, ['ends'])
    if (person === undefined) throw new Error('no account')
    const expire = { ...person.base, kind: 'expire', from: null, to: at } as const
    const read = async () => (await connector.read([{ nativeId: person.nativeId }], signal)).items[0]?.expiresAt
    const results = async () => (await connector.apply([expire], new TestContext())).map(({ result }) => result)
    expect(await results()).toEqual(['done'])
    expect(await read()).toBe(held)
    expect(await results()).toEqual(['already'])
    const adapted = connector.adapt({
      name: 'x',
      container: slapd.people,
      enabled: true,
      attributes: {},
      expiresAt: at,
    })
    expect(adapted.expiresAt).toBe(held)
    await connector.apply([person.disable('suspend')], new TestContext())
    await connector.apply([{ ...expire, to: null }], new TestContext())
    expect(await read()).toBeNull()
    expect((await connector.read([{ nativeId: person.nativeId }], signal)).items[0]?.enabled).toBe(false)
  })

  test('is written with the opening where the same attribute is the lock, and never opens by itself', async () => {
    await using slapd = await startSlapd({ ppolicy: 'no-lockout', tls: false })
    await using connector = open(slapd)
    const [person] = await create(connector, slapd, ['again'])
    if (person === undefined) throw new Error('no account')
    const { base } = person
    const expire = { ...base, kind: 'expire', from: null, to: at } as const
    const enable = { ...base, kind: 'enable' } as const
    const end = () => valuesOf(slapd, person.address, 'pwdEndTime')
    const locked = ['19700101000000Z']
    await connector.apply([{ ...base, kind: 'disable', protocol: 'suspend' }], new TestContext())
    expect(await connector.apply([expire], new TestContext())).toMatchObject([
      { result: 'retry', error: { code: 'precondition-failed' } },
    ])
    const stale = Object.assign(new TestContext(), { mayOpen: () => false })
    const lost = { result: 'retry', error: { code: 'claim-lost' } }
    expect(await connector.apply([expire, enable], stale)).toMatchObject([lost, lost])
    expect(await end()).toEqual(locked)
    expect(await connector.apply([expire, enable], new TestContext())).toMatchObject([
      { result: 'done' },
      { result: 'done' },
    ])
    expect(await end()).toEqual(['20310506070809Z'])
    expect((await connector.read([{ nativeId: person.nativeId }], signal)).items).toMatchObject([
      { enabled: true, expiresAt: at - 500 },
    ])
  })

  test('that the server has no place for is not asked for, and refused with a sentence', async () => {
    await using slapd = await startSlapd({ tls: false })
    await using connector = open(slapd)
    const [person] = await create(connector, slapd, ['noend'])
    if (person === undefined) throw new Error('no account')
    const account = { name: 'x', container: slapd.people, enabled: true, attributes: {}, expiresAt: at }
    expect(connector.adapt(account).expiresAt).toBeNull()
    const [outcome] = await connector.apply([{ ...person.base, kind: 'expire', from: null, to: at }], new TestContext())
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'cannot-manage' } })
  })
})

describe('groups', () => {
  test('whose last member leaves keep the placeholder, and say what is missing without one', async () => {
    await using slapd = await startSlapd({ tls: false })
    await using connector = open(slapd, {
      schema: { objectClasses: ['inetOrgPerson'], nameAttribute: 'uid', rdnAttribute: 'uid' },
    })
    const [person] = await create(connector, slapd, ['lonely'])
    if (person === undefined) throw new Error('no account')
    const group = { objectClass: ['groupOfNames'], cn: ['lonely'], member: [person.address] }
    await asRoot(slapd, (connection) => connection.add(`cn=lonely,${slapd.groups}`, attributes(group)))
    const [outcome] = await connector.apply([person.revoke('lonely')], new TestContext())
    expect(outcome).toMatchObject({
      result: 'failed',
      error: { message: expect.stringContaining('no member') as string },
    })
    const complaints = await connector.check(signal)
    expect(complaints.map(({ message }) => message)).toContainEqual(expect.stringContaining('schema.placeholder'))
    await using better = open(slapd)
    expect(await better.apply([person.revoke('lonely')], new TestContext())).toEqual([{ result: 'done' }])
    expect(await valuesOf(slapd, `cn=lonely,${slapd.groups}`, 'member')).toEqual(['cn=nobody'])
  })

  test('that came after the catalogue was read are found when they are granted', async () => {
    await using slapd = await startSlapd({ tls: false })
    await using connector = open(slapd)
    await connector.catalogue(signal)
    const [person] = await create(connector, slapd, ['late'])
    if (person === undefined) throw new Error('no account')
    const group = { objectClass: ['groupOfNames'], cn: ['late'], member: ['cn=nobody'] }
    await asRoot(slapd, (connection) => connection.add(`cn=late,${slapd.groups}`, attributes(group)))
    expect(await connector.apply([person.grant('late')], new TestContext())).toEqual([{ result: 'done' }])
  })

  test('named in the configuration go by that name, and may stand anywhere', async () => {
    await using slapd = await startSlapd({ tls: false })
    const dn = `cn=Everybody,ou=services,${slapd.base}`
    const group = { objectClass: ['groupOfNames'], cn: ['Everybody'], member: ['cn=nobody'] }
    await asRoot(slapd, (connection) => connection.add(dn, attributes(group)))
    const named = { 'all-staff': { id: dn, members: 'exact', privileged: true, place } } as const
    const gone = { gone: { id: `cn=gone,${slapd.groups}`, members: 'additive', privileged: false, place } } as const
    await using connector = open(slapd, { entitlements: { under: [], named: { ...named, ...gone } } })
    const { items } = await connector.catalogue(signal)
    expect(items).toMatchObject([{ name: 'all-staff', address: dn, members: 'exact', privileged: true }])
    const [person] = await create(connector, slapd, ['somebody'])
    if (person === undefined) throw new Error('no account')
    await connector.apply([person.grant('all-staff')], new TestContext())
    expect((await connector.read('all', signal)).items.find(({ name }) => name === 'somebody')?.entitlements).toEqual([
      'all-staff',
    ])
    expect(
      (await connector.check(signal)).filter(({ severity }) => severity === 'error').map(({ message }) => message),
    ).toEqual([expect.stringContaining('"gone"') as string])
  })
})

describe('doctor is told', () => {
  const warnings = async (slapd: Slapd, settings: Partial<DirectorySettings> = {}): Promise<string> => {
    await using connector = open(slapd, settings)
    return (await connector.check(signal)).map(({ severity, message }) => `${severity}: ${message}`).join('\n')
  }

  test.each<[string, SlapdOptions, RegExp]>([
    ['that the policy would ignore the lock', { ppolicy: 'no-lockout' }, /warning: .*pwdLockout not TRUE/],
    ['that there is no policy', {}, /warning: there is no password policy overlay/],
    ['what shuts an account', { ppolicy: 'lockout' }, /fact: accounts are shut by pwdAccountLockedTime and pwdEndTime/],
    ['when the certificate ends', { tls: true }, /warning: the certificate of localhost:\d+ ends on/],
    ['that reading is limited', { unlimited: false, configuration: ['sizelimit 1'] }, /error: .*size limit/],
  ])('%s', async (_, options, expected) => {
    await using slapd = await startSlapd({
      tls: false,
      ...options,
      entries: [1, 2, 3].map(
        (n) => `dn: uid=d${n},ou=people,dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: d${n}\ncn: D\nsn: D\n\n`,
      ),
    })
    expect(await warnings(slapd)).toMatch(expected)
  })

  test('which rights are missing', async () => {
    const dn = 'cn=keyturn,ou=services,dc=corp,dc=example'
    await using slapd = await startSlapd({
      tls: false,
      ppolicy: 'lockout',
      entries: 'dn: uid=r,ou=people,dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: r\ncn: R\nsn: R\n\n',
      access: [
        'access to attrs=title',
        `  by dn.exact="${dn}" write`,
        'access to *',
        `  by dn.exact="${dn}" read`,
        '  by anonymous auth',
      ],
    })
    const said = await warnings(slapd)
    expect(said).toMatch(
      /error: no right to write userPassword, pwdAccountLockedTime, employeeNumber, displayName, manager/,
    )
  })
})

describe('the rights that docs/connectors/ldap.md lists', () => {
  test('are enough for everything', async () => {
    const [people, leavers, groups] = ['people', 'leavers', 'groups'].map((name) => `ou=${name},dc=corp,dc=example`)
    const keyturn = (right: string): string => `  by dn.exact="cn=keyturn,ou=services,dc=corp,dc=example" ${right}`
    await using slapd = await startSlapd({
      tls: false,
      ppolicy: 'lockout',
      access: [
        `access to dn.subtree="${people}" attrs=userPassword`,
        keyturn('manage'),
        '  by anonymous auth',
        '  by self =w',
        `access to dn.subtree="${leavers}" attrs=userPassword`,
        keyturn('manage'),
        '  by anonymous auth',
        `access to dn.subtree="${people}"`,
        keyturn('manage'),
        '  by users read',
        `access to dn.subtree="${leavers}"`,
        keyturn('manage'),
        '  by users read',
        `access to dn.subtree="${groups}"`,
        keyturn('write'),
        '  by users read',
        'access to attrs=userPassword',
        '  by anonymous auth',
        '  by * none',
        'access to *',
        keyturn('read'),
        '  by users read',
      ],
    })
    await using connector = open(slapd)
    const context = new TestContext()
    const group = { objectClass: ['groupOfNames'], cn: ['role'], member: ['cn=nobody'] }
    await asRoot(slapd, (connection) => connection.add(`cn=role,${slapd.groups}`, attributes(group)))
    const [person] = await create(connector, slapd, ['rights'], context)
    if (person === undefined) throw new Error('no account')
    const changes = [
      person.grant('role'),
      person.update('title', ['Engineer'], ['Architect']),
      person.disable('leaver'),
      person.relocate('move', slapd.people, slapd.leavers),
    ]
    expect((await connector.apply(changes, context)).map(({ result }) => result)).toEqual(changes.map(() => 'done'))
    const [account] = (await connector.read('all', signal)).items.filter((one) => byName(one) === 'rights')
    expect(account).toMatchObject({ enabled: false, entitlements: ['role'] })
    if (account !== undefined) expect(await connector.prove(account, context)).toMatchObject({ grade: 'refused' })
    expect((await connector.check(signal)).filter(({ severity }) => severity === 'error')).toEqual([])
  })
})

describe('an account', () => {
  test('that the server has locked for too many tries is told apart from one that an admin shut', async () => {
    await using slapd = await startSlapd({ ppolicy: 'lockout', tls: false })
    await using connector = open(slapd)
    const [person] = await create(connector, slapd, ['tries'])
    if (person === undefined) throw new Error('no account')
    for (let n = 0; n < 6; n++) await signIn(slapd, person.address, 'wrong')
    const [account] = (await connector.read([{ nativeId: person.nativeId }], signal)).items
    expect(account).toMatchObject({ enabled: true, lockedOut: true })
  })

  test('is found under its new address when another hand has moved it between plan and write', async () => {
    await using slapd = await startSlapd({ tls: false })
    await using connector = open(slapd)
    const [person] = await create(connector, slapd, ['moved'])
    if (person === undefined) throw new Error('no account')
    await asRoot(slapd, (connection) => connection.rename(person.address, 'uid=moved', slapd.leavers))
    expect(await connector.apply([person.disable('leaver')], new TestContext())).toMatchObject([{ result: 'done' }])
    expect((await connector.read('all', signal)).items).toMatchObject([{ container: slapd.leavers, enabled: false }])
  })

  test('outside the base is refused before anything is written', async () => {
    await using slapd = await startSlapd({ tls: false })
    await using connector = open(slapd, { base: slapd.people })
    const outcomes = await connector.apply([new Person('out').create(slapd.leavers)], new TestContext())
    expect(outcomes).toMatchObject([{ result: 'failed', error: { code: 'value-refused' } }])
    expect(ldapSettings(slapd).base).toBe(slapd.base)
  })

  test('keeps an end date of HR through a suspension', async () => {
    await using slapd = await startSlapd({ ppolicy: 'lockout', tls: false })
    await using connector = open(slapd)
    const [person] = await create(connector, slapd, ['keeps'])
    if (person === undefined) throw new Error('no account')
    await asRoot(slapd, (connection) =>
      connection.modify(person.address, [replaceValues('pwdEndTime', ['20310506070809Z'])]),
    )
    await connector.apply([person.disable('suspend')], new TestContext())
    await connector.apply([person.simple('enable')], new TestContext())
    const [account] = (await connector.read([{ nativeId: person.nativeId }], signal)).items
    expect(account).toMatchObject({ enabled: true, expiresAt: Date.UTC(2031, 4, 6, 7, 8, 9) })
  })

  test('is shut by what may be written, when one of the means is forbidden', async () => {
    const dn = 'cn=keyturn,ou=services,dc=corp,dc=example'
    const access = [
      'access to attrs=shadowExpire',
      '  by * read',
      'access to *',
      `  by dn.exact="${dn}" manage`,
      '  by anonymous auth',
    ]
    await using slapd = await startSlapd({ ppolicy: 'lockout', tls: false, access })
    await using connector = open(slapd, {
      schema: { ...schema, objectClasses: ['inetOrgPerson', 'posixAccount', 'shadowAccount'], posix },
    })
    const context = new TestContext()
    const [person] = await create(connector, slapd, ['partly'], context)
    if (person === undefined) throw new Error('no account')
    expect(await connector.apply([person.disable('leaver')], context)).toMatchObject([{ result: 'done' }])
    const [account] = (await connector.read([{ nativeId: person.nativeId }], signal)).items
    if (account === undefined) throw new Error('no account')
    expect(account.enabled).toBe(false)
    expect(await connector.prove(account, context)).toMatchObject({ grade: 'refused' })
  })

  test('that cannot be shut is owed, and its password is scrambled all the same', async () => {
    const dn = 'cn=keyturn,ou=services,dc=corp,dc=example'
    const access = [
      ...'access to attrs=userPassword\n  by dn.exact="DN" manage\n  by anonymous auth'.replace('DN', dn).split('\n'),
      ...'access to attrs=pwdAccountLockedTime,pwdEndTime\n  by * read'.split('\n'),
      ...'access to *\n  by dn.exact="DN" manage'.replace('DN', dn).split('\n'),
    ]
    await using slapd = await startSlapd({ ppolicy: 'lockout', tls: false, access })
    await using connector = open(slapd)
    const context = new TestContext()
    const [person] = await create(connector, slapd, ['owed'], context)
    if (person === undefined) throw new Error('no account')
    expect(await signIn(slapd, person.address, context.initial.get(person.identity) ?? '')).toBe(true)
    const [outcome] = await connector.apply([person.disable('leaver')], context)
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'no-rights' } })
    expect(await signIn(slapd, person.address, context.initial.get(person.identity) ?? '')).toBe(false)
    const [account] = (await connector.read([{ nativeId: person.nativeId }], signal)).items
    if (account !== undefined) expect(await connector.prove(account, context)).toMatchObject({ grade: 'not-proven' })
  })
})
