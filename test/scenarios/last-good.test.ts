// A mistake in the configuration keeps nobody from being shut, not even after a restart.
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon } from './daemon.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, staff } from './settings.ts'
import { running } from './truth.ts'

let server: Slapd
beforeAll(async () => {
  server = await startSlapd()
})
afterAll(() => server[Symbol.asyncDispose]())

test('with a mistake on disk, offboard works and a restarted daemon goes on by the configuration that was last in force', async () => {
  await using company = await Company.found(server, { config: { daemon: { listen: 'off' } } })
  {
    await using daemon = await running(company, staff(4))
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
  await company.feed(left(staff(4), ['E2']))
  await daemon.until('the leaver is shut', () => company.isAmongLeavers('E2'))
  expect((await company.keyturn('status')).stdout).toContain('refused')

  const from = daemon.log.length
  await writeFile(file, right)
  await daemon.until('the correction is taken', async () => {
    const { stdout } = await company.keyturn('status', '--offline')
    return !stdout.includes('refused; the last good') && daemon.log.length > from
  })
})

test('with a mistake on disk, what is held can still be listed, shown, approved and rejected', async () => {
  const config = {
    daemon: { listen: 'off' },
    safety: { limits: { removals: { max: '10%', above: 1 } } },
    sources: { hr: { contract: { rows: { 'max-change': '60%' } } } },
  }
  await using company = await Company.found(server, { config })
  await company.feed(staff(10))
  expectExit(await company.apply(), 0)
  await company.feed(left(staff(10), ['E1', 'E2', 'E3']))
  expectExit(await company.apply(), 2)
  {
    // What is in force is kept by a daemon.
    await using daemon = await Daemon.start(company)
    expect(await daemon.stop()).toBe(0)
  }
  const file = company.path('roles/roles.yaml')
  await writeFile(file, (await readFile(file, 'utf8')).replace('person.department', 'person.departmnt'))

  const listed = await company.json('holds')
  expectExit(listed, 2)
  expect(listed.stderr).toContain('last in force')
  expect(listed.stderr).toContain('departmnt')
  const id = String(listed.document.holds[0]?.id)
  expectExit(await company.keyturn('holds', 'show', id), 0)
  expectExit(await company.keyturn('holds', 'approve', id, '--person', 'E1', '--reason', 'checked with HR'), 0)
  expectExit(await company.keyturn('holds', 'reject', id, '--person', 'E2', '--reason', 'a mistake of HR'), 0)
  const { stdout } = await company.keyturn('holds', 'show', id)
  expect(stdout).toMatch(/hr:E1 .*approved/)
  expect(stdout).toMatch(/hr:E2 .*rejected/)
  expect(stdout).toMatch(/hr:E3 .*open/)

  await using daemon = await Daemon.start(company)
  await daemon.until('the released leaver is shut', () => company.isAmongLeavers('E1'))
  expect(await company.isAmongLeavers('E2')).toBe(false)
})
