// Secrets are references: whatever a command prints, logs, stores or puts into Redis holds none of them.
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Company, expectExit, finish } from './keyturn.ts'
import type { Run } from './keyturn.ts'
import { left, staff } from './settings.ts'
import { filesBelow, filesWith, modeOf, processes, socketsBelow } from './traces.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

test('no password is in any output, file, process argument or in Redis', async () => {
  await using company = await Company.found(server)
  company.environment['KEYTURN_DEBUG'] = '1'
  await company.feed(staff(80))
  const seen: string[] = []
  const note = (run: Run) => seen.push(run.stdout, run.stderr)
  note(await company.keyturn('plan', '--all'))
  const applying = company.start('apply', '--all')
  const ended = finish(applying)
  while (applying.exitCode === null && applying.signalCode === null) {
    seen.push((await processes()).map((one) => one.arguments).join('\n'), await redisContent(company.folder))
    await pause(20)
  }
  note(await ended)
  const first = await company.firstPassword('givene1.surnamee1')
  await company.feed(left(staff(80), ['E1'], '2024-01-31'))
  for (const args of [['apply'], ['status'], ['explain', 'E1'], ['holds'], ['doctor'], ['check'], ['plan', '--json']]) {
    note(await company.keyturn(...args))
  }
  company.environment['DIRECTORY_PASSWORD'] = 'wrong-but-secret-all-the-same'
  note(await company.keyturn('apply'))
  note(await company.keyturn('doctor'))

  const secrets = [server.service.password, first, 'wrong-but-secret-all-the-same']
  // Redis was looked into while jobs were in it.
  expect(seen.some((text) => text.includes('keyturn:directory'))).toBe(true)
  for (const secret of secrets) {
    for (const text of seen) expect(text).not.toContain(secret)
    expect(await filesWith(company.folder, secret)).toEqual([])
  }
})

test('a hand-over file can be read by its owner only and holds the password in no readable form', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(1))
  expectExit(await company.apply(), 0)
  const [file] = (await filesBelow(company.folder)).filter((name) => name.startsWith('handover/'))
  expect(file).toMatch(/\.age$/)
  expect(await modeOf(company.path(file ?? ''))).toBe(0o600)
})

/** Everything that the private Redis below this folder holds now, as text. */
async function redisContent(folder: string): Promise<string> {
  const socket = (await socketsBelow(folder))[0]
  if (socket === undefined) return ''
  const redis = new Redis({ path: socket, lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    const keys = await redis.keys('*')
    const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
    return keys.join('\n') + values.map((value) => value?.toString('latin1') ?? '').join('\n')
  } catch {
    return ''
  } finally {
    redis.disconnect()
  }
}
