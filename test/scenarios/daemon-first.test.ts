import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Company } from './keyturn.ts'
import { Daemon, eventually } from './daemon.ts'
import { person, staff } from './settings.ts'

let server: Slapd
beforeAll(async () => {
  server = await startSlapd()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

test('the daemon makes accounts from the feed, and shuts a leaver', async () => {
  await using company = await Company.found(server, { config: { daemon: { listen: 'off' } } })
  await company.feed(staff(10))
  await using daemon = await Daemon.start(company)
  try {
  await eventually('all have accounts', async () => (await company.accounts('objectClass', 'inetOrgPerson')).length === 10, () => daemon.tail())
  const people = staff(10).map((one) => (one.employee_id === 'E3' ? person('E3', { status: 'Left' }) : one))
  await eventually('settled', async () => (await company.json('status')).code === 0, () => daemon.tail())
  await company.feed(people)
  await eventually('shut', async () => (await company.account('E3'))?.dn.includes('leavers'), () => daemon.tail(), 15_000)
  expect(await daemon.stop()).toBe(0)
  } finally { console.log(daemon.tail(200)) }
})
