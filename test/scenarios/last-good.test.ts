// A mistake in the configuration keeps nobody from being shut, not even after a restart.
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon, eventually } from './daemon.ts'
import { Company, expectExit } from './keyturn.ts'
import { person, staff } from './settings.ts'

let server: Slapd
beforeAll(async () => {
  server = await startSlapd()
})
afterAll(() => server[Symbol.asyncDispose]())

test('with a mistake on disk, offboard works and a restarted daemon goes on by the configuration that was last in force', async () => {
  await using company = await Company.found(server, { config: { daemon: { listen: 'off' } } })
  await company.feed(staff(4))
  {
    await using daemon = await Daemon.start(company)
    await eventually(
      'all have accounts',
      async () => (await company.accounts('objectClass', 'inetOrgPerson')).length === 4,
    )
    await eventually('nothing is owed', async () => (await company.json('status', '--offline')).code === 0)
    expect(await daemon.stop()).toBe(0)
  }
  const file = company.path('roles/roles.yaml')
  const right = await readFile(file, 'utf8')
  await writeFile(file, right.replace('person.department', 'person.departmnt'))
  expectExit(await company.keyturn('plan'), 1)

  const run = await company.keyturn('offboard', 'E1', '--reason', 'at three in the morning')
  expectExit(run, 0)
  expect(run.stderr).toContain('last in force')
  expect(run.stderr).toContain('departmnt')

  await using daemon = await Daemon.start(company)
  await company.feed(staff(4).map((one) => (one.employee_id === 'E2' ? person('E2', { status: 'Left' }) : one)))
  await eventually(
    'the leaver is shut',
    async () => (await company.account('E2'))?.dn.includes('leavers'),
    () => daemon.tail(),
  )
  expect((await company.keyturn('status')).stdout).toContain('refused')

  const from = daemon.log.length
  await writeFile(file, right)
  await eventually('the correction is taken', async () => {
    const { stdout } = await company.keyturn('status', '--offline')
    return !stdout.includes('refused; the last good') && daemon.log.length > from
  })
})
