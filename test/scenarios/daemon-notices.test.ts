// What wakes somebody up, once from end to end: from the trouble to the letter.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMailServer } from '../integration/notify/servers.ts'
import { makeCertificates } from '../servers/certificates.ts'
import { freePort } from '../servers/ports.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon } from './daemon.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, staff } from './settings.ts'
import { running } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

test('a platform that is down while people leave is one letter, not one for each; and another when it is up and they are shut', async () => {
  await using company = await Company.found(server)
  const certificates = await makeCertificates(company.folder)
  await using post = await startMailServer({ security: 'none', certificates })
  const mail = {
    host: '127.0.0.1',
    port: post.port,
    security: 'none',
    from: 'keyturn@corp.example',
    to: ['oncall@corp.example'],
  }
  await company.configure({
    daemon: { listen: 'off' },
    sources: { hr: { contract: { rows: { 'max-change': '100%' } } } },
    platforms: { directory: { objectives: { revoke: '3s' } } },
    notifications: { gather: '6s', mail },
  })
  await using daemon = await running(company, staff(8))
  expect(post.mails).toEqual([])

  await server.kill()
  const leavers = ['E1', 'E2', 'E3', 'E4', 'E5']
  await company.feed(left(staff(8), leavers))
  const texts = () => post.mails.map(({ text }) => text.replaceAll('=\r\n', '').replaceAll('=3D', '='))
  await daemon.until('it is told', async () => texts().some((text) => text.includes('does not answer since')))
  await daemon.until('late ones are told', async () =>
    leavers.every((id) => texts().some((text) => text.includes(`hr:${id} may still have access on directory`))),
  )
  const during = post.mails.length
  expect(during).toBeLessThanOrEqual(3)
  expect(post.mails[0]?.to).toEqual(['oncall@corp.example'])

  await server.start()
  await company.rebind()
  for (const id of leavers) await daemon.until(`${id} is shut`, () => company.isAmongLeavers(id))
  await daemon.until('the end is told', async () => texts().slice(during).join('\n').includes('over again: '))
  expect(post.mails.length - during).toBeLessThanOrEqual(2)
  expect(texts().join('\n')).not.toContain('Surname')
})

test('a joiner for whom there is no free name is told of until there is one', async () => {
  await using company = await Company.found(server)
  const listen = `127.0.0.1:${await freePort()}`
  const name = ['person.givenName + "." + person.surname']
  await company.configure({ daemon: { listen }, platforms: { directory: { accounts: { name } } } })
  const namesake = await company.addAccount('givene2.surnamee2')
  await company.feed(staff(2))
  await using daemon = await Daemon.start(company)
  const told = await daemon.until('it is told', async () => daemon.log.find(({ kind }) => kind === 'hindered'))
  expect(told).toMatchObject({ severity: 'warn', identity: 'hr:E2' })
  expect(told['text']).toBe(
    'hr:E2 is not as they should be on directory (no-name); "keyturn plan" says what is to be put right.',
  )
  await daemon.until('the other joiner has an account', () => company.account('E1'))
  const status = await company.keyturn('status')
  expectExit(status, 2)
  expect(status.stdout).toContain(
    '1 person is not as they should be on directory, withheld: no free name.\n  hr:E2  No free name for hr:E2 on directory',
  )
  const sample = 'keyturn_hindered_people{platform="directory",why="no-name"} 1'
  const metrics = async () => (await fetch(`http://${listen}/metrics`)).text()
  expect(await metrics()).toContain(sample)

  await company.remove(namesake)
  await company.feed(staff(2, { title: 'Senior associate' }))
  await daemon.until('there is an account', () => company.account('E2'))
  await daemon.says('notice is over')
  await daemon.until('nothing is open', () => company.isAllWell())
  expect(await metrics()).not.toContain('keyturn_hindered_people{')
})
