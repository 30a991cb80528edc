import { openLdap } from '../../../src/connectors/ldap/index.ts'
import { Connection } from '../../../src/connectors/directory/connection.ts'
import { addValues, attributes, replaceValues } from '../../../src/connectors/directory/edits.ts'
import { LdapResultError } from '../../../src/connectors/directory/errors.ts'
import { readEntry } from '../../../src/connectors/directory/search.ts'
import type { Connector } from '../../../src/model/connector.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import type { Logger, Secrets } from '../../../src/model/ports.ts'
import type { DirectorySchema, DirectorySettings } from '../../../src/model/settings.ts'
import type { LdapServer } from '../../servers/ldap-server.ts'
import { startProxy } from '../../servers/proxy.ts'
import type { Fault, Harness } from './conformance.ts'

const place = { file: 'keyturn.yaml', line: 1 }
const attribute = { value: { text: '""', place }, write: 'always', empty: 'clear' } as const

export const schema: DirectorySchema = {
  objectClasses: ['inetOrgPerson'],
  nameAttribute: 'uid',
  rdnAttribute: 'uid',
  placeholder: 'cn=nobody',
}

/** Settings as `config/` makes them, for a server of the tests. */
export function ldapSettings(server: LdapServer, more: Partial<DirectorySettings> = {}): DirectorySettings {
  return {
    id: 'corp',
    kind: 'ldap',
    url: server.url,
    insecure: false,
    bind: { dn: server.service.dn, password: 'env:SERVICE' },
    tls: server.ca === undefined ? {} : { ca: server.ca },
    base: server.base,
    timeouts: { connect: 3_000, request: 10_000 },
    schema,
    mode: { revoke: 'full', create: 'full', attributes: 'full', entitlements: 'full' },
    accounts: {
      match: [{ account: 'employeeNumber', person: 'key', then: 'link', place }],
      name: [],
      container: { text: server.people, fixed: true, place },
      attributes: { employeeNumber: attribute, displayName: attribute, title: attribute, manager: attribute },
    },
    entitlements: { under: [{ dn: server.groups, place }], named: {} },
    leaver: { strip: 'all', keep: [], cleanupAfter: 0, deleteAfter: 'never' },
    password: { readable: false, mustChange: false },
    limits: { concurrency: 8 },
    retry: { revoke: { first: 1_000, most: 60_000 }, change: { first: 1_000, most: 60_000, attempts: 5 } },
    objectives: { revoke: 60_000 },
    place,
    ...more,
  }
}

export const silent: Logger = { debug: nothing, info: nothing, change: nothing, warn: nothing, error: nothing }

function nothing(): void {
  // Logs are no part of these tests.
}

export function open(
  server: LdapServer,
  more: Partial<DirectorySettings> = {},
  secret = server.service.password,
): Connector {
  const secrets: Secrets = { resolve: async () => secret }
  return openLdap(ldapSettings(server, more), { secrets, logger: silent, clock: Date.now })
}

/** A connection of another hand: the administrator of the server. */
export async function administrator(server: LdapServer): Promise<Connection> {
  const connection = await Connection.open(ldapSettings(server))
  await connection.bind(server.root.dn, server.root.password)
  return connection
}

async function asRoot<T>(server: LdapServer, work: (connection: Connection) => Promise<T>): Promise<T> {
  await using connection = await administrator(server)
  return await work(connection)
}

/** Signs in as somebody, on a connection of its own. */
export async function signIn(server: LdapServer, dn: string, password: string): Promise<boolean> {
  await using connection = await Connection.open(ldapSettings(server))
  try {
    await connection.bind(dn, password)
    return true
  } catch (error) {
    if (error instanceof LdapResultError || error instanceof KeyturnError) return false
    throw error
  }
}

const awkwardNames = ["o'neill", 'smith, ann', 'quo"te', 'plus+one', '#lead', 'back\\slash', 'a=b', 'x'.repeat(60)]

export interface LdapHarnessOptions {
  readonly server: LdapServer & AsyncDisposable
  readonly settings?: Partial<DirectorySettings>
  /** How an administrator shuts an account here by hand. */
  readonly shutByHand: Readonly<Record<string, string>>
  readonly groupClass?: 'groupOfNames' | 'groupOfUniqueNames' | 'posixGroup'
  readonly hasKeys?: boolean
  readonly asciiNames?: boolean
}

export function ldapHarness(options: LdapHarnessOptions): Harness {
  const { server, groupClass = 'groupOfNames' } = options
  const memberAttribute = { groupOfNames: 'member', groupOfUniqueNames: 'uniqueMember', posixGroup: 'memberUid' }[
    groupClass
  ]
  const groupDn = (name: string): string => `cn=${name},${server.groups}`
  const memberOf = (address: string): string =>
    groupClass === 'posixGroup' ? (/^uid=([^,]+)/.exec(address)?.[1] ?? '') : address
  const stranger = (n: number): string => memberOf(`uid=stranger-${n},ou=elsewhere,${server.base}`)
  const base = options.settings ?? {}
  return {
    people: server.people,
    elsewhere: server.leavers,
    // memberUid (RFC 2307) holds ASCII only, and so does uid where the 7-bit check of 389 Directory Server is on.
    awkwardNames: [
      ...awkwardNames,
      ...(groupClass === 'posixGroup' || options.asciiNames === true ? [] : ['o’neill', '李小龍', 'łukasz']),
    ],
    refusedValue: { attribute: 'manager', value: 'this is no DN' },
    bestProof: 'refused',
    connect: (fault) => connect(server, base, fault),
    makeGroup: (name, strangers = 0) =>
      asRoot(server, async (connection) => {
        const members = Array.from({ length: strangers }, (_, n) => stranger(n))
        const filled = groupClass === 'posixGroup' || members.length > 0 ? members : [schema.placeholder ?? '']
        const gid = groupClass === 'posixGroup' ? { gidNumber: ['500'] } : {}
        const values = { objectClass: [groupClass], cn: [name], ...gid, [memberAttribute]: filled }
        await connection.add(groupDn(name), attributes(values))
      }),
    membersOf: (name, addresses) =>
      asRoot(server, async (connection) => {
        const held = (await readEntry(connection, groupDn(name), [memberAttribute]))?.texts(memberAttribute) ?? []
        const real = held.filter((value) => value !== schema.placeholder)
        return { count: real.length, among: addresses.filter((address) => real.includes(memberOf(address))) }
      }),
    addMemberByHand: (name, address) =>
      asRoot(server, async (connection) => {
        await connection.modify(groupDn(name), [addValues(memberAttribute, [memberOf(address)])])
      }),
    signIn: (address, password) => signIn(server, address, password),
    disableByHand: (address) =>
      asRoot(server, async (connection) => {
        const edits = Object.entries(options.shutByHand).map(([name, value]) => replaceValues(name, [value]))
        await connection.modify(address, edits)
      }),
    ...(options.hasKeys === true ? { credentials: keys(server) } : {}),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function connect(server: LdapServer, settings: Partial<DirectorySettings>, fault?: Fault): Promise<Connector> {
  if (fault === undefined) return open(server, settings)
  if (fault === 'wrong-password') return open(server, settings, 'not the password')
  if (fault === 'untrusted') return open(server, { ...settings, tls: {} })
  if (fault === 'down') return open(server, { ...settings, url: 'ldap://127.0.0.1:1' })
  const url = new URL(server.url)
  const proxy = await startProxy(Number(url.port))
  proxy.cutAfter(fault.cutAfter)
  const connector = open(server, { ...settings, url: `${url.protocol}//localhost:${proxy.port}` })
  const close = connector[Symbol.asyncDispose].bind(connector)
  return Object.assign(connector, {
    [Symbol.asyncDispose]: async () => {
      await close()
      await proxy[Symbol.asyncDispose]()
    },
  })
}

function keys(server: LdapServer): NonNullable<Harness['credentials']> {
  const held = ['sshPublicKey', 'userCertificate;binary', 'userPKCS12']
  return {
    plant: (address) =>
      asRoot(server, async (connection) => {
        await connection.modify(address, [
          addValues('objectClass', ['ldapPublicKey']),
          addValues('sshPublicKey', ['ssh-ed25519 AAAA one', 'ssh-ed25519 AAAA two']),
          addValues('userPKCS12', [Buffer.from([0x30, 0x82, 0xff, 0x00])]),
        ])
      }),
    count: (address) =>
      asRoot(server, async (connection) => {
        const entry = await readEntry(connection, address, held)
        return held.reduce((sum, name) => sum + (entry?.buffers(name).length ?? 0), 0)
      }),
  }
}
