// Active Directory and OpenLDAP in one configuration, through the command line: one Samba domain for the whole file.
import { readFile, readdir } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { Attribute, Change, Client } from 'ldapts'
import type { Entry } from 'ldapts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Person } from '../../src/demo/people.ts'
import { startSamba } from '../servers/samba.ts'
import type { Samba } from '../servers/samba.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Company, expectExit, finish } from './keyturn.ts'
import { merge, person, staff, usualRoles } from './settings.ts'
import type { Settings } from './settings.ts'

const servicePassword = 'Service-of-tests-1'
const notDisabled = 512
const disabled = 514

let samba: Samba
let slapd: Slapd

beforeAll(async () => {
  ;[samba, slapd] = await Promise.all([startSamba(), startSlapd({ tls: false, ppolicy: 'lockout', useLockout: true })])
})

afterAll(async () => {
  await samba?.[Symbol.asyncDispose]()
  await slapd?.[Symbol.asyncDispose]()
})

let offices = 0

interface Written {
  readonly platforms: { readonly directory: { readonly delivery: Settings } }
}

/** A company with accounts on both: a part of the domain of its own, and a service account that may manage it and no more. */
class Office implements AsyncDisposable {
  readonly company: Company
  readonly base: string
  #client: Client

  private constructor(company: Company, base: string, client: Client) {
    this.company = company
    this.base = base
    this.#client = client
  }

  static async open(changes: Settings = {}): Promise<Office> {
    offices += 1
    const base = `OU=Office${offices},${samba.base}`
    const client = await samba.client()
    for (const dn of [base, ...['Staff', 'Leavers', 'Roles'].map((name) => `OU=${name},${base}`)])
      await client.add(dn, { objectClass: 'organizationalUnit' })
    for (const name of ['sales', 'engineers', 'all-staff', 'admins'])
      await client.add(`CN=${name},OU=Roles,${base}`, { objectClass: 'group', sAMAccountName: `${name}-${offices}` })
    await delegate(client, base, `svc-office${offices}`)
    const company = await Company.found(slapd, { roles })
    company.environment['AD_PASSWORD'] = servicePassword
    // The letters of both platforms are for the same service desk.
    const written: Written = parse(await readFile(company.path('keyturn.yaml'), 'utf8'))
    const ad = {
      delivery: written.platforms.directory.delivery,
      ...platform(base, `svc-office${offices}@corp.example`),
    }
    await company.configure({ platforms: { 'corp-ad': merge(ad, changes) } })
    return new Office(company, base, client)
  }

  async account(id: string): Promise<Entry> {
    const { searchEntries } = await this.#client.search(this.base, { filter: `(employeeNumber=${id})` })
    expect(searchEntries).toHaveLength(1)
    return searchEntries[0] ?? { dn: '' }
  }

  async count(): Promise<number> {
    const { searchEntries } = await this.#client.search(this.base, { filter: '(employeeNumber=*)', attributes: ['dn'] })
    return searchEntries.length
  }

  async replace(id: string, type: string, value: string | Buffer): Promise<void> {
    const { dn } = await this.account(id)
    const values = Buffer.isBuffer(value) ? [value] : [value]
    const modification = new Attribute({ type, values: values as string[] })
    await this.#client.modify(dn, new Change({ operation: 'replace', modification }))
  }

  async remove(id: string): Promise<void> {
    await this.#client.del((await this.account(id)).dn)
  }

  /** As the person at the first sign-in. */
  async choosePassword(id: string, password: string): Promise<void> {
    await this.replace(id, 'unicodePwd', Buffer.from(`"${password}"`, 'utf16le'))
    await this.replace(id, 'pwdLastSet', '-1')
  }

  async firstPassword(id: string): Promise<string> {
    return this.company.firstPassword(`${String((await this.account(id))['sAMAccountName'])}-corp-ad`)
  }

  /** The code of the refusal ("773": the password is right and must be changed), or "welcome". */
  async signIn(id: string, password: string): Promise<string> {
    const tlsOptions = { ca: await readFile(samba.ca), servername: samba.servername }
    const client = new Client({ url: samba.url, tlsOptions })
    try {
      await client.bind((await this.account(id)).dn, password)
      return 'welcome'
    } catch (error) {
      return /data (\w+)/.exec(String(error))?.[1] ?? String(error)
    } finally {
      await client.unbind()
    }
  }

  /** A power cut at the domain controller. */
  async powerCut(): Promise<void> {
    await samba.kill()
    await this.#client.unbind()
    await samba.start()
    this.#client = await samba.client()
  }

  /** Waits until the domain has some of the accounts. */
  async begun(): Promise<void> {
    while ((await this.count()) < 10) await pause(10)
  }

  /** As `settles`, for what leads to the story that is told. */
  async applies(people: readonly Person[]): Promise<void> {
    await this.company.feed(people)
    expectExit(await this.company.apply(), 0)
  }

  /** plan says 2, apply says 0, plan says 0; returns what apply printed for people. */
  async settles(people: readonly Person[]): Promise<string> {
    await this.company.feed(people)
    expectExit(await this.company.plan(), 2)
    const applied = await this.company.keyturn('apply')
    expectExit(applied, 0)
    expectExit(await this.company.plan(), 0)
    return applied.stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.unbind()
    await this.company[Symbol.asyncDispose]()
  }
}

const roles: Settings = merge(usualRoles, {
  employee: { accounts: ['directory', 'corp-ad'], entitlements: { directory: ['staff'], 'corp-ad': ['all-staff'] } },
  sales: { entitlements: { directory: ['sales'], 'corp-ad': ['sales'] } },
  engineer: { entitlements: { directory: ['engineers'], 'corp-ad': ['engineers'] } },
})

function platform(base: string, dn: string): Settings {
  return {
    kind: 'active-directory',
    url: samba.url,
    bind: { dn, password: 'env:AD_PASSWORD' },
    tls: { ca: samba.ca, servername: samba.servername },
    base,
    accounts: {
      match: [{ account: 'employeeNumber', person: 'key', then: 'link' }],
      name: ['person.givenName + "." + person.surname', 'person.givenName + "." + person.surname + string(n)'],
      container: `OU=Staff,${base}`,
      attributes: {
        employeeNumber: 'key',
        displayName: 'person.givenName + " " + person.surname',
        department: 'person.department',
        manager: 'person.manager',
      },
    },
    entitlements: {
      under: [`OU=Roles,${base}`],
      named: { 'all-staff': { id: `CN=all-staff,OU=Roles,${base}`, members: 'exact' } },
    },
    leaver: { container: `OU=Leavers,${base}` },
    retry: { change: { first: '100ms', most: '1s', attempts: 20 } },
  }
}

/** The rights that docs/connectors/active-directory.md lists. */
async function delegate(client: Client, base: string, name: string): Promise<void> {
  const dn = `CN=${name},CN=Users,${samba.base}`
  const password = Buffer.from(`"${servicePassword}"`, 'utf16le')
  await client.add(dn, [
    new Attribute({ type: 'objectClass', values: ['user'] }),
    new Attribute({ type: 'sAMAccountName', values: [name] }),
    new Attribute({ type: 'userPrincipalName', values: [`${name}@corp.example`] }),
    new Attribute({ type: 'userAccountControl', values: [String(notDisabled)] }),
    new Attribute({ type: 'unicodePwd', values: [password] }),
  ])
  const { searchEntries } = await client.search(dn, { scope: 'base', attributes: ['objectSid'] })
  const sid = searchEntries[0]?.['objectSid'] as Buffer
  const numbers = Array.from({ length: sid.readUInt8(1) }, (_, index) => sid.readUInt32LE(8 + 4 * index))
  const who = ['S', 1, sid.readUIntBE(2, 6), ...numbers].join('-')
  const [user, group] = ['bf967aba-0de6-11d0-a285-00aa003049e2', 'bf967a9c-0de6-11d0-a285-00aa003049e2']
  const [member, reset] = ['bf9679c0-0de6-11d0-a285-00aa003049e2', '00299570-246d-11d0-a768-00aa006e0529']
  const people = `(OA;CI;CCDC;${user};;${who})(OA;CIIO;RPWP;;${user};${who})(OA;CIIO;CR;${reset};${user};${who})`
  const sddl = `--sddl=${people}(OA;CIIO;RPWP;${member};${group};${who})`
  await samba.tool('dsacl', 'set', '--action=allow', `--objectdn=${base}`, sddl)
}

function nameOf(id: string): string {
  return `given${id}.surname${id}`.toLowerCase()
}

const named = (id: string) => ({ given_name: `Given${id}`, surname: `Surname${id}` })

const left = { status: 'Left', end_date: '2024-01-31' } as const

function groupsOf(account: Entry): string[] {
  return [account['memberOf'] ?? []]
    .flat()
    .map((dn) => /^CN=([^,]+)/.exec(String(dn))?.[1] ?? '')
    .toSorted((one, other) => (one < other ? -1 : 1))
}

const change = (people: readonly Person[], id: string, values: Partial<Person>) =>
  people.map((one) => (one.employee_id === id ? { ...one, ...values } : one))

test('hire, move, leave and rehire on both at once: each time plan says 2, apply 0 and plan 0', async () => {
  await using office = await Office.open()
  // Everybody reports to the next, who stands behind in the file; the last to nobody.
  const ids = Array.from({ length: 20 }, (_, index) => `H${index + 1}`)
  let people = ids.map((id, index) => person(id, { manager_id: ids[index + 1] ?? '' }))
  await office.company.feed(people)
  expectExit(await office.company.keyturn('check'), 0)
  expectExit(await office.company.keyturn('doctor'), 0)

  await office.settles(people)
  const hired = await office.account('H1')
  expect(hired).toMatchObject({ sAMAccountName: 'givenh1.surnameh1', manager: (await office.account('H2')).dn })
  expect(groupsOf(hired)).toEqual(['all-staff', 'sales'])
  // 773: right, and must be changed.
  expect(await office.signIn('H1', await office.firstPassword('H1'))).toBe('773')
  const directoryPassword = await office.company.firstPassword(`${nameOf('H1')}-directory`)
  expect(await office.company.signIn((await office.company.account('H1'))?.dn ?? '', directoryPassword)).toBe(0)
  await office.choosePassword('H1', 'Chosen-by-the-person-1')
  expect(await office.signIn('H1', 'Chosen-by-the-person-1')).toBe('welcome')

  people = change(people, 'H1', { department: 'Engineering' })
  await office.settles(people)
  expect(groupsOf(await office.account('H1'))).toEqual(['all-staff', 'engineers'])
  expect(await office.company.members('engineers')).toEqual([(await office.company.account('H1'))?.dn])
  expect(await office.signIn('H1', 'Chosen-by-the-person-1')).toBe('welcome')

  const text = await office.settles(change(people, 'H1', left))
  expect(text).toMatch(
    /givenh1\.surnameh1 +hr:H1 +corp-ad +refused +The right password of givenh1\.surnameh1 was refused/,
  )
  expect(text).toMatch(/givenh1\.surnameh1 +hr:H1 +directory +refused/)
  const gone = await office.account('H1')
  expect(gone.dn).toBe(`CN=GivenH1 SurnameH1,OU=Leavers,${office.base}`)
  expect(gone['userAccountControl']).toBe(String(disabled))
  expect(groupsOf(gone)).toEqual([])
  expect(gone['accountExpires']).not.toBe('9223372036854775807')
  expect(await office.signIn('H1', 'Chosen-by-the-person-1')).toBe('52e')
  expect(await samba.kinit(nameOf('H1'), 'Chosen-by-the-person-1')).not.toBeNull()
  const told = await office.company.keyturn('explain', 'H1', 'corp-ad')
  expect(told.stdout).toContain('not ended by this: Kerberos')
  for (const step of ['disable', 'scramble', 'clear-credentials']) expect(told.stdout).toContain(step)

  people = change(people, 'H1', { start_date: '2025-01-01' })
  await office.settles(people)
  const back = await office.account('H1')
  expect(back.dn).toBe(`CN=GivenH1 SurnameH1,OU=Staff,${office.base}`)
  expect(back).toMatchObject({ userAccountControl: String(notDisabled), objectGUID: hired['objectGUID'] })
  expect(groupsOf(back)).toEqual(['all-staff', 'engineers'])
  expect(await office.signIn('H1', 'Chosen-by-the-person-1')).toBe('52e')
  expect(await office.signIn('H1', await office.firstPassword('H1'))).toBe('773')
})

test('a leave of absence is refused as disabled and ends as it began; an announced end is written ahead', async () => {
  await using office = await Office.open()
  const people = staff(3).map((one) => ({
    ...one,
    employee_id: `L${one.employee_id}`,
    ...named(`L${one.employee_id}`),
  }))
  await office.applies(people)
  await office.choosePassword('LE1', 'Chosen-by-the-person-1')
  await office.applies(change(people, 'LE1', { status: 'Leave' }))
  expect(await office.signIn('LE1', 'Chosen-by-the-person-1')).toBe('533')
  expect(await samba.kinit(nameOf('LE1'), 'Chosen-by-the-person-1')).toContain('revoked')
  expect(groupsOf(await office.account('LE1'))).toEqual(['all-staff', 'sales'])
  await office.applies(people)
  expect(await office.signIn('LE1', 'Chosen-by-the-person-1')).toBe('welcome')
  await office.applies(change(people, 'LE2', { end_date: '2099-12-31' }))
  // 2100-01-01 00:00 UTC, in units of 100 ns since 1601.
  expect((await office.account('LE2'))['accountExpires']).toBe('157469184000000000')
})

test('what another hand did stays and is told: shut, deleted, and an account that Windows protects', async () => {
  await using office = await Office.open()
  const people = staff(6).map((one) => ({
    ...one,
    employee_id: `O${one.employee_id}`,
    ...named(`O${one.employee_id}`),
  }))
  await office.applies(people)
  await office.replace('OE1', 'userAccountControl', String(disabled))
  await office.remove('OE2')
  await office.replace('OE3', 'adminCount', '1')
  await office.company.feed(change(people, 'OE3', left))
  const applied = await office.company.keyturn('apply')
  expectExit(applied, 2)
  expect(applied.stdout).toContain('adminCount=1')
  const plan = await office.company.plan()
  expectExit(plan, 2)
  expect(plan.document.changes).toEqual([])
  expect(plan.document.notes.map(({ kind }) => kind)).toContain('shut-by-another-hand')
  const why = plan.document.withheld.map((one) => `${one.change.identity} ${one.why}`)
  expect(new Set(why)).toEqual(new Set(['hr:OE2 account-deleted', 'hr:OE3 cannot-manage']))
  expect((await office.account('OE1'))['userAccountControl']).toBe(String(disabled))
  // On the other platform the leaver is shut all the same.
  const leaver = applied.stdout.split('\n').filter((line) => line.includes('hr:OE3') && line.includes('directory'))
  expect(leaver.join()).toContain('refused')
})

test('a wrong password and an untrusted certificate stop one platform, and say what to look at', async () => {
  await using office = await Office.open()
  await office.company.feed([person('W1')])
  office.company.environment['AD_PASSWORD'] = 'wrong'
  const refused = await office.company.keyturn('apply')
  expectExit(refused, 1)
  expect(refused.stdout).toContain('the name or the password is wrong (data 52e)')
  expect(await office.company.account('W1')).not.toBeNull()
  office.company.environment['AD_PASSWORD'] = servicePassword
  await office.settles([person('W1')])
})

test('a domain controller that dies, and an apply that is killed, in the middle of a first load', async () => {
  await using office = await Office.open()
  const people = Array.from({ length: 120 }, (_, index) =>
    person(`K${index}`, { surname: `S-K${index}`, manager_id: `K${(index * 7 + 1) % 120}` }),
  )
  await office.company.feed(people)
  const first = office.company.start('apply')
  const ended = finish(first)
  await office.begun()
  await office.powerCut()
  await pause(200)
  first.kill('SIGKILL')
  expect((await ended).code).toBe(137)
  expectExit(await office.company.apply(), 0)
  expectExit(await office.company.plan(), 0)
  expect(await office.count()).toBe(120)
  // One letter each, and its password is the one that the account has.
  const letters = await readdir(office.company.path('handover'))
  expect(letters.filter((name) => /-corp-ad-.*\.age$/.test(name))).toHaveLength(120)
  for (const id of ['K0', 'K63', 'K64', 'K100', 'K119'])
    expect(await office.signIn(id, await office.firstPassword(id))).toBe('773')
})
