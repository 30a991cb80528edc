// The section of a platform is taken out of the configuration while people have accounts there: nobody is forgotten by that.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon } from './daemon.ts'
import { Company, expectExit, finish } from './keyturn.ts'
import { left, staff, usualRoles } from './settings.ts'
import type { Settings } from './settings.ts'
import { withWiki } from './wiki.ts'

let server: Slapd
let other: Slapd

beforeAll(async () => {
  const options = { tls: false, ppolicy: 'lockout' } as const
  ;[server, other] = await Promise.all([startSlapd(options), startSlapd(options)])
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

const quiet = { daemon: { listen: 'off' } } satisfies Settings

/** Three people with accounts in the directory and on the wiki. */
async function staffed(company: Company): Promise<Company> {
  const wiki = await withWiki(company, other, quiet)
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  return wiki
}

async function withoutWiki(company: Company, more: Settings = {}): Promise<void> {
  await company.configure({ ...quiet, ...more })
  await company.roles({ ...usualRoles, employee: { accounts: ['directory'] } })
}

const forgets = /platforms\.wiki: 3 accounts of people on wiki would be forgotten/

test('every command says so, none of them goes on without those accounts, and offboard is not done', async () => {
  await using company = await Company.found(server)
  await using wiki = await staffed(company)
  await withoutWiki(company)
  await company.feed(left(staff(3), ['E2']))
  for (const command of ['plan', 'apply', 'run']) {
    const refused = await finish(company.start(command))
    expectExit(refused, 1)
    expect(refused.stderr).toMatch(forgets)
    expect(refused.stderr).toContain('retired: { platforms: [wiki] }')
  }
  expect((await company.keyturn('doctor')).stdout).toMatch(forgets)
  expect(await company.isAmongLeavers('E2')).toBe(false)

  const run = await company.keyturn('offboard', 'E1', '--reason', 'dismissed')
  expectExit(run, 1)
  expect(run.stdout).toMatch(/NOT looked at.*\n.*wiki +givene1\.surnamee1 +uid=/)
  expect(await company.isAmongLeavers('E1')).toBe(true)
  expect(await wiki.isAmongLeavers('E1')).toBe(false)

  await withoutWiki(company, { retired: { platforms: ['wiki'] } })
  expectExit(await company.apply(), 0)
  expect(await company.isAmongLeavers('E2')).toBe(true)
  expectExit(await company.keyturn('offboard', 'E3', '--reason', 'dismissed'), 0)
})

test('a daemon that is started again goes on by what was last in force, and so does offboard', async () => {
  await using company = await Company.found(server)
  await using wiki = await staffed(company)
  {
    await using daemon = await Daemon.start(company)
    expect(await daemon.stop()).toBe(0)
  }
  await withoutWiki(company)
  const run = await company.keyturn('offboard', 'E1', '--reason', 'dismissed')
  expectExit(run, 0)
  expect(run.stderr).toContain('last in force')
  expect(run.stderr).toMatch(forgets)
  expect(await wiki.isAmongLeavers('E1')).toBe(true)

  await using daemon = await Daemon.start(company)
  await company.feed(left(staff(3), ['E2']))
  await daemon.until('the leaver is shut on both', async () => {
    return (await company.isAmongLeavers('E2')) && (await wiki.isAmongLeavers('E2'))
  })
  expect((await company.keyturn('status')).stdout).toContain('refused')
})

test('with another ledger on disk than the running daemon works on, commands work on that of the daemon', async () => {
  await using company = await Company.found(server, { config: quiet })
  await company.feed(staff(2))
  await using daemon = await Daemon.start(company)
  await daemon.until('all are there', async () => (await company.count()) === 2 && company.isAllWell())
  await company.configure({ ...quiet, state: { ledger: 'sqlite:var/other.db' } })
  const run = await company.keyturn('offboard', 'E1', '--reason', 'dismissed')
  expectExit(run, 0)
  expect(run.stderr).toContain('state.ledger')
  expect(await company.isAmongLeavers('E1')).toBe(true)
})
