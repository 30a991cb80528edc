// Two daemons as on two machines: each has a state folder of its own, and they share a ledger on PostgreSQL and a Redis. One is
// killed in the middle of a burst, and PostgreSQL in the middle of another; or the network comes between one of them and both.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres } from '../servers/postgresql.ts'
import type { PostgresServer } from '../servers/postgresql.ts'
import { startProxy } from '../servers/proxy.ts'
import type { Proxy } from '../servers/proxy.ts'
import { startRedis } from '../servers/redis.ts'
import type { RedisServer } from '../servers/redis.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import type { Person } from '../../src/demo/people.ts'
import { Crowd, chance, crowdSettings, idsOf } from './crowd.ts'
import { Daemon, embeddedRedis, eventually } from './daemon.ts'
import { Company } from './keyturn.ts'
import { openingsSince } from './openings.ts'
import { filesWith } from './traces.ts'
import { staff } from './settings.ts'
import { isShutOut, settled, truth } from './truth.ts'

/** Long enough that everything that asks regularly has met it, ms. */
const outage = 5_000

let directory: Slapd
let postgresql: PostgresServer
let redis: RedisServer
let companies = 0

const stateHere = { ledger: 'env:LEDGER', redis: 'env:REDIS' }
const stateThere = { ledger: 'env:LEDGER_THERE', redis: 'env:REDIS_THERE', folder: 'var-there' }

beforeAll(async () => {
  ;[directory, postgresql, redis] = await Promise.all([
    startSlapd({ ppolicy: 'lockout', accesslog: true }),
    startPostgres(),
    startRedis(),
  ])
})

afterAll(async () => {
  for (const server of [directory, postgresql, redis]) await server[Symbol.asyncDispose]()
})

async function founded(): Promise<Company> {
  const company = await Company.found(directory, { config: { ...crowdSettings, state: stateHere } })
  await company.configure({ ...crowdSettings, state: stateThere }, undefined, 'there.yaml')
  companies += 1
  company.ledger = await postgresql.create(`keyturn_${companies}`)
  for (const name of ['LEDGER', 'LEDGER_THERE']) company.environment[name] = company.ledger
  for (const name of ['REDIS', 'REDIS_THERE']) company.environment[name] = redis.url
  return company
}

function through(url: string, { port }: Proxy): string {
  return Object.assign(new URL(url), { port: String(port) }).href
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

/** Longer than a claim lasts. */
const overLease = 6_000

test('the network comes between one machine and the ledger and Redis, in the middle of its work, while people leave; it still reaches the directory', async () => {
  await using company = await founded()
  await using ledger = await startProxy(postgresql.port)
  await using queue = await startProxy(Number(new URL(redis.url).port))
  await using late = await startProxy(directory.port, { delayMs: 10 })
  company.environment['LEDGER_THERE'] = through(company.ledger, ledger)
  company.environment['REDIS_THERE'] = through(redis.url, queue)
  const config = {
    ...crowdSettings,
    state: { ledger: 'env:LEDGER_THERE', redis: 'env:REDIS_THERE', folder: 'var-there' },
  }
  await company.configure(config, `ldap://127.0.0.1:${late.port}`, 'there.yaml')
  const crowd = new Crowd(company, chance(78))
  crowd.join(120)
  await crowd.write()
  await using there = await Daemon.start(company, '--config', company.path('there.yaml'))
  await using here = await Daemon.start(company)
  await settled(company, crowd.people, () => there.tail())
  // Both take of what comes now.
  crowd.join(100)
  await crowd.write()
  await there.until('the work has begun', async () => (await company.members('staff')).length > 120)

  for (const one of [ledger, queue]) {
    // Neither an answer nor a refusal, for what is open and for what is tried.
    one.swallowAfter(0)
    one.silence()
  }
  const gone = crowd.leave(40)
  await crowd.write()
  await shutOut(company, gone, () => here.tail())
  const shut = Date.now()
  await pause(overLease)
  // By now nothing that it had claimed is its own.
  crowd.moveTo(
    idsOf(crowd.people.filter(({ status, department }) => status === 'Active' && department === 'Sales').slice(0, 20)),
    'Engineering',
  )
  const more = crowd.leave(5)
  await crowd.write()
  await shutOut(company, more, () => here.tail())
  for (const one of [ledger, queue]) {
    one.swallowAfter(undefined)
    one.cut()
  }
  const last = crowd.leave(5)
  await crowd.write()
  await shutOut(company, last, () => there.tail())
  await settled(company, crowd.people, () => `${here.tail()}\n${there.tail()}`)
  expect(await openingsSince(company, shut + overLease, idsOf(gone))).toEqual([])
  expect(await truth(company, crowd.people)).toEqual([])
  expect(await there.stop()).toBe(0)
  expect(await here.stop()).toBe(0)
})

test('a PostgreSQL that may only be read: leavers are shut all the same, and the record follows', async () => {
  await using company = await founded()
  const crowd = new Crowd(company, chance(79))
  crowd.join(20)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  await settled(company, crowd.people, () => daemon.tail())
  const database = new URL(company.ledger).pathname.slice(1)
  const only = async (mode: 'on' | 'off') => {
    await postgresql.query(`alter database "${database}" set default_transaction_read_only = ${mode}`)
    await postgresql.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`)
  }
  await only('on')
  const gone = crowd.leave(3)
  crowd.join(1)
  await crowd.write()
  await shutOut(company, gone, () => daemon.tail())
  await daemon.says('shut without the ledger')
  await only('off')
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])
  expect(await daemon.stop()).toBe(0)
})
