import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Connection } from '../../../src/connectors/directory/connection.ts'
import { attributes, replaceValues } from '../../../src/connectors/directory/edits.ts'
import { LdapResultError } from '../../../src/connectors/directory/errors.ts'
import { equals } from '../../../src/connectors/directory/filters.ts'
import { readEntry, searchFew } from '../../../src/connectors/directory/search.ts'
import { startDs389 } from '../../servers/ds389.ts'
import { startSlapd } from '../../servers/slapd.ts'
import type { Slapd, SlapdOptions } from '../../servers/slapd.ts'
import { Person, TestContext } from './conformance/harness.ts'
import { administrator, open, signIn } from './ldap-harness.ts'

const { signal } = new AbortController()
const lockedForGood = '000001010000Z'

/** Somebody who is loaded with the server, and whose password is known. */
async function loaded(slapd: Slapd, name: string) {
  await using connector = open(slapd)
  const { items } = await connector.read([{ name, matches: [] }], signal)
  const person = Object.assign(new Person(name), { nativeId: items[0]?.nativeId, address: items[0]?.address })
  return { person, password: `password-of-${name}` }
}

async function stateOf(slapd: Slapd, dn: string): Promise<Readonly<Record<string, readonly string[]>>> {
  await using connection = await administrator(slapd)
  const names = ['pwdAccountLockedTime', 'pwdEndTime', 'shadowExpire']
  const entry = await readEntry(connection, dn, names)
  return Object.fromEntries(names.map((name) => [name, entry?.texts(name) ?? []]))
}

/** What the access log has of that entry: one list of attributes for each modification. */
async function modificationsOf(slapd: Slapd, dn: string): Promise<string[][]> {
  const service = { ...slapd, root: slapd.service }
  await using connection = await administrator(service)
  const spec = { base: 'cn=accesslog', scope: 'one', filter: equals('reqDN', dn), attributes: ['reqMod'] } as const
  const found = await searchFew(connection, spec)
  return found.map((entry) => [...new Set(entry.texts('reqMod').map((line) => line.split(':', 1)[0] ?? ''))])
}

describe('a leaver on OpenLDAP', () => {
  test.each<[string, SlapdOptions, number]>([
    ['that says why it refuses', { useLockout: true }, 1],
    // It is opened once, for the new password, which is known to nobody else, and shut again.
    ['that does not say why it refuses', {}, 3],
  ])('%s is shut, with a new password, by the first write', async (_, options, writes) => {
    await using slapd = await startSlapd({ ppolicy: 'lockout', accesslog: true, tls: false, people: 5, ...options })
    const { person, password } = await loaded(slapd, 'p0')
    await using connector = open(slapd)
    const context = new TestContext()
    expect(await connector.apply([person.disable('leaver')], context)).toMatchObject([{ result: 'done' }])
    expect(await signIn(slapd, person.address, password)).toBe(false)
    const modifications = await modificationsOf(slapd, person.address)
    expect(modifications).toHaveLength(writes)
    expect(modifications[0]).toEqual(expect.arrayContaining(['userPassword', 'pwdAccountLockedTime', 'pwdEndTime']))
    const { items } = await connector.read([{ nativeId: person.nativeId }], signal)
    expect(await connector.prove(items[0]!, context)).toMatchObject({ grade: 'refused' })
  })

  test('who has locked himself out for a while is shut for good by the first write', async () => {
    const policy = { ppolicy: 'lockout', useLockout: true } as const
    await using slapd = await startSlapd({ ...policy, accesslog: true, tls: false, people: 5 })
    const { person, password } = await loaded(slapd, 'p1')
    for (let n = 0; n < 6; n++) await signIn(slapd, person.address, 'a wrong password')
    expect((await stateOf(slapd, person.address))['pwdAccountLockedTime']).toHaveLength(1)
    const before = await modificationsOf(slapd, person.address)
    await using connector = open(slapd)
    expect(await connector.apply([person.disable('leaver')], new TestContext())).toMatchObject([{ result: 'done' }])
    expect(await stateOf(slapd, person.address)).toMatchObject({ pwdAccountLockedTime: [lockedForGood] })
    expect(await modificationsOf(slapd, person.address)).toHaveLength(before.length + 1)
    expect(await signIn(slapd, person.address, password)).toBe(false)
  })

  test('whose password may not be written is shut nevertheless, and what failed is told', async () => {
    const service = 'cn=keyturn,ou=services,dc=corp,dc=example'
    const access = [
      'access to attrs=userPassword by anonymous auth',
      `access to * by dn.exact="${service}" manage by users read`,
    ]
    await using slapd = await startSlapd({ ppolicy: 'lockout', useLockout: true, tls: false, people: 5, access })
    const { person, password } = await loaded(slapd, 'p2')
    expect(await signIn(slapd, person.address, password)).toBe(true)
    await using connector = open(slapd)
    const outcomes = await connector.apply([person.disable('leaver')], new TestContext())
    expect(outcomes).toMatchObject([{ result: 'failed', error: { code: 'no-rights' } }])
    expect(await stateOf(slapd, person.address)).toMatchObject({ pwdAccountLockedTime: [lockedForGood] })
    expect(await signIn(slapd, person.address, password)).toBe(false)
  })

  const hidden = 'set-by-another-hand'

  async function setPassword(slapd: Slapd, dn: string): Promise<void> {
    await using connection = await administrator(slapd)
    await connection.modify(dn, [replaceValues('userPassword', [hidden])])
  }

  async function unlock(slapd: Slapd, dn: string): Promise<void> {
    await using connection = await administrator(slapd)
    const locks = Object.entries(await stateOf(slapd, dn)).filter(([, values]) => values.length > 0)
    await connection.modify(
      dn,
      locks.map(([name]) => replaceValues(name, [])),
    )
  }

  test.each([true, false])(
    'keeps no password that somebody sets between the first write and the rest (useLockout %s)',
    async (useLockout) => {
      await using slapd = await startSlapd({ ppolicy: 'lockout', useLockout, tls: false, people: 5 })
      const { person } = await loaded(slapd, 'p2')
      await using connector = open(slapd)
      const context = new TestContext()
      expect(await connector.shut?.([person.disable('leaver')], context)).toEqual([true])
      await setPassword(slapd, person.address)
      expect(await connector.apply([person.disable('leaver')], context)).toMatchObject([{ result: 'done' }])
      await unlock(slapd, person.address)
      expect(await signIn(slapd, person.address, hidden)).toBe(false)
    },
  )

  test('keeps no password that somebody set after an earlier run, where the first write is refused as a whole', async () => {
    const policy = { ppolicy: 'lockout', useLockout: true, tls: false, people: 5 } as const
    await using slapd = await startSlapd(policy)
    const { person } = await loaded(slapd, 'p2')
    await using connector = open(slapd)
    expect(await connector.shut?.([person.disable('leaver')], new TestContext())).toEqual([true])
    await unlock(slapd, person.address)
    await setPassword(slapd, person.address)
    const refusal = new LdapResultError(19, 'planted')
    const modify = vi.spyOn(Connection.prototype, 'modify').mockRejectedValueOnce(refusal)
    onTestFinished(() => modify.mockRestore())
    const second = new TestContext()
    expect(await connector.shut?.([person.disable('leaver')], second)).toEqual([true])
    expect(await connector.apply([person.disable('leaver')], second)).toMatchObject([{ result: 'done' }])
    await unlock(slapd, person.address)
    expect(await signIn(slapd, person.address, hidden)).toBe(false)
  })

  test('is shut again where somebody opens the account between the first write and the rest', async () => {
    await using slapd = await startSlapd({ ppolicy: 'lockout', useLockout: true, tls: false, people: 5 })
    const { person } = await loaded(slapd, 'p2')
    await using connector = open(slapd)
    const context = new TestContext()
    expect(await connector.shut?.([person.disable('leaver')], context)).toEqual([true])
    await unlock(slapd, person.address)
    expect(await connector.apply([person.disable('leaver')], context)).toMatchObject([{ result: 'done' }])
    const { items } = await connector.read([{ nativeId: person.nativeId }], signal)
    expect(items).toMatchObject([{ enabled: false }])
    expect(await connector.prove(items[0]!, context)).toMatchObject({ grade: 'refused' })
  })

  test('a hundred of them at once are shut and proven', async () => {
    await using slapd = await startSlapd({ ppolicy: 'lockout', useLockout: true, people: 100 })
    await using connector = open(slapd)
    const context = new TestContext()
    const { items } = await connector.read('all', signal)
    const people = items.map(({ name, nativeId, address }) => Object.assign(new Person(name), { nativeId, address }))
    const outcomes = await connector.apply(
      people.map((one) => one.disable('leaver')),
      context,
    )
    expect(outcomes.every(({ result }) => result === 'done')).toBe(true)
    const after = await connector.read(
      people.map(({ nativeId }) => ({ nativeId })),
      signal,
    )
    expect(after.items).toHaveLength(100)
    const proofs = await Promise.all(after.items.map((account) => connector.prove(account, context)))
    expect(new Set(proofs.map(({ grade }) => grade))).toEqual(new Set(['refused']))
  })
})

describe('memberships of many accounts', () => {
  const members = (name: string, some: readonly string[]) =>
    `dn: cn=${name},ou=groups,dc=corp,dc=example\nobjectClass: groupOfNames\ncn: ${name}\n${some.map((uid) => `member: uid=${uid},ou=people,dc=corp,dc=example\n`).join('')}\n`
  const everybody = Array.from({ length: 150 }, (_, n) => `p${n}`)

  test('are read together, and are those of each', async () => {
    const entries = [members('all', everybody), members('few', ['p3', 'p149']), members('strange', ['nobody'])]
    await using slapd = await startSlapd({ tls: false, people: 150, entries })
    await using connector = open(slapd)
    const held = async (names: readonly string[]) => {
      const snapshot = await connector.read(
        names.map((name) => ({ name, matches: [] })),
        signal,
      )
      return Object.fromEntries(snapshot.items.map(({ name, entitlements }) => [name, entitlements.toSorted()]))
    }
    const expected = everybody.map((name) => [name, name === 'p3' || name === 'p149' ? ['all', 'few'] : ['all']])
    expect(await held(everybody)).toEqual(Object.fromEntries(expected))
    expect(await held(['p3'])).toEqual({ p3: ['all', 'few'] })
  })

  test('are those of each on a server that cannot pick values, too', async () => {
    await using server = await startDs389()
    await using connector = open(server)
    const people = ['one', 'two', 'three'].map((name) => new Person(name))
    const context = new TestContext()
    const made = await connector.apply(
      people.map((person) => person.create(server.people)),
      context,
    )
    const refs = made.map(({ account }) => ({ nativeId: account?.nativeId ?? '' }))
    const none = await connector.read(refs, signal)
    expect(none.items.map(({ entitlements }) => entitlements)).toEqual([[], [], []])
    await using connection = await administrator(server)
    const member = made.slice(0, 2).map(({ account }) => account?.address ?? '')
    await connection.add(
      `cn=team,${server.groups}`,
      attributes({ objectClass: ['groupOfNames'], cn: ['team'], member }),
    )
    await connector.catalogue(signal)
    const some = await connector.read(refs, signal)
    const held = Object.fromEntries(some.items.map(({ name, entitlements }) => [name, entitlements]))
    expect(held).toEqual({ one: ['team'], two: ['team'], three: [] })
  })
})
