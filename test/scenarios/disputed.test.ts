// Two sources give one key to two people, and the account is linked to one of them.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rename, writeFile } from 'node:fs/promises'
import { columns, feedLine } from '../../src/demo/people.ts'
import type { Person } from '../../src/demo/people.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, person, staff, usualSettings } from './settings.ts'
import type { Settings } from './settings.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

/** A company with a second feed, of the same form as the first. */
async function withContractors(): Promise<Company> {
  const company = await Company.found(server)
  const { sources } = usualSettings(company, '', '') as { readonly sources: { readonly hr: Settings } }
  await company.configure({ sources: { contractors: { ...sources.hr, path: 'contractors.csv' } } })
  return company
}

async function contractors(company: Company, people: readonly Person[]): Promise<void> {
  await writeFile(company.path('contractors.new'), [columns.join(','), ...people.map(feedLine), ''].join('\n'))
  await rename(company.path('contractors.new'), company.path('contractors.csv'))
}

test('a key that finds the account of somebody else: the way out is told everywhere, and a leaver is owed nothing there', async () => {
  await using company = await withContractors()
  const contractor = person('E2', { given_name: 'Carla', surname: 'Contract' })
  await company.feed(staff(2))
  await contractors(company, [person('C1')])
  expectExit(await company.apply(), 0)
  await contractors(company, [person('C1'), contractor])

  const clash = 'givene2.surnamee2 matches contractors:E2 by employeeNumber "E2", but it is linked to hr:E2. '
  const way =
    'What is linked stays theirs: correct the key of contractors:E2 in the feed, or "match" of directory in the configuration.'
  expectExit(await company.apply(), 2)
  const planned = await company.keyturn('plan')
  expectExit(planned, 2)
  expect(planned.stdout).toContain(`withheld: disputed.  ${clash}${way}`)
  expect(planned.stdout).toContain('givene2.surnamee2  contractors:E2  =link by employeeNumber "E2"')
  expect((await company.keyturn('adopt', 'directory')).stdout).toContain(`disputed  ${clash}${way}`)
  const explained = (await company.keyturn('explain', 'contractors:E2')).stdout
  expect(explained).toContain(`no account is linked\n  withheld: disputed.  ${clash}${way}\n  should be open`)
  expect((await company.keyturn('explain', 'hr:E2')).stdout).not.toContain('disputed')

  const before = await company.everything()
  await contractors(company, left([person('C1'), contractor], ['E2'], '2024-05-31'))
  expectExit(await company.apply(), 0)
  expectExit(await company.plan(), 0)
  expect((await company.keyturn('explain', 'contractors:E2')).stdout).toContain(
    'no account is linked\n  should be shut',
  )
  const offboarded = await company.keyturn('offboard', 'contractors:E2', '--reason', 'a test')
  expectExit(offboarded, 0)
  expect(offboarded.stdout).not.toContain('withheld')
  expect(await company.everything()).toBe(before)
})

test('the advice works: another key gives an account of their own', async () => {
  await using company = await withContractors()
  await company.feed(staff(2))
  await contractors(company, [person('C1'), person('E2', { given_name: 'Carla', surname: 'Contract' })])
  await company.addAccount('of.both', { employeeNumber: 'E2' })
  expectExit(await company.apply(), 2)

  // Nobody is linked yet: whose it is can be said.
  const both = 'of.both matches 2 people by employeeNumber "E2": contractors:E2, hr:E2'
  for (const id of ['hr:E2', 'contractors:E2'])
    expect((await company.keyturn('explain', id)).stdout).toContain(`withheld: disputed.  ${both}. Say whose it is`)
  const offered = await company.json('adopt', 'directory')
  const { accounts } = offered.document as unknown as { accounts: { name: string; nativeId: string }[] }
  const nativeId = accounts.find(({ name }) => name === 'of.both')?.nativeId
  await writeFile(company.path('links.csv'), `hr:E2,${nativeId}\n`)
  expectExit(await company.keyturn('adopt', 'directory', '--from', company.path('links.csv')), 0)

  await contractors(company, [person('C1'), person('C2', { given_name: 'Carla', surname: 'Contract' })])
  await company.apply()
  expect((await company.account('C2'))?.['uid']).toBe('carla.contract')
  expect((await company.account('E2'))?.['uid']).toBe('of.both')

  // A second door: an account that carries the key of somebody who has another one, and leaves.
  await company.addAccount('evil', { employeeNumber: 'E1' })
  await company.feed(left(staff(2), ['E1'], '2024-05-31'))
  expectExit(await company.apply(), 2)
  const planned = await company.keyturn('plan', '--person', 'E1')
  expectExit(planned, 2)
  const found = 'evil is another account with a key of hr:E1 (employeeNumber "E1"), who is linked to givene1.surnamee1.'
  expect(planned.stdout).toContain(`withheld: disputed.  ${found}`)
  expect((await company.keyturn('adopt', 'directory')).stdout).toContain(found)
})
