// Somebody deletes the account of a person who works here: it is made anew when a person says so, and only then.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon } from './daemon.ts'
import { Company, expectExit } from './keyturn.ts'
import { staff } from './settings.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

async function withDeletedAccount(): Promise<Company> {
  const company = await Company.found(server)
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  await company.remove((await company.account('E2'))?.dn ?? '')
  return company
}

async function onlyHold(company: Company): Promise<string> {
  const { holds } = (await company.json('holds')).document
  expect(holds).toMatchObject([{ why: 'account-deleted' }])
  return String(holds[0]?.id)
}

async function expectAnew(company: Company): Promise<void> {
  const account = await company.account('E2')
  expect(await company.members('staff')).toContain(account?.dn)
  const password = await company.firstPassword(String(account?.['uid']))
  expect(await company.signIn(account?.dn ?? '', password)).toBe(0)
  expectExit(await company.plan(), 0)
}

test('by one command that carries it out', async () => {
  await using company = await withDeletedAccount()
  expectExit(await company.apply(), 2)
  expect(await company.account('E2')).toBeNull()
  expectExit(await company.keyturn('holds', 'approve', await onlyHold(company), '--reason', 'deleted by mistake'), 0)
  // Not owed yet, but not well either: it waits for a plan.
  expectExit(await company.keyturn('status'), 2)
  expectExit(await company.apply(), 0)
  await expectAnew(company)
})

test('by a running daemon', async () => {
  await using company = await withDeletedAccount()
  await using daemon = await Daemon.start(company)
  await company.feed(staff(3).map((one) => (one.employee_id === 'E2' ? { ...one, title: 'Head' } : one)))
  await daemon.until('it is held', async () => (await company.json('holds')).document.holds.length === 1)
  expectExit(await company.keyturn('holds', 'approve', await onlyHold(company), '--reason', 'deleted by mistake'), 0)
  await daemon.until('it is made anew', () => company.isAllWell())
  await expectAnew(company)
})
