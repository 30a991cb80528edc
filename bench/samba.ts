// First load into a Samba Active Directory domain controller, against a client that sends the same additions one by one and
// then one modification per group. The server needs most of the time (it hashes every password several ways).
import { Attribute, Change, Client } from 'ldapts'
import { startSamba } from '../test/servers/samba.ts'
import type { Samba } from '../test/servers/samba.ts'
import type { Entry } from './pipeline.ts'
import { median, perSecond, say } from './report.ts'
import type { Measurement } from './report.ts'
import { accounts, groups, makeWorld, workforce } from './world.ts'

const people = 300
const rounds = 3

export async function benchSamba(): Promise<readonly Measurement[]> {
  const ours: number[] = []
  const limits: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const { took, made } = await loadByKeyturn()
    ours.push(took)
    limits.push(await loadSerially(made))
    say(`samba ${round}/${rounds}: keyturn ${took.toFixed(0)} ms, limit ${limits.at(-1)?.toFixed(0)} ms`)
  }
  const ratio = median(limits) / median(ours)
  return [
    {
      what: `first load of ${people} people into Samba AD`,
      figure: perSecond(people, median(ours), 'people'),
      limit: perSecond(people, median(limits), 'people'),
      ratio: ratio.toFixed(2),
      target: '0.90',
      met: ratio >= 0.9,
      note: `medians of ${rounds}; the limit is a serial client with one modification per group`,
    },
  ]
}

interface Made {
  readonly entries: readonly Entry[]
  readonly memberships: readonly (readonly [string, readonly string[]])[]
}

const containers = (samba: Samba) => ({ staff: `OU=Staff,${samba.base}`, roles: `OU=Roles,${samba.base}` })

async function prepare(samba: Samba): Promise<Client> {
  const { staff, roles } = containers(samba)
  const client = await samba.client()
  for (const dn of [staff, roles]) await client.add(dn, { objectClass: 'organizationalUnit' })
  for (const name of groups) await client.add(`CN=${name},${roles}`, { objectClass: 'group', sAMAccountName: name })
  return client
}

async function loadByKeyturn(): Promise<{ took: number; made: Made }> {
  await using samba = await startSamba()
  const { staff, roles } = containers(samba)
  const client = await prepare(samba)
  try {
    await using world = await makeWorld(workforce(people), samba.administrator.password)
    await world.configure({
      kind: 'active-directory',
      url: samba.url,
      tls: { ca: samba.ca, servername: samba.servername },
      bind: { dn: samba.administrator.dn, password: 'env:DIRECTORY_PASSWORD' },
      base: samba.base,
      accounts: { ...accounts, container: staff },
      entitlements: { under: [roles] },
    })
    const { took } = await world.keyturn(['apply'], 0)
    return { took, made: await read(client, staff, roles) }
  } finally {
    await client.unbind()
  }
}

/** What Keyturn has made: the attributes that it wrote, and who is in which group. */
async function read(client: Client, staff: string, roles: string): Promise<Made> {
  const written = [
    'objectClass',
    'cn',
    'sAMAccountName',
    'userPrincipalName',
    'userAccountControl',
    ...Object.keys(accounts.attributes),
  ]
  const { searchEntries: users } = await client.search(staff, { scope: 'one', attributes: written })
  if (users.length !== people) throw new Error(`${users.length} accounts instead of ${people}`)
  const entries = users.map(({ dn, ...attributes }) => ({
    dn,
    attributes: Object.fromEntries(Object.entries(attributes).map(([type, values]) => [type, [values].flat()])),
  }))
  const { searchEntries: filled } = await client.search(roles, { scope: 'one', attributes: ['member'] })
  return { entries, memberships: filled.map(({ dn, member }) => [dn, [member ?? []].flat().map(String)]) }
}

async function loadSerially({ entries, memberships }: Made): Promise<number> {
  await using samba = await startSamba()
  const client = await prepare(samba)
  try {
    const begun = performance.now()
    for (const [index, { dn, attributes }] of entries.entries()) {
      const password = Buffer.from(`"Password-of-${index}-made-for-this"`, 'utf16le')
      const all = Object.entries(attributes).filter(([, values]) => values.length > 0)
      await client.add(dn, [
        ...all.map(([type, values]) => new Attribute({ type, values: values.map(String) })),
        new Attribute({ type: 'unicodePwd', values: [password] }),
      ])
    }
    for (const [dn, members] of memberships) {
      if (members.length === 0) continue
      const modification = new Attribute({ type: 'member', values: [...members] })
      await client.modify(dn, new Change({ operation: 'add', modification }))
    }
    return performance.now() - begun
  } finally {
    await client.unbind()
  }
}
