import { Attribute, Change as Edit } from 'ldapts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { replaceValues } from '../../../src/connectors/directory/edits.ts'
import { startDs389 } from '../../servers/ds389.ts'
import { startProxy } from '../../servers/proxy.ts'
import { startSlapd } from '../../servers/slapd.ts'
import * as domains from './active-directory-setup.ts'
import type { TestDomain } from './active-directory-setup.ts'
import { Person, TestContext } from './conformance/harness.ts'
import { administrator, open } from './ldap-harness.ts'
import type { LdapServer } from '../../servers/ldap-server.ts'

const { signal } = new AbortController()
/** Directories keep whole seconds. */
const aMomentAgo = () => expect.toSatisfy((at: number) => Math.abs(Date.now() - at) < 60_000) as number

/** An account that was made and shut by Keyturn. */
async function leaver(server: LdapServer, name: string): Promise<Person> {
  await using connector = open(server)
  const person = new Person(name)
  const context = new TestContext()
  const [made] = await connector.apply([person.create(server.people)], context)
  Object.assign(person, { nativeId: made?.account?.nativeId, address: made?.account?.address })
  expect(await connector.apply([person.disable('leaver')], context)).toMatchObject([{ result: 'done' }])
  return person
}

async function byHand(server: LdapServer, address: string, values: Readonly<Record<string, string[]>>): Promise<void> {
  await using connection = await administrator(server)
  const edits = Object.entries(values).map(([name, value]) => replaceValues(name, value))
  await connection.modify(address, edits)
}

describe('who changed an account last, on OpenLDAP', () => {
  test('is who opened it, although another hand changed something else since, where the access log can be read', async () => {
    await using slapd = await startSlapd({ ppolicy: 'lockout', accesslog: true, tls: false })
    const ann = await leaver(slapd, 'ann')
    await using connector = open(slapd)
    const ours = { by: slapd.service.dn, at: aMomentAgo(), source: 'accesslog' }
    expect(await connector.lastChange?.(ann.nativeId, signal)).toEqual(ours)
    await byHand(slapd, ann.address, { pwdAccountLockedTime: [], pwdEndTime: [] })
    await connector.apply([ann.update('title', ['Engineer'], ['Director'])], new TestContext())
    expect(await connector.lastChange?.(ann.nativeId, signal)).toEqual({ ...ours, by: slapd.root.dn })
  })

  test('is who changed anything of it, without an access log, or where it may not be read', async () => {
    for (const accesslog of [false, true]) {
      await using slapd = await startSlapd({ ppolicy: 'lockout', accesslog, tls: false })
      const secretive = { ...slapd, service: slapd.root }
      const ann = await leaver(slapd, 'ann')
      await byHand(slapd, ann.address, { pwdAccountLockedTime: [], pwdEndTime: [] })
      await using connector = open(secretive)
      const last = { by: slapd.root.dn, at: aMomentAgo(), source: 'modifiersName' }
      expect(await connector.lastChange?.(ann.nativeId, signal)).toEqual(last)
      expect(await connector.lastChange?.(crypto.randomUUID(), signal)).toBeNull()
    }
  })
})

test('who changed an account last, on 389 Directory Server, is told by the entry', async () => {
  await using server = await startDs389()
  const ann = await leaver(server, 'ann')
  await using connector = open(server)
  const last = { by: server.service.dn, at: aMomentAgo(), source: 'modifiersName' }
  expect(await connector.lastChange?.(ann.nativeId, signal)).toEqual(last)
  await byHand(server, ann.address, { nsAccountLock: [] })
  expect(await connector.lastChange?.(ann.nativeId, signal)).toEqual({ ...last, by: server.root.dn })
  expect(await connector.lastChange?.('00000000-00000000-00000000-00000000', signal)).toBeNull()
})

describe('on Active Directory', () => {
  let domain: TestDomain
  beforeAll(async () => {
    domain = await domains.startDomain()
  })
  afterAll(() => domain[Symbol.asyncDispose]())

  test('an account was changed last when its flags were, on a domain controller, by nobody by name', async () => {
    const [account] = await domains.make(domain, ['ann.last'])
    if (account === undefined) throw new Error('no account')
    const { connector, client } = domain
    const before = await connector.lastChange?.(account.nativeId, signal)
    expect(before).toMatchObject({ by: null, at: aMomentAgo() })
    expect(before?.source).toMatch(/userAccountControl.*CN=DC1,/)
    const later = new Edit({ operation: 'replace', modification: new Attribute({ type: 'title', values: ['X'] }) })
    await client.modify(account.address, later)
    expect(await connector.lastChange?.(account.nativeId, signal)).toEqual(before)
  })

  test('nothing is told of an account that is not there', async () => {
    expect(await domain.connector.lastChange?.(crypto.randomUUID(), signal)).toBeNull()
  })

  test('a connection that was cut without a word does not keep a leaver waiting', async () => {
    const [account] = await domains.make(domain, ['cut.leaver'])
    if (account === undefined) throw new Error('no account')
    await using proxy = await startProxy(636, { host: domain.samba.address })
    const timeouts = { connect: 60_000, request: 600_000 }
    const settings = { ...domain.settings, url: `ldaps://127.0.0.1:${proxy.port}`, timeouts }
    await using connector = domains.open(settings, domain.samba)
    const refs = [{ nativeId: account.nativeId }]
    await connector.read(refs, signal)
    proxy.silence()
    expect(await connector.read(refs, signal)).toMatchObject({ complete: true, items: [{ enabled: true }] })
    proxy.silence()
    const context = domains.context()
    const about = domains.about('cut.leaver', account.nativeId)
    expect(await connector.apply([{ ...about, kind: 'disable', protocol: 'leaver' }], context)).toMatchObject([
      { result: 'done' },
    ])
    const [shut] = (await connector.read(refs, signal)).items
    expect(shut === undefined ? null : await connector.prove(shut, context)).toMatchObject({
      grade: 'refused',
      dataCode: '533',
    })
  })

  test('a probe signs in', async () => {
    await expect(domain.connector.probe?.(signal)).resolves.toBeUndefined()
    await using stranger = domains.open(domain.settings, domain.samba, 'not the password')
    await expect(stranger.probe?.(signal)).rejects.toMatchObject({ code: 'platform-sign-in-refused' })
  })
})
