import { LdapResultError } from '../../../src/connectors/directory/errors.ts'
import type { Connector } from '../../../src/model/connector.ts'
import { startProxy } from '../../servers/proxy.ts'
import {
  add,
  addGroup,
  addMembers,
  leavers,
  lookUp,
  open,
  replace,
  roles,
  staff,
  startDomain,
} from './active-directory-setup.ts'
import type { TestDomain } from './active-directory-setup.ts'
import { conformance } from './conformance.ts'
import type { Fault, Harness } from './conformance.ts'
import { Connection } from '../../../src/connectors/directory/connection.ts'

conformance('Active Directory', async () => harnessOf(await startDomain()))

function harnessOf(domain: TestDomain): Harness {
  const { client, settings } = domain
  const strangers: string[] = []
  return {
    people: staff,
    elsewhere: leavers,
    awkwardNames: [
      "o'neill",
      'smith ann',
      '#lead',
      'a&b',
      'ann(2)',
      'x'.repeat(20),
      '-dash-',
      'łukasz',
      '李小龍',
      '1234',
    ],
    refusedValue: { attribute: 'manager', value: 'this is no DN' },
    bestProof: 'refused',
    connect: (fault) => connect(domain, fault),
    makeGroup: async (name, count = 0) => {
      const dn = await addGroup(client, name)
      const missing = Array.from({ length: count }, (_, n) => `CN=stranger ${n},${roles}`).slice(strangers.length)
      await Promise.all(missing.map((stranger) => add(client, stranger, { objectClass: 'contact' })))
      strangers.push(...missing)
      if (count > 0) await addMembers(client, dn, strangers.slice(0, count))
    },
    membersOf: async (name, addresses) => {
      const { member } = await lookUp(client, `CN=${name},${roles}`, 'member')
      const members = new Set([member ?? []].flat().map(String))
      return { count: members.size, among: addresses.filter((address) => members.has(address)) }
    },
    addMemberByHand: (name, address) => addMembers(client, `CN=${name},${roles}`, [address]),
    signIn: async (address, password) => {
      await using connection = await Connection.open(settings)
      try {
        await connection.bind(address, password)
        return true
      } catch (error) {
        if (error instanceof LdapResultError) return false
        throw error
      }
    },
    disableByHand: (address) => replace(client, address, 'userAccountControl', '514'),
    credentials: {
      plant: async (address) => {
        await replace(client, address, 'servicePrincipalName', 'http/one', 'http/two')
        await replace(client, address, 'altSecurityIdentities', 'SSHKEY:ssh-ed25519 AAAA')
        await replace(client, address, 'scriptPath', 'logon.cmd')
      },
      count: async (address) => {
        const held = ['servicePrincipalName', 'altSecurityIdentities', 'scriptPath']
        const entry = await lookUp(client, address, ...held)
        return held.flatMap((name) => entry[name] ?? []).length
      },
    },
    [Symbol.asyncDispose]: () => domain[Symbol.asyncDispose](),
  }
}

async function connect({ samba, settings }: TestDomain, fault?: Fault): Promise<Connector> {
  if (fault === undefined) return open(settings, samba)
  if (fault === 'wrong-password') return open(settings, samba, 'not the password')
  if (fault === 'untrusted') return open({ ...settings, tls: { servername: samba.servername } }, samba)
  if (fault === 'down') return open({ ...settings, url: 'ldaps://127.0.0.1:1' }, samba)
  const proxy = await startProxy(636, { host: samba.address })
  proxy.cutAfter(fault.cutAfter)
  const connector = open({ ...settings, url: `ldaps://127.0.0.1:${proxy.port}` }, samba)
  const close = connector[Symbol.asyncDispose].bind(connector)
  return Object.assign(connector, {
    [Symbol.asyncDispose]: async () => {
      await close()
      await proxy[Symbol.asyncDispose]()
    },
  })
}
