// Servers that die, processes that are killed, two at once: nothing is lost and nothing is done twice.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProxy } from '../servers/proxy.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { eventually, signal } from './daemon.ts'
import { Company, expectExit, finish } from './keyturn.ts'
import { staff } from './settings.ts'
import { redisServersBelow } from './traces.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

const many = 150

/** Everything is as it should be, once, and nothing is left to do. */
async function expectEverybodyOnce(company: Company, count: number): Promise<void> {
  expect(await company.members('staff')).toHaveLength(count)
  const accounts = await company.accounts('objectClass', 'inetOrgPerson')
  expect(new Set(accounts.map((account) => account['employeeNumber'])).size).toBe(count)
  expect(accounts).toHaveLength(count)
  const again = await company.plan()
  expect(again.document.changes).toEqual([])
  expectExit(again, 0)
}

test('LDAP down at the start: nothing is planned there, the message names the server, and the next run does it', async () => {
  await using company = await Company.found(server, { url: 'ldap://127.0.0.1:1' })
  await company.feed(staff(3))
  const run = await company.apply()
  expectExit(run, 1)
  expect(run.document.unread).toMatchObject([{ platform: 'directory', code: 'platform-unreachable' }])
  expect(run.document.unread[0]?.message).toContain('127.0.0.1')
  await company.configure()
  expectExit(await company.apply(), 0)
  await expectEverybodyOnce(company, 3)
})

test('LDAP dying in the middle and coming back: the same run ends the work', async () => {
  await using company = await Company.found(server)
  await using proxy = await startProxy(server.port)
  await company.configure({}, `ldap://127.0.0.1:${proxy.port}`)
  await company.feed(staff(many))
  const running = finish(company.start('apply', '--json'))
  await someAccounts(company)
  proxy.cutAfter(0)
  proxy.cut()
  await pause(1_500)
  proxy.cutAfter(undefined)
  expectExit(await running, 0)
  await expectEverybodyOnce(company, many)
})

test('LDAP dying for good: stopped by Ctrl-C, apply says that work is owed, and the next run ends it', async () => {
  await using company = await Company.found(server)
  await using proxy = await startProxy(server.port)
  await company.configure({}, `ldap://127.0.0.1:${proxy.port}`)
  await company.feed(staff(many))
  const child = company.start('apply', '--json')
  const running = finish(child)
  await someAccounts(company)
  proxy.cutAfter(0)
  proxy.cut()
  await pause(500)
  child.kill('SIGINT')
  const cut = await running
  expectExit(cut, 1)
  expect(cut.document.obligations.map((one) => one.state)).toContain('owed')
  await company.configure()
  await settleOwed(company)
  await expectEverybodyOnce(company, many)
})

test('a wrong password to sign in with: one clear sentence, nothing tried twice', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(2))
  company.environment['DIRECTORY_PASSWORD'] = 'not the password'
  const run = await company.apply()
  expectExit(run, 1)
  expect(run.document.unread).toMatchObject([{ code: 'platform-sign-in-refused' }])
  expect(run.stdout + run.stderr).not.toContain('not the password')
})

test('a secret that is not there is named by its reference', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(2))
  await company.configure({ platforms: { directory: { bind: { password: 'env:NOT_SET_ANYWHERE' } } } })
  const run = await company.apply()
  expectExit(run, 1)
  expect(run.stdout + run.stderr).toContain('NOT_SET_ANYWHERE')
})

test('a certificate that is not trusted ends the attempt before the password is sent', async () => {
  await using company = await Company.found(server, { url: server.url })
  await company.feed(staff(2))
  const run = await company.apply()
  expectExit(run, 1)
  expect(run.document.unread).toMatchObject([{ code: 'platform-untrusted' }])
  await company.configure({ platforms: { directory: { tls: { ca: server.ca ?? '' } } } }, server.url)
  expectExit(await company.apply(), 0)
})

test('apply killed with -9 in the middle and run again: everybody once', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(many))
  const child = company.start('apply', '--json')
  const ended = finish(child)
  await someAccounts(company)
  child.kill('SIGKILL')
  expectExit(await ended, 137)
  await settleOwed(company)
  await expectEverybodyOnce(company, many)
  for (const id of ['E1', `E${many}`]) await expectPasswordWorks(company, id)
})

test('two apply at once: everybody once', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(60))
  const both = await Promise.all([company.apply(), company.apply()])
  for (const run of both) expectExit(run, 0)
  await expectEverybodyOnce(company, 60)
})

test('Redis killed in the middle: the work is done nevertheless, or owed and done by the next run', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(many))
  const running = finish(company.start('apply', '--json'))
  await someAccounts(company)
  signal(await redisServersBelow(company.folder), 'KILL')
  await running
  await settleOwed(company)
  await expectEverybodyOnce(company, many)
})

test('Ctrl-C ends apply tidily; no Redis is left behind; the next run ends the work', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(many))
  const child = company.start('apply', '--json')
  const ended = finish(child)
  await someAccounts(company)
  child.kill('SIGINT')
  expect((await ended).code).not.toBe(137)
  expect(await redisServersBelow(company.folder)).toEqual([])
  await settleOwed(company)
  await expectEverybodyOnce(company, many)
})

/** Runs apply until it says that all is done: what was cut off is tried again after its claim or wait has ended. */
async function settleOwed(company: Company): Promise<void> {
  let last = ''
  await eventually(
    'apply has nothing left to do',
    async () => {
      const run = await company.apply()
      last = `${run.stdout.slice(0, 3_000)}\n${run.stderr}`
      return run.code === 0
    },
    () => last,
  )
}

async function expectPasswordWorks(company: Company, id: string): Promise<void> {
  const account = await company.account(id)
  const password = await company.firstPassword(String(account?.['uid']))
  expect(await company.signIn(account?.dn ?? '', password)).toBe(0)
}

/** Waits until the work has begun and is far from its end. */
async function someAccounts(company: Company): Promise<void> {
  await eventually('an account was made', async () => (await company.count()) > 0)
}
