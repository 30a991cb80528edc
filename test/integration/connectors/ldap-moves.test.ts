// A move on a server that keeps no references right: groups hold addresses, and follow by the connector's own hand.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attributes } from '../../../src/connectors/directory/edits.ts'
import { readEntry } from '../../../src/connectors/directory/search.ts'
import type { Connector } from '../../../src/model/connector.ts'
import { startSlapd } from '../../servers/slapd.ts'
import type { Slapd } from '../../servers/slapd.ts'
import { Person, TestContext } from './conformance/harness.ts'
import { administrator, open } from './ldap-harness.ts'

let slapd: Slapd
let connector: Connector

beforeAll(async () => {
  slapd = await startSlapd({ tls: false })
  await using connection = await administrator(slapd)
  for (const name of ['crm', 'press'])
    await connection.add(
      `cn=${name},${slapd.groups}`,
      attributes({ objectClass: ['groupOfNames'], cn: [name], member: ['cn=nobody'] }),
    )
  connector = open(slapd)
})

afterAll(async () => {
  await connector[Symbol.asyncDispose]()
  await slapd[Symbol.asyncDispose]()
})

/** An account in both groups. */
async function member(name: string): Promise<Person> {
  const person = new Person(name)
  const [made] = await connector.apply([person.create(slapd.people)], new TestContext())
  Object.assign(person, { nativeId: made?.account?.nativeId, address: made?.account?.address })
  const granted = await connector.apply([person.grant('crm'), person.grant('press')], new TestContext())
  expect(granted).toMatchObject([{ result: 'done' }, { result: 'done' }])
  return person
}

async function valuesOf(dn: string, attribute: string): Promise<readonly string[]> {
  await using connection = await administrator(slapd)
  return (await readEntry(connection, dn, [attribute]))?.texts(attribute) ?? []
}

const membersOf = (group: string) => valuesOf(`cn=${group},${slapd.groups}`, 'member')
const elsewhere = (name: string) => `uid=${name},${slapd.leavers}`

test('what is taken away is taken before the account goes elsewhere; what it keeps follows', async () => {
  const person = await member('goes')
  const changes = [person.relocate('move', slapd.people, slapd.leavers), person.revoke('crm')]
  expect(await connector.apply(changes, new TestContext())).toMatchObject([{ result: 'done' }, { result: 'done' }])
  expect(await membersOf('crm')).toEqual(['cn=nobody'])
  expect(await membersOf('press')).toEqual(['cn=nobody', elsewhere('goes')])
  // Change sequence numbers, which slapd gives in the order of the writes.
  const [group] = await valuesOf(`cn=crm,${slapd.groups}`, 'entryCSN')
  const [account] = await valuesOf(elsewhere('goes'), 'entryCSN')
  expect((group ?? '') < (account ?? '')).toBe(true)
})

test('an account that whoever was killed has moved already is followed by its groups all the same', async () => {
  const person = await member('went')
  {
    await using connection = await administrator(slapd)
    await connection.rename(person.address, 'uid=went', slapd.leavers)
  }
  expect(await membersOf('crm')).toContain(person.address)
  const move = person.relocate('move', slapd.people, slapd.leavers)
  expect(await connector.apply([move], new TestContext())).toMatchObject([{ result: 'already' }])
  for (const group of ['crm', 'press']) {
    expect(await membersOf(group)).toContain(elsewhere('went'))
    expect(await membersOf(group)).not.toContain(person.address)
  }
})

test('so is one that was given another name', async () => {
  const person = await member('before')
  const after = `uid=after,${slapd.people}`
  {
    await using connection = await administrator(slapd)
    await connection.rename(person.address, 'uid=after', slapd.people)
  }
  const rename = person.relocate('rename', 'before', 'after')
  expect(await connector.apply([rename], new TestContext())).toMatchObject([{ result: 'already' }])
  for (const group of ['crm', 'press']) {
    expect(await membersOf(group)).toContain(after)
    expect(await membersOf(group)).not.toContain(person.address)
  }
})
