// Redis forgets everything, dies, stays away: nothing is lost, and whoever leaves meanwhile is shut out without it (law 4).
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis } from '../servers/redis.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { minute, second } from './clock.ts'
import { Crowd, chance, crowdSettings, idsOf } from './crowd.ts'
import { Daemon, embeddedRedis, signal } from './daemon.ts'
import { Company } from './keyturn.ts'
import { running, settled, truth, untilShutOut } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

const many = 300

/** One of those who joined first leaves, and is shut out whatever Redis does. How long that took, ms. */
async function oneLeaves(company: Company, crowd: Crowd, daemon: Daemon, within = 0.3): Promise<number> {
  const gone = idsOf(crowd.leave(1, within))
  expect(gone).toHaveLength(1)
  const from = performance.now()
  await crowd.write()
  await untilShutOut(company, gone, daemon)
  return performance.now() - from
}

test.concurrent('flushed again and again during a burst, while people leave', async () => {
  await using redis = await startRedis()
  await using company = await Company.found(server, { config: { ...crowdSettings, state: { redis: 'env:REDIS' } } })
  company.environment['REDIS'] = redis.url
  const crowd = new Crowd(company, chance(21))
  crowd.join(many)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  for (let times = 0; times < 8; times++) {
    await redis.flush()
    await oneLeaves(company, crowd, daemon)
    crowd.join(10)
  }
  await crowd.write()
  await redis.flush()
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])
})

/** Longer than any patience of the queue (its longest is a silence of 15 s). */
const away = minute
/** Whoever leaves meanwhile is shut out within this time, and what it takes with Redis on a machine that is as busy. */
const atMost = 5 * second
/** Who have their accounts before the burst. */
const settledBefore = 180

test.concurrent('a given Redis is killed in the middle of a burst, stays away for a minute, and comes back empty: who leaves meanwhile is shut out within five seconds', async () => {
  await using redis = await startRedis()
  await using company = await Company.found(server, { config: { ...crowdSettings, state: { redis: 'env:REDIS' } } })
  company.environment['REDIS'] = redis.url
  const crowd = new Crowd(company, chance(22))
  crowd.join(settledBefore)
  await using daemon = await running(company, crowd.people)
  crowd.join(many / 2)
  await crowd.write()
  await daemon.until('the burst has begun', async () => (await company.count()) > settledBefore)
  const usual = await oneLeaves(company, crowd, daemon, settledBefore / crowd.people.length)
  await redis.kill()
  const took: number[] = []
  for (const back = performance.now() + away; performance.now() < back; await pause(away / 10)) {
    took.push(await oneLeaves(company, crowd, daemon, settledBefore / crowd.people.length))
  }
  expect(took.filter((ms) => ms > atMost + usual)).toEqual([])
  crowd.join(10)
  await crowd.write()
  await redis.start()
  await oneLeaves(company, crowd, daemon)
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])
})

test.concurrent('the embedded Redis is killed as often as it comes back, during a burst, while people leave', async () => {
  await using company = await Company.found(server, { config: crowdSettings })
  const crowd = new Crowd(company, chance(23))
  crowd.join(many)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  const peace = new AbortController()
  const killing = killAgainAndAgain(company, peace.signal)
  for (let times = 0; times < 5; times++) await oneLeaves(company, crowd, daemon)
  peace.abort()
  expect(await killing).toBeGreaterThan(0)
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])
})

/** Returns how many were killed. */
async function killAgainAndAgain(company: Company, peace: AbortSignal): Promise<number> {
  for (let killed = 0; ; ) {
    const servers = await embeddedRedis(company)
    signal(servers, 'KILL')
    killed += servers.length
    if (peace.aborted) return killed
    await pause(50)
  }
}
