// The leaver lock: a door that another hand opens is shut again within seconds, and nobody's directory is scanned for it.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon, signal } from './daemon.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, person, staff } from './settings.ts'
import type { Settings } from './settings.ts'
import { auditOf, running } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout', accesslog: true, stats: true })
})

afterAll(() => server[Symbol.asyncDispose]())

const watching = {
  daemon: { listen: 'off' },
  platforms: { directory: { leaver: { watch: '1s' } } },
} satisfies Settings

const actionsOf = async (company: Company, id: string) => (await auditOf(company, id)).map(({ action }) => action)

/** The daemon stands still meanwhile: it looks once a second, and must not be faster than what is done here. */
async function whileStopped<T>(daemon: Daemon, work: () => Promise<T>): Promise<T> {
  signal([daemon.pid], 'STOP')
  try {
    return await work()
  } finally {
    signal([daemon.pid], 'CONT')
  }
}

test('an account of a leaver that another hand opens is shut again, and the audit says whose hand it was', async () => {
  await using company = await Company.found(server, { config: watching })
  await using daemon = await running(company, staff(4))
  await company.feed(left(staff(4), ['E1']))
  await daemon.until('E1 is shut', () => company.isLocked('E1'))
  await daemon.until('nothing is owed', () => company.isAllWell())

  for (let round = 1; round <= 2; round++) {
    const { dn = '' } = (await company.account('E1')) ?? {}
    await whileStopped(daemon, async () => {
      await company.openByHand(dn, 'opened-by-hand')
      expect(await company.signIn(dn, 'opened-by-hand')).toBe(0)
    })
    await daemon.until('E1 is shut again', () => company.isLocked('E1'))
    await daemon.until('nobody gets in', async () => (await company.signIn(dn, 'opened-by-hand')) === 49)
    await daemon.until('it is proven and settled', () => company.isAllWell())
  }
  const audit = await auditOf(company, 'E1')
  const found = audit.filter(({ action }) => action === 'reopened')
  expect(found).toHaveLength(2)
  for (const { detail } of found) expect(detail).toContain(server.root.dn)
  expect(audit.filter(({ action }) => action === 'disable').length).toBeGreaterThanOrEqual(3)
  await daemon.until('it is told', async () => daemon.log.some(({ kind }) => kind === 'reopened'))
  expect(await company.isLocked('E2')).toBe(false)
})

test('an account that a late write makes after its person had left is found by the claimed name and shut', async () => {
  // The directory refuses an account with such a mail address: the name is claimed, and there is no account.
  const attributes = { mail: 'person.department == "Refused" ? "é@corp.example" : "someone@corp.example"' }
  await using company = await Company.found(server, {
    config: { ...watching, platforms: { directory: { ...watching.platforms.directory, accounts: { attributes } } } },
  })
  await using daemon = await running(company, staff(3))
  await company.feed([...staff(3), person('E4', { department: 'Refused' })])
  await daemon.until('E4 is given up', async () => (await company.keyturn('status')).stdout.includes('hr:E4'))
  const from = daemon.log.length
  await company.feed([...staff(3), person('E4', { department: 'Refused', status: 'Left' })])
  await daemon.says('planned at once', { from })
  expect(await company.account('E4')).toBeNull()

  const dn = await whileStopped(daemon, async () => {
    const late = { employeeNumber: 'E4', userPassword: 'a-late-password' }
    const made = await company.addAccount('givene4.surnamee4', late)
    expect(await company.signIn(made, 'a-late-password')).toBe(0)
    return made
  })
  await daemon.until('nobody gets in', async () => (await company.signIn(dn, 'a-late-password')) === 49)
  await daemon.until('the audit has it', async () => (await actionsOf(company, 'E4')).includes('reopened'))
  await daemon.until('it is recorded', async () => (await actionsOf(company, 'E4')).includes('disable'))
})

test('an open account under the name of a leaver that nothing else says to be theirs is told once, and not touched', async () => {
  await using company = await Company.found(server, { config: watching })
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  // The account is deleted by hand, its person leaves, and somebody else gets the name.
  const { dn = '' } = (await company.account('E1')) ?? {}
  await company.remove(dn)
  await company.feed(left(staff(3), ['E1']))
  expect([0, 2]).toContain((await company.apply()).code)
  await company.addAccount('givene1.surnamee1', { userPassword: 'of-somebody-else' })
  await using daemon = await Daemon.start(company)
  await sleep(5_000)
  expect(daemon.process.exitCode).toBeNull()
  expect(await company.signIn(dn, 'of-somebody-else')).toBe(0)
  const told = (await actionsOf(company, 'E1')).filter((action) => action === 'reopened')
  expect(told.length).toBeLessThanOrEqual(1)
})

test('looking at leavers is asking for each by its id: never a search over everybody', async () => {
  await using company = await Company.found(server, { config: watching })
  await company.feed(staff(30))
  expectExit(await company.apply(), 0)
  await company.feed(left(staff(30), ['E1', 'E2']))
  await using daemon = await Daemon.start(company)
  await daemon.until('E2 is shut', () => company.isLocked('E2'))
  await daemon.until('nothing is owed', () => company.isAllWell())
  // The feed's first read plans everybody; after it only leavers are looked at.
  await sleep(3_000)
  await daemon.until('no pass runs', async () => (await daemon.children('pass')).length === 0)
  const before = server.said().length
  const said = () => server.said().slice(before).split('\n')
  const about = () => said().filter((line) => line.includes(' SRCH base=') && line.includes(company.base))
  await sleep(4_000)
  await daemon.until('leavers have been looked at', async () => about().length >= 2)
  for (const line of about()) expect(line).toMatch(/scope=0 |\((?:entryUUID|uid|member)=/)
  // What was given back: the two leavers and nobody else.
  const given = said()
    .filter((line) => / SEARCH RESULT /.test(line))
    .map((line) => Number(/nentries=(\d+)/.exec(line)?.[1]))
  expect(Math.max(...given)).toBeLessThanOrEqual(2)
})
