// The leaver lock: a door that another hand opens is shut again within seconds, and nobody's directory is scanned for it.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLedger } from '../../src/ledger/index.ts'
import type { AuditRecord } from '../../src/model/ledger.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon, eventually } from './daemon.ts'
import { Company, expectExit } from './keyturn.ts'
import { person, staff } from './settings.ts'
import type { Settings } from './settings.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout', accesslog: true, stats: true })
})

afterAll(() => server[Symbol.asyncDispose]())

const watching = {
  daemon: { listen: 'off' },
  platforms: { directory: { leaver: { watch: '1s' } } },
} satisfies Settings

const isLocked = async (company: Company, id: string) =>
  [(await company.account(id))?.['pwdAccountLockedTime'] ?? []].flat().length > 0
const settled = async (company: Company) => (await company.keyturn('status')).code === 0

async function auditOf(company: Company, identity: string): Promise<readonly AuditRecord[]> {
  await using ledger = await openLedger(`sqlite:${company.path('var/keyturn.db')}`, { readOnly: true })
  return await ledger.auditOf(identity, 500)
}

const actionsOf = async (company: Company, identity: string) =>
  (await auditOf(company, identity)).map(({ action }) => action)

test('an account of a leaver that another hand opens is shut again, and the audit says whose hand it was', async () => {
  await using company = await Company.found(server, { config: watching })
  await company.feed(staff(4))
  await using daemon = await Daemon.start(company)
  const soon = (what: string, look: () => Promise<boolean>) => eventually(what, look, () => daemon.tail())
  await soon('all have accounts', async () => (await company.accounts('objectClass', 'inetOrgPerson')).length === 4)
  await company.feed(staff(4).map((one) => (one.employee_id === 'E1' ? { ...one, status: 'Left' } : one)))
  await soon('E1 is shut', () => isLocked(company, 'E1'))
  await soon('nothing is owed', () => settled(company))

  for (let round = 1; round <= 2; round++) {
    const { dn = '' } = (await company.account('E1')) ?? {}
    await company.openByHand(dn, 'opened-by-hand')
    expect(await company.signIn(dn, 'opened-by-hand')).toBe(0)
    await soon('E1 is shut again', () => isLocked(company, 'E1'))
    await soon('nobody gets in', async () => (await company.signIn(dn, 'opened-by-hand')) === 49)
    await soon('it is proven and settled', () => settled(company))
  }
  const audit = await auditOf(company, 'hr:E1')
  const found = audit.filter(({ action }) => action === 'reopened')
  expect(found).toHaveLength(2)
  for (const { detail } of found) expect(detail).toContain(server.root.dn)
  expect(audit.filter(({ action }) => action === 'disable').length).toBeGreaterThanOrEqual(3)
  await soon('it is told', async () => daemon.log.some(({ kind }) => kind === 'reopened'))
  expect(await isLocked(company, 'E2')).toBe(false)
})

test('an account that a late write makes after its person had left is found by the claimed name and shut', async () => {
  // The directory refuses an account with such a mail address: the name is claimed, and there is no account.
  const attributes = { mail: 'person.department == "Refused" ? "é@corp.example" : "someone@corp.example"' }
  await using company = await Company.found(server, {
    config: { ...watching, platforms: { directory: { ...watching.platforms.directory, accounts: { attributes } } } },
  })
  await company.feed(staff(3))
  await using daemon = await Daemon.start(company)
  const soon = (what: string, look: () => Promise<boolean>) => eventually(what, look, () => daemon.tail())
  await soon('all have accounts', async () => (await company.accounts('objectClass', 'inetOrgPerson')).length === 3)
  await company.feed([...staff(3), person('E4', { department: 'Refused' })])
  await soon('E4 is given up', async () => (await company.keyturn('status')).stdout.includes('hr:E4'))
  const from = daemon.log.length
  await company.feed([...staff(3), person('E4', { department: 'Refused', status: 'Left' })])
  await daemon.says('planned at once', { from })
  expect(await company.account('E4')).toBeNull()

  const dn = await company.addAccount('givene4.surnamee4', { employeeNumber: 'E4', userPassword: 'a-late-password' })
  expect(await company.signIn(dn, 'a-late-password')).toBe(0)
  await soon('nobody gets in', async () => (await company.signIn(dn, 'a-late-password')) === 49)
  await soon('the audit has it', async () => (await actionsOf(company, 'hr:E4')).includes('reopened'))
  await soon('it is recorded', async () => (await actionsOf(company, 'hr:E4')).includes('disable'))
})

test('an open account under the name of a leaver that nothing else says to be theirs is told once, and not touched', async () => {
  await using company = await Company.found(server, { config: watching })
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  // The account is deleted by hand, its person leaves, and somebody else gets the name.
  const { dn = '' } = (await company.account('E1')) ?? {}
  await company.remove(dn)
  await company.feed(staff(3).map((one) => (one.employee_id === 'E1' ? { ...one, status: 'Left' } : one)))
  expect([0, 2]).toContain((await company.apply()).code)
  await company.addAccount('givene1.surnamee1', { userPassword: 'of-somebody-else' })
  await using daemon = await Daemon.start(company)
  await sleep(5_000)
  expect(daemon.process.exitCode).toBeNull()
  expect(await company.signIn(dn, 'of-somebody-else')).toBe(0)
  const told = (await actionsOf(company, 'hr:E1')).filter((action) => action === 'reopened')
  expect(told.length).toBeLessThanOrEqual(1)
})

test('looking at leavers is asking for each by its id: never a search over everybody', async () => {
  await using company = await Company.found(server, { config: watching })
  await company.feed(staff(30))
  expectExit(await company.apply(), 0)
  await company.feed(
    staff(30).map((one) => (['E1', 'E2'].includes(one.employee_id) ? { ...one, status: 'Left' } : one)),
  )
  await using daemon = await Daemon.start(company)
  await eventually(
    'E2 is shut',
    () => isLocked(company, 'E2'),
    () => daemon.tail(),
  )
  await eventually(
    'nothing is owed',
    () => settled(company),
    () => daemon.tail(),
  )
  // The feed's first read plans everybody; after it only leavers are looked at.
  await sleep(3_000)
  const before = server.said().length
  await sleep(4_000)
  const log = server.said().slice(before)
  const searches = log.split('\n').filter((line) => line.includes(' SRCH base='))
  const about = searches.filter((line) => line.includes(company.base))
  expect(about.length).toBeGreaterThanOrEqual(2)
  for (const line of about) expect(line).toMatch(/scope=0 |\((?:entryUUID|uid|member)=/)
  // What was given back: the two leavers and nobody else.
  const given = log
    .split('\n')
    .filter((line) => / SEARCH RESULT /.test(line))
    .map((line) => Number(/nentries=(\d+)/.exec(line)?.[1]))
  expect(Math.max(...given)).toBeLessThanOrEqual(2)
})
