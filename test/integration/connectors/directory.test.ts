import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Connection } from '../../../src/connectors/directory/connection.ts'
import { present } from '../../../src/connectors/directory/filters.ts'
import { Pool, signIn } from '../../../src/connectors/directory/pool.ts'
import { readEntry, searchAll } from '../../../src/connectors/directory/search.ts'
import type { DirectorySettings } from '../../../src/model/settings.ts'
import { startProxy } from '../../servers/proxy.ts'
import type { Proxy } from '../../servers/proxy.ts'
import { startSlapd } from '../../servers/slapd.ts'
import type { Slapd } from '../../servers/slapd.ts'
import { ldapSettings, silent } from './ldap-harness.ts'

let slapd: Slapd

beforeAll(async () => {
  slapd = await startSlapd()
})

afterAll(async () => {
  await slapd[Symbol.asyncDispose]()
})

const access = (more: Partial<DirectorySettings> = {}, password = slapd.service.password) => ({
  settings: ldapSettings(slapd, more),
  secrets: { resolve: async () => password },
  logger: silent,
})

/** The same server behind something that can cut. */
const before = () => startProxy(Number(new URL(slapd.url).port))
const through = (proxy: Proxy) => `ldaps://localhost:${proxy.port}`

describe('a connection', () => {
  test('to a certificate for another name is refused', async () => {
    const settings = ldapSettings(slapd, { tls: { ca: slapd.ca ?? '', servername: 'other.corp.example' } })
    await expect(Connection.open(settings)).rejects.toMatchObject({ code: 'platform-untrusted' })
  })

  test('to a certificate that an unknown authority signed says what to configure', async () => {
    await expect(Connection.open(ldapSettings(slapd, { tls: {} }))).rejects.toMatchObject({
      code: 'platform-untrusted',
      hint: expect.stringContaining('tls.ca') as string,
    })
  })

  test('by address is checked against the addresses in the certificate', async () => {
    const url = slapd.url.replace('localhost', '127.0.0.1')
    await using connection = await Connection.open(ldapSettings(slapd, { url }))
    expect(connection.secure).toBe(true)
  })

  test('with TLS to a port that speaks plain LDAP fails within the time limit', async () => {
    const settings = ldapSettings(slapd, {
      url: slapd.plainUrl.replace('ldap:', 'ldaps:'),
      timeouts: { connect: 500, request: 500 },
    })
    await expect(Connection.open(settings)).rejects.toMatchObject({
      code: expect.stringMatching(/^platform-/) as string,
    })
  })

  test('to a machine without TLS needs the word of an admin', async () => {
    const settings = ldapSettings(slapd, { url: 'ldap://192.0.2.1' })
    await expect(Connection.open(settings)).rejects.toMatchObject({ code: 'insecure' })
  })

  test('never signs in with an empty password, which servers take for an anonymous sign-in', async () => {
    await using connection = await Connection.open(ldapSettings(slapd))
    await expect(connection.bind(slapd.service.dn, '')).rejects.toMatchObject({ code: 'platform-sign-in-refused' })
  })

  test('to a server that accepts and says nothing ends at the time limit', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const settings = ldapSettings(slapd, { url: `ldap://127.0.0.1:${port}`, timeouts: { connect: 200, request: 200 } })
    await using connection = await Connection.open(settings)
    await expect(connection.bind('cn=x', 'y')).rejects.toMatchObject({ code: 'platform-unreachable' })
    expect(connection.alive).toBe(false)
    server.close()
  })

  test('to a server that does not speak LDAP says so', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await using connection = await Connection.open(ldapSettings(slapd, { url: `ldap://127.0.0.1:${port}` }))
    await expect(connection.bind('cn=x', 'y')).rejects.toThrow(/not LDAP/)
    server.close()
  })

  test('that was cut never comes back by itself, and all its requests fail', async () => {
    await using proxy = await before()
    const url = through(proxy)
    const connection = await signIn(access({ url }))
    const reads = Array.from({ length: 20 }, () => readEntry(connection, slapd.base, ['*']))
    proxy.cut()
    const ends = await Promise.allSettled(reads)
    expect(ends.every((end) => end.status === 'rejected')).toBe(true)
    await expect(readEntry(connection, slapd.base, ['*'])).rejects.toMatchObject({ code: 'platform-unreachable' })
    expect(proxy.opened).toBe(1)
  })

  test('has handed a request over before the turn ends in which it is made, so that what was asked right before still holds', async () => {
    await using connection = await signIn(access())
    const gone = connection.delete(`uid=nobody,${slapd.people}`)
    expect(connection.inFlight).toBe(1)
    await expect(gone).rejects.toMatchObject({ code: 32 })
  })

  test('carries a thousand requests at once, each with its own answer', async () => {
    await using connection = await signIn(access())
    const places = [slapd.base, slapd.people, slapd.groups, slapd.leavers]
    const asked = Array.from({ length: 1_000 }, (_, n) => places[n % places.length] ?? '')
    const entries = await Promise.all(asked.map((dn) => readEntry(connection, dn, ['1.1'])))
    expect(entries.map((entry) => entry?.dn)).toEqual(asked)
  })
})

describe('a pool', () => {
  test('tries a wrong password once, however many ask for a connection', async () => {
    await using proxy = await before()
    const url = through(proxy)
    await using pool = new Pool(access({ url }, 'wrong'))
    const tries = Array.from({ length: 64 }, () => pool.use((connection) => readEntry(connection, slapd.base, ['1.1'])))
    const ends = await Promise.allSettled(tries)
    expect(ends).toHaveLength(64)
    for (const end of ends)
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'platform-sign-in-refused' } })
    expect(proxy.opened).toBe(1)
  })

  test('replaces a connection that was cut', async () => {
    await using proxy = await before()
    const url = through(proxy)
    await using pool = new Pool(access({ url }))
    const read = () => pool.use((connection) => readEntry(connection, slapd.base, ['1.1']))
    expect((await read())?.dn).toBe(slapd.base)
    proxy.cut()
    await expect.poll(async () => (await read().catch(() => undefined))?.dn).toBe(slapd.base)
    expect(proxy.opened).toBe(2)
  })

  test('keeps a connection whose request the server refused', async () => {
    await using proxy = await before()
    const url = through(proxy)
    await using pool = new Pool(access({ url }))
    await expect(pool.use((connection) => connection.delete(`uid=nobody,${slapd.people}`))).rejects.toMatchObject({
      code: 32,
    })
    await pool.use((connection) => readEntry(connection, slapd.base, ['1.1']))
    expect(proxy.opened).toBe(1)
  })

  test('opens a second connection only when the first is busy', async () => {
    await using proxy = await before()
    const url = through(proxy)
    await using pool = new Pool(access({ url }))
    await pool.use((connection) => readEntry(connection, slapd.base, ['1.1']))
    expect(proxy.opened).toBe(1)
    await Promise.all(
      Array.from({ length: 500 }, () => pool.use((connection) => readEntry(connection, slapd.base, ['*', '+']))),
    )
    expect(proxy.opened).toBe(2)
  })
})

describe('a search', () => {
  test('over more pages than one gives everything once, and stops at the signal', async () => {
    const entries = Array.from({ length: 2_500 }, (_, n) => {
      return `dn: uid=p${n},ou=people,dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: p${n}\ncn: P\nsn: P\n\n`
    })
    await using large = await startSlapd({ entries })
    await using connection = await signIn({ ...access(), settings: ldapSettings(large) })
    const spec = { base: large.people, scope: 'one', filter: present('uid'), attributes: ['uid'] } as const
    const seen = new Set<string>()
    await searchAll(connection, spec, (entry) => seen.add(entry.text('UID') ?? ''))
    expect(seen.size).toBe(2_500)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(searchAll(connection, spec, () => undefined, signal)).rejects.toThrow('enough')
  })

  test('that runs into the size limit of the server is an error, not a short answer', async () => {
    const entries = Array.from({ length: 50 }, (_, n) => {
      return `dn: uid=p${n},ou=people,dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: p${n}\ncn: P\nsn: P\n\n`
    })
    const limits = [`limits dn.exact="${slapd.service.dn}" size=10`]
    await using small = await startSlapd({ entries, configuration: limits, unlimited: false })
    await using connection = await signIn({ ...access(), settings: ldapSettings(small) })
    const spec = { base: small.people, scope: 'one', filter: present('uid'), attributes: ['uid'] } as const
    await expect(searchAll(connection, spec, () => undefined)).rejects.toMatchObject({ code: 4 })
  })
})
