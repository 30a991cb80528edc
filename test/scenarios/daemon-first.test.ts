// The basic story of the daemon: people join, one leaves, and everything that was done can be told.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Crowd, chance, crowdSettings } from './crowd.ts'
import { Daemon } from './daemon.ts'
import { Company } from './keyturn.ts'
import { redisServersBelow } from './traces.ts'
import { settled, truth, untilShutOut } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

test('accounts are made from the feed; who leaves is shut out; explain tells it; SIGTERM ends it in order', async () => {
  await using company = await Company.found(server, { config: crowdSettings })
  const crowd = new Crowd(company, chance(1))
  crowd.join(20)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])

  const before = await company.account('E3')
  expect(await company.signIn(before?.dn ?? '', await company.firstPassword(String(before?.['uid'])))).toBe(0)
  crowd.leaves('E3')
  await crowd.write()
  await untilShutOut(company, ['E3'], daemon)
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])
  const { stdout } = await company.json('explain', 'E3')
  const { audit } = JSON.parse(stdout) as {
    readonly audit: readonly { readonly action: string; readonly correlation: string }[]
  }
  const told = new Set(audit.map(({ action }) => action))
  expect([...told]).toEqual(expect.arrayContaining(['create', 'grant', 'disable', 'revoke', 'proof']))
  // One story, from the feed to the proof, by one id.
  const id = audit.find(({ action }) => action === 'proof')?.correlation
  const story = daemon.log.filter(({ correlation }) => correlation === id).map(({ msg }) => msg)
  expect(story).toEqual(
    expect.arrayContaining(['feed saved', 'noticed', 'planned at once', 'account changed', 'proof']),
  )

  expect(await daemon.stop()).toBe(0)
  expect(await redisServersBelow(company.folder)).toEqual([])
})
