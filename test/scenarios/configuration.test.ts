// Mistakes in the configuration are told with their place before anything is touched.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Company, expectExit } from './keyturn.ts'
import { staff, usualRoles } from './settings.ts'

let server: Slapd
let company: Company

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
  company = await Company.found(server)
  await company.feed(staff(3))
})

afterAll(async () => {
  await company[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

test('a good configuration passes check without any network', async () => {
  await company.configure({ platforms: { directory: { url: 'ldap://127.0.0.1:1' } } })
  const run = await company.keyturn('check')
  expectExit(run, 0)
  await company.configure()
})

test.each([
  [
    'roles that include each other',
    { one: { accounts: ['directory'], includes: ['two'] }, two: { includes: ['one'] } },
    /one.*two|two.*one/s,
  ],
  ['a role for an unknown platform', { staff: { accounts: ['directroy'] } }, /directroy.*directory/s],
  [
    'a role with an entitlement of an unknown platform',
    { staff: { accounts: ['directory'], entitlements: { wiki: ['editors'] } } },
    /wiki/,
  ],
  [
    'a misspelt attribute',
    { staff: { when: 'person.departmnt == "Sales"', accounts: ['directory'] } },
    /departmnt.*department/s,
  ],
])('%s: check says where, apply touches nothing', async (_, roles, told) => {
  await company.roles(roles)
  const check = await company.keyturn('check')
  expectExit(check, 1)
  expect(check.stdout + check.stderr).toMatch(told)
  expect(check.stdout + check.stderr).toMatch(/roles\.yaml:\d+:\d+/)
  const before = await company.everything()
  expectExit(await company.apply(), 1)
  expect(await company.everything()).toBe(before)
  await company.roles(usualRoles)
})

test('a password in the configuration is an error that does not repeat it', async () => {
  await company.configure({ platforms: { directory: { bind: { password: 'Sup3r-secret-value' } } } })
  const run = await company.keyturn('check')
  expectExit(run, 1)
  expect(run.stdout + run.stderr).toMatch(/keyturn\.yaml:\d+:\d+/)
  expect(run.stdout + run.stderr).toMatch(/env:/)
  expect(run.stdout + run.stderr).not.toContain('Sup3r-secret-value')
  await company.configure()
})

test('every mistake of every file is told in one run', async () => {
  await company.configure({ sources: { hr: { contnet: 'full' } }, platforms: { directory: { url: 'http://x' } } })
  await company.roles({ staff: { accounts: ['nowhere'] } })
  const run = await company.keyturn('check')
  const said = run.stdout + run.stderr
  expect(said).toContain('contnet')
  expect(said).toContain('http://x')
  expect(said).toContain('nowhere')
  await company.configure()
  await company.roles(usualRoles)
})

test.each(['fresh/keyturn.yaml', 'other/name.yaml'])(
  'init writes a configuration (%s) that passes check, and never over one that is there',
  async (place) => {
    const config = company.path(place)
    expectExit(await company.keyturn('--config', config, 'init'), 0)
    expectExit(await company.keyturn('--config', config, 'check'), 0)
    const written = await readFile(config, 'utf8')
    expectExit(await company.keyturn('--config', config, 'init'), 64)
    expect(await readFile(config, 'utf8')).toBe(written)
  },
)

test.each([[['apply', '--plan']], [['plan', '--nonsense']], [['fly']]])('wrong usage %s ends with 64', async (args) => {
  const run = await company.keyturn(...args)
  expectExit(run, 64)
  expect(run.stdout).toBe('')
})
