// Mistakes of rules and feeds that would do too much are stopped as a whole, and a person can release them.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, person, staff, usualRoles } from './settings.ts'
import { filesBelow } from './traces.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

const leave = (ids: readonly string[], count: number) => left(staff(count), ids, '2024-03-31')

const wide = { sources: { hr: { contract: { rows: { 'max-change': '100%' } } } } }

test('too many leavers at once are held with the numbers; released in part, exactly those are shut', async () => {
  await using company = await Company.found(server, {
    config: { ...wide, safety: { limits: { removals: { max: '10%', above: 2 } } } },
  })
  await company.feed(staff(10))
  expectExit(await company.apply(), 0)
  // Without E2 and E3 the others would be few enough for the limit.
  const ids = ['E1', 'E2', 'E3', 'E4']
  await company.feed(leave(ids, 10))
  const before = await company.everything()
  const stopped = await company.apply()
  expectExit(stopped, 2)
  expect(await company.everything()).toBe(before)
  const held = stopped.document.withheld[0]
  expect(held?.why).toBe('removals-limit')
  expect(held?.text).toMatch(/4 of 10/)
  const [hold] = stopped.document.holds
  expect(hold?.why).toBe('removals-limit')

  const id = String(hold?.id)
  const approved = await company.keyturn('holds', 'approve', id, '--person', 'E2', 'E3', '--reason', 'checked with HR')
  expectExit(approved, 0)
  const applied = await company.apply()
  const proofs = applied.document.obligations.map((one) => [one.identity, one.proof?.grade])
  expect(proofs.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual([
    ['hr:E2', 'refused'],
    ['hr:E3', 'refused'],
  ])
  expectExit(await company.apply(), 2)
  for (const other of ['E1', 'E4']) {
    expect((await company.account(other))?.['pwdAccountLockedTime'] ?? []).toEqual([])
  }
})

test('leavers who come a few at a time are counted together: who is one too many is held, also by the next plan of everybody', async () => {
  await using company = await Company.found(server, {
    config: { ...wide, safety: { limits: { removals: { max: '10%', above: 3 } } } },
  })
  await company.feed(staff(10))
  expectExit(await company.apply(), 0)
  await company.feed(leave(['E1', 'E2'], 10))
  expectExit(await company.apply(), 0)
  await company.feed(leave(['E1', 'E2', 'E3', 'E4'], 10))
  const texts = []
  for (const run of [await company.apply(), await company.apply()]) {
    expectExit(run, 2)
    texts.push(run.document.withheld[0]?.text)
  }
  const held: unknown = expect.stringMatching(/2 accounts .* after 2 within the last 1h/)
  expect(texts).toEqual([held, held])
})

test('a few leavers pass while a limit stands', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(12))
  expectExit(await company.apply(), 0)
  await company.feed(leave(['E1', 'E2'], 12))
  const run = await company.apply()
  expectExit(run, 0)
  expect(run.document.obligations.map((one) => one.proof?.grade)).toEqual(['refused', 'refused'])
})

test('a rule that would give everybody a privileged group waits for a person', async () => {
  await using company = await Company.found(server, { groups: ['staff', 'sales', 'engineers', 'admins'] })
  await company.configure({
    platforms: {
      directory: { entitlements: { named: { root: { id: `cn=admins,${company.groups}`, privileged: true } } } },
    },
  })
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  await company.roles({ ...usualRoles, oops: { entitlements: { directory: ['root'] } } })
  const run = await company.apply()
  expectExit(run, 2)
  expect(run.document.withheld.map((one) => [one.why, one.change.kind])).toEqual(
    Array.from({ length: 3 }, () => ['privileged', 'grant']),
  )
  expect(await company.members('admins')).toEqual([])
})

test('apply --plan carries out what was reviewed, and refuses with the difference when anything has changed', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(3))
  const reviewed = await company.plan('--out', company.path('reviewed.json'))
  await company.feed([...staff(3), person('E4')])
  const refused = await company.keyturn('apply', '--plan', company.path('reviewed.json'))
  expectExit(refused, 1)
  expect(refused.stdout).toContain('hr:E4')
  expect(refused.stdout).not.toContain('hr:E3')
  expect(await company.account('E1')).toBeNull()
  expect((await company.apply('--plan', reviewed.document.plan)).document.error?.code).toBe('plan-changed')
  await company.feed(staff(3))
  expectExit(await company.apply('--plan', reviewed.document.plan), 0)
})

test('plan writes nothing: no ledger, no file, no change', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(2))
  const before = await company.everything()
  expectExit(await company.plan(), 2)
  expect(await company.everything()).toBe(before)
  expect(await filesBelow(company.folder)).toEqual(['feed.csv', 'keyturn.yaml', 'roles/roles.yaml'])
})

test('a platform that is only observed is planned and not touched', async () => {
  await using company = await Company.found(server, { config: { platforms: { directory: { mode: 'observe' } } } })
  await company.feed(staff(2))
  const before = await company.everything()
  const run = await company.apply()
  expectExit(run, 2)
  expect(run.document.withheld.some((one) => one.why === 'observe' && one.change.kind === 'create')).toBe(true)
  expect(await company.everything()).toBe(before)
})

test('a protected account is not changed when its owner leaves, and it is told until a person has shut it', async () => {
  await using company = await Company.found(server, { config: { safety: { protected: ['givene1.*'] } } })
  await company.feed(staff(6))
  expectExit(await company.apply(), 2)
  await company.addAccount('givene1.surnamee1', { employeeNumber: 'E1' })
  await company.feed(leave(['E1'], 6))
  const run = await company.apply()
  expectExit(run, 2)
  expect(run.document.withheld.map((one) => one.why)).toContain('protected')
  const before = await company.account('E1')
  expect(before?.['pwdAccountLockedTime'] ?? []).toEqual([])
  expectExit(await company.apply(), 2)
  const { holds } = run.document
  expect(holds.map((hold) => [hold.why, hold.people])).toEqual([['protected', 1]])
  const said = await company.keyturn('holds', 'approve', String(holds[0]?.id), '--reason', 'shut in the console')
  expect(said.code).toBe(2)
  expect(said.stdout).toMatch(
    /done by hand[^]*givene1\.surnamee1 of hr:E1 is STILL OPEN on directory, as seen just now/,
  )
  const explained = await company.keyturn('explain', 'E1')
  expect(explained.stdout).toMatch(/protected; \S+ recorded on .* that it was shut by hand: shut in the console/)
  expectExit(await company.apply(), 0)
  const offboarded = await company.keyturn('offboard', 'E1', '--reason', 'dismissed')
  expectExit(offboarded, 2)
  expect(offboarded.stdout).toContain('protected: givene1.surnamee1 is STILL OPEN')
  expect(await company.account('E1')).toEqual(before)
})

test('a first run against 3,000 accounts and groups made by hand touches none of them', async () => {
  const base = 'ou=populated,dc=corp,dc=example'
  const strangers = Array.from(
    { length: 3_000 },
    (_, index) =>
      `dn: uid=hand${index},${base}\nobjectClass: inetOrgPerson\nuid: hand${index}\ncn: Hand ${index}\nsn: Hand\n` +
      `mail: hand${index}@corp.example\n\n`,
  )
  await using populated = await startSlapd({
    tls: false,
    ppolicy: 'lockout',
    entries: [`dn: ${base}\nobjectClass: organizationalUnit\nou: populated\n\n`, ...strangers],
  })
  await using company = await Company.found(populated)
  await company.configure({ platforms: { directory: { base: populated.base } } })
  const dn = `uid=hand7,${base}`
  await company.replace(dn, 'employeeNumber', ['E1'])
  await company.addGroup('by-hand', [dn])
  await company.feed(staff(3))
  const adopt = await company.json('adopt', 'directory')
  expect(adopt.stdout).toContain('hand7')
  const run = await company.apply()
  expectExit(run, 0)
  expect(new Set(run.document.changes.map((one) => one.identity))).toEqual(new Set(['hr:E1', 'hr:E2', 'hr:E3']))
  expect(await company.members('by-hand')).toEqual([dn])
  expectExit(await company.plan(), 0)
})

test('adopt --confirm links by strong key and touches nothing else', async () => {
  await using company = await Company.found(server)
  await company.addAccount('someone', { employeeNumber: 'E1' })
  await company.addAccount('service')
  await company.feed(staff(2))
  const before = await company.everything()
  const run = await company.json('adopt', 'directory', '--confirm')
  expectExit(run, 0)
  expect(await company.everything()).toBe(before)
  const plan = await company.plan()
  expect(plan.document.changes.some((one) => one.identity === 'hr:E1' && one.kind === 'create')).toBe(false)
})
