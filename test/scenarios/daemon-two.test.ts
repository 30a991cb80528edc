// Two daemons with one ledger, each wanting the embedded Redis: they share the work, and one of them may die.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Crowd, chance, crowdSettings, idsOf } from './crowd.ts'
import { Daemon, embeddedRedis } from './daemon.ts'
import { Company } from './keyturn.ts'
import { settled, truth, untilShutOut } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

test('two daemons: one Redis, everybody once; the owner of Redis is killed, and the other goes on', async () => {
  await using company = await Company.found(server, { config: crowdSettings })
  const crowd = new Crowd(company, chance(51))
  crowd.join(200)
  await crowd.write()
  await using owner = await Daemon.start(company)
  await using other = await Daemon.start(company)
  expect(await embeddedRedis(company)).toHaveLength(1)
  // Either of them may do all of the work.
  await owner.until('the work has begun', async () => (await company.members('staff')).length > 0)
  crowd.join(100)
  const before = crowd.leave(3)
  await crowd.write()
  await settled(company, crowd.people, () => other.tail())
  expect(await truth(company, crowd.people)).toEqual([])

  crowd.join(200)
  const meanwhile = crowd.leave(3)
  await crowd.write()
  await owner.until('the burst has begun', async () => (await company.members('staff')).length > 300)
  await owner.kill()
  await other.says('the embedded Redis was started again')
  const after = crowd.leave(1)
  await crowd.write()
  await untilShutOut(company, idsOf([...before, ...meanwhile, ...after]), other)
  await settled(company, crowd.people, () => other.tail())
  expect(await embeddedRedis(company)).toHaveLength(1)
  expect(await truth(company, crowd.people)).toEqual([])
  expect(await other.stop()).toBe(0)
})
