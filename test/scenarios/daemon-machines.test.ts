// Two daemons as on two machines: each has a state folder of its own, and they share a ledger on PostgreSQL and a Redis. One is
// killed in the middle of a burst, and PostgreSQL in the middle of another.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres } from '../servers/postgresql.ts'
import type { PostgresServer } from '../servers/postgresql.ts'
import { startRedis } from '../servers/redis.ts'
import type { RedisServer } from '../servers/redis.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import type { Person } from '../../src/demo/people.ts'
import { Crowd, chance, crowdSettings } from './crowd.ts'
import { Daemon, embeddedRedis, eventually } from './daemon.ts'
import { Company } from './keyturn.ts'
import { filesWith } from './traces.ts'
import { staff } from './settings.ts'
import { isShutOut, settled, truth } from './truth.ts'

/** Long enough that everything that asks regularly has met it, ms. */
const outage = 5_000

let directory: Slapd
let postgresql: PostgresServer
let redis: RedisServer
let companies = 0

beforeAll(async () => {
  ;[directory, postgresql, redis] = await Promise.all([
    startSlapd({ ppolicy: 'lockout' }),
    startPostgres(),
    startRedis(),
  ])
})

afterAll(async () => {
  for (const server of [directory, postgresql, redis]) await server[Symbol.asyncDispose]()
})

async function founded(): Promise<Company> {
  const config = { ...crowdSettings, state: { ledger: 'env:LEDGER', redis: 'env:REDIS' } }
  const company = await Company.found(directory, { config })
  const there = { ...config, state: { ...config.state, folder: 'var-there' } }
  await company.configure(there, undefined, 'there.yaml')
  companies += 1
  company.ledger = await postgresql.create(`keyturn_${companies}`)
  company.environment['LEDGER'] = company.ledger
  company.environment['REDIS'] = redis.url
  return company
}

async function shutOut(company: Company, people: readonly Person[], why: () => string): Promise<void> {
  for (const { employee_id: id } of people) await eventually(`${id} is shut out`, () => isShutOut(company, id), why)
}

test('doctor says what the ledger is on, and looks at the rest where it cannot be reached', async () => {
  await using company = await founded()
  await company.feed(staff(1))
  const found = await company.keyturn('doctor')
  expect(found.stdout).toMatch(/ledger\n.*PostgreSQL \d+\S* .*answers: \S+ at 127\.0\.0\.1:\d+\n/)
  company.environment['LEDGER'] = company.ledger.replace(/:\d+\//, ':1/')
  const lost = await company.keyturn('doctor')
  expect(lost.code).toBe(1)
  expect(lost.stdout).toMatch(/ledger\n.*at 127\.0\.0\.1:1 cannot be reached/)
  expect(lost.stdout).toContain('1 rows can be read')
  expect(found.stdout + found.stderr + lost.stdout + lost.stderr).not.toContain(postgresql.password)
})

test('two machines share the work; one dies, then PostgreSQL is gone for a while, and everybody is as HR says', async () => {
  await using company = await founded()
  const crowd = new Crowd(company, chance(77))
  crowd.join(200)
  await crowd.write()
  await using here = await Daemon.start(company)
  await using there = await Daemon.start(company, '--config', company.path('there.yaml'))
  await eventually('the work has begun', async () => (await company.members('staff')).length > 0)

  crowd.join(150)
  const before = crowd.leave(3)
  await crowd.write()
  await eventually(
    'the burst has begun',
    async () => (await company.members('staff')).length > 210,
    () => here.tail(),
  )
  // What this machine had to say of itself lies in its own folder; status looks into the one that stays.
  await there.kill()
  const after = crowd.leave(2)
  await crowd.write()
  await shutOut(company, [...before, ...after], () => here.tail())
  await settled(company, crowd.people, () => here.tail())
  expect(await truth(company, crowd.people)).toEqual([])

  crowd.join(100)
  const meanwhile = crowd.leave(2)
  await crowd.write()
  await eventually(
    'the burst has begun',
    async () => (await company.members('staff')).length > 360,
    () => here.tail(),
  )
  await postgresql.kill()
  const last = crowd.leave(2)
  await crowd.write()
  await pause(outage)
  await postgresql.start()
  await shutOut(company, [...meanwhile, ...last], () => here.tail())
  await settled(company, crowd.people, () => here.tail())
  expect(await truth(company, crowd.people)).toEqual([])
  expect(await embeddedRedis(company)).toEqual([])
  expect(await here.stop()).toBe(0)
  expect(JSON.stringify([...here.log, ...there.log])).not.toContain(postgresql.password)
  expect(await filesWith(company.folder, postgresql.password)).toEqual([])
})
