// Whose account is this, and what may Keyturn touch?
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inventPeople } from '../../src/demo/people.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, person, staff, usualRoles } from './settings.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

test('people hired, moved and ended: plan and apply agree, and a second run does nothing', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(4))
  const planned = await company.plan()
  expectExit(planned, 2)
  expect(await company.account('E1')).toBeNull()
  const hired = await company.apply('--plan', planned.document.plan)
  expectExit(hired, 0)
  expect(await company.members('sales')).toHaveLength(4)
  expectExit(await company.plan(), 0)

  const moved = staff(4).map((one) => (one.employee_id === 'E2' ? { ...one, department: 'Engineering' } : one))
  await company.feed(moved)
  expectExit(await company.apply(), 0)
  const e2 = await company.account('E2')
  expect(await company.members('sales')).toHaveLength(3)
  expect(await company.members('engineers')).toEqual([e2?.dn])

  const password = await company.firstPassword(String(e2?.['uid']))
  expect(await company.signIn(e2?.dn ?? '', password)).toBe(0)
  await company.feed(left(moved, ['E2'], '2024-05-31'))
  const ended = await company.apply()
  expectExit(ended, 0)
  expect(ended.document.obligations).toMatchObject([{ identity: 'hr:E2', proof: { grade: 'refused', resultCode: 49 } }])
  const shut = await company.account('E2')
  expect(shut?.dn.endsWith(company.leavers)).toBe(true)
  expect(await company.signIn(shut?.dn ?? '', password)).toBe(49)
  expect(await company.members('staff')).toHaveLength(3)
  expect(await company.members('engineers')).toEqual([])

  const before = await company.everything()
  expectExit(await company.plan(), 0)
  expect((await company.apply()).document.changes).toEqual([])
  expect(await company.everything()).toBe(before)
})

test('two people who want one name get two names, the same in plan and directory', async () => {
  await using company = await Company.found(server)
  const twins = ['E1', 'E2', 'E3'].map((id) => person(id, { given_name: 'Maria', surname: 'García' }))
  await company.feed(twins)
  const plan = await company.plan()
  const names = plan.document.changes.filter((one) => one.kind === 'create').map((one) => one.account)
  expect(names).toEqual(['maria.garcia', 'maria.garcia2', 'maria.garcia3'])
  expectExit(await company.apply(), 0)
  const made = await Promise.all(twins.map((one) => company.account(one.employee_id)))
  expect(made.map((one) => one?.['uid'])).toEqual(names)
  expectExit(await company.plan(), 0)
})

test('names of every script get accounts that are theirs', async () => {
  await using company = await Company.found(server)
  await company.feed([...inventPeople({ count: 20, mix: 'active' })])
  const run = await company.apply()
  expectExit(run, 0)
  const chinese = await company.accounts('sn', '王')
  expect(chinese).toHaveLength(1)
  expect(String(chinese[0]?.['uid'])).toMatch(/^[a-z]+\.[a-z]+$/)
  expectExit(await company.plan(), 0)
})

test('an account of another hand with the strong key is linked and kept, not made anew', async () => {
  await using company = await Company.found(server)
  const dn = await company.addAccount('old.hand', { employeeNumber: 'E1', telephoneNumber: '123' })
  await company.feed(staff(2))
  const run = await company.apply()
  expectExit(run, 0)
  const account = await company.account('E1')
  expect(account?.dn).toBe(dn)
  expect(account?.['telephoneNumber']).toBe('123')
  expectExit(await company.plan(), 0)
})

test('an account of another hand that only has the wanted name is not touched: the next name is taken', async () => {
  await using company = await Company.found(server)
  await company.addAccount('givene1.surnamee1')
  await company.feed(staff(1))
  expectExit(await company.apply(), 0)
  expect((await company.account('E1'))?.['uid']).toBe('givene1.surnamee12')
  const [other] = await company.accounts('uid', 'givene1.surnamee1')
  expect(other?.['sn']).toBe('givene1.surnamee1')
})

test('two accounts that match one person: nobody guesses, the others are served', async () => {
  await using company = await Company.found(server)
  const accounts = ['first', 'second']
  for (const name of accounts) await company.addAccount(name, { employeeNumber: 'E1' })
  await company.feed(staff(2))
  const run = await company.apply()
  expect(run.document.changes.some((one) => one.identity === 'hr:E1')).toBe(false)
  const told = JSON.stringify([run.document.notes, run.document.withheld])
  for (const name of accounts) expect(told).toContain(name)
  expect(await company.account('E2')).not.toBeNull()
  expect(await company.members('staff')).toHaveLength(1)
})

test('one account that matches two people is given to neither', async () => {
  await using company = await Company.found(server, {
    config: {
      platforms: {
        directory: {
          accounts: {
            match: [
              { account: 'employeeNumber', person: 'key', then: 'link' },
              { account: 'sn', person: 'surname', then: 'link' },
            ],
          },
        },
      },
    },
  })
  const dn = await company.addAccount('shared', { sn: 'Doe' })
  await company.feed([person('E1', { surname: 'Doe' }), person('E2', { surname: 'Doe' })])
  const run = await company.apply()
  expect(run.document.changes).toEqual([])
  expect(JSON.stringify([run.document.notes, run.document.withheld])).toContain('shared')
  const [account] = await company.accounts('uid', 'shared')
  expect(account?.dn).toBe(dn)
  expect(account?.['employeeNumber'] ?? []).toEqual([])
})

test('an account that security disabled by hand stays shut, and the plan says so', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(2))
  expectExit(await company.apply(), 0)
  const dn = (await company.account('E1'))?.dn ?? ''
  await company.replace(dn, 'pwdAccountLockedTime', ['000001010000Z'])
  const run = await company.apply()
  expect(run.document.changes.filter((one) => one.kind === 'enable')).toEqual([])
  expect(run.document.notes.map((note) => note.kind)).toContain('shut-by-another-hand')
  expect((await company.account('E1'))?.['pwdAccountLockedTime']).toBe('000001010000Z')
})

test('leave of absence shuts reversibly, and the return opens what Keyturn shut', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  const dn = (await company.account('E1'))?.dn ?? ''
  const password = await company.firstPassword('givene1.surnamee1')
  await company.feed(staff(3).map((one) => (one.employee_id === 'E1' ? { ...one, status: 'Leave' } : one)))
  expectExit(await company.apply(), 0)
  expect(await company.signIn(dn, password)).toBe(49)
  expect(await company.members('sales')).toHaveLength(3)
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  expect(await company.signIn(dn, password)).toBe(0)
})

test('whoever left before Keyturn came gets no account', async () => {
  await using company = await Company.found(server)
  await company.feed([...staff(3), person('E9', { status: 'Left', end_date: '2019-01-31' })])
  expectExit(await company.apply(), 0)
  expect(await company.account('E9')).toBeNull()
})

test('a group that does not exist: what hangs on it is withheld with its name, the rest is done', async () => {
  await using company = await Company.found(server, {
    roles: { ...usualRoles, extra: { entitlements: { directory: ['does-not-exist'] } } },
  })
  await company.feed(staff(2))
  const run = await company.apply()
  expectExit(run, 2)
  expect(run.document.withheld.map((one) => one.why)).toContain('missing-entitlement')
  expect(run.document.withheld[0]?.text).toContain('does-not-exist')
  expect(await company.members('sales')).toHaveLength(2)
})

test('a manager who comes later in the feed, or only in a later feed, is set as soon as the account is there', async () => {
  await using company = await Company.found(server)
  await company.feed([person('E1', { manager_id: 'E2' }), person('E2', { manager_id: 'E3' })])
  await company.apply()
  const dn = async (id: string) => (await company.account(id))?.dn
  expect((await company.account('E1'))?.['manager']).toBe(await dn('E2'))
  expect((await company.account('E2'))?.['manager'] ?? []).toEqual([])
  await company.feed([person('E1', { manager_id: 'E2' }), person('E2', { manager_id: 'E3' }), person('E3')])
  const run = await company.apply()
  expectExit(run, 0)
  expect((await company.account('E2'))?.['manager']).toBe(await dn('E3'))
  expectExit(await company.plan(), 0)
})

test('when a manager leaves and moves, their reports follow by the same apply', async () => {
  await using company = await Company.found(server)
  const report = person('E1', { manager_id: 'E2' })
  await company.feed([report, person('E2')])
  await company.apply()
  const before = (await company.account('E2'))?.dn
  await company.feed([report, person('E2', { status: 'Left', end_date: '2024-01-31' })])
  expectExit(await company.apply(), 0)
  const now = (await company.account('E2'))?.dn
  expect(now).not.toBe(before)
  expect((await company.account('E1'))?.['manager']).toBe(now)
  expectExit(await company.plan(), 0)
})

test('a group with 3,000 members made by hand: ours are added, the others stay', async () => {
  await using company = await Company.found(server, { groups: ['sales', 'engineers'] })
  const strangers = Array.from({ length: 3_000 }, (_, index) => `uid=stranger${index},ou=elsewhere,${company.base}`)
  await company.addGroup('staff', strangers)
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  expect(await company.members('staff')).toHaveLength(3_003)
  expectExit(await company.plan(), 0)
  await company.feed(left(staff(3), ['E1'], '2024-01-31'))
  expectExit(await company.apply(), 0)
  expect(await company.members('staff')).toHaveLength(3_002)
})
