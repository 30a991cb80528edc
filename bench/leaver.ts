// A leaver while nothing else happens: the whole way, where its time goes, and how long the barest script needs beside it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startRedis } from '../test/servers/redis.ts'
import { startDaemon } from './daemon.ts'
import { Feed } from './feed.ts'
import { ldapWorld, manager } from './ldap.ts'
import type { LdapWorld } from './ldap.ts'
import { chooseLeavers, explain, leaveOneByOne, refused, spread } from './leaving.ts'
import type { Leaver } from './leaving.ts'
import { say } from './report.ts'
import type { Measurement } from './report.ts'
import { size } from './size.ts'

const program = fileURLToPath(new URL('bare-leaver.ts', import.meta.url))
const people = size(10_000, 1_000)
const leaving = size(200, 20)

export async function benchLeaver(delay?: number): Promise<readonly Measurement[]> {
  const options = { nosync: true, ...(delay === undefined ? {} : { delay }) }
  await using world = await ldapWorld(people, options)
  await world.keyturn(['apply'], 0)
  const all = await chooseLeavers(world.server.url, 3 * leaving)
  const [ours, direct, queued] = [0, 1, 2].map((part) => all.filter((_, index) => index % 3 === part))
  const keyturn = await leaveByKeyturn(world, ours ?? [])
  const bare = spread(await leaveByScript(world, direct ?? [], false))
  const bullmq = spread(await leaveByScript(world, queued ?? [], true))
  const { p50, p99, text } = spread(keyturn.took)
  const far = delay === undefined ? '' : `, through a proxy of ${delay} ms`
  say(`leaver${far}, step by step:\n${explain(keyturn.steps)}`)
  say(`  a bare script that watches one line and modifies: ${bare.text}; the same through BullMQ: ${bullmq.text}`)
  return [
    {
      what: `leaver in a feed of ${people.toLocaleString('en-US')} rows, idle${far}: rename to refusal`,
      figure: text,
      limit: `bare script p50 ${bare.p50.toFixed(1)} ms, with BullMQ ${bullmq.p50.toFixed(1)} ms`,
      ratio: `${(p50 / bare.p50).toFixed(1)}, ${(p50 / bullmq.p50).toFixed(1)}`,
      target: 'p50 below 100 ms, p99 below 300 ms',
      met: p50 < 100 && p99 < 300,
      note: `${leaving} leavers, one by one, for each of the three`,
    },
  ]
}

async function leaveByKeyturn(world: LdapWorld, leavers: readonly Leaver[]) {
  const feed = await Feed.open(world.feed)
  await using daemon = await startDaemon(world.folder, { DIRECTORY_PASSWORD: manager.password })
  await daemon.says('feed remembered')
  await sleep(2_000)
  return await leaveOneByOne({ daemon, feed, url: world.server.url }, leavers)
}

async function leaveByScript(world: LdapWorld, leavers: readonly Leaver[], queue: boolean): Promise<readonly number[]> {
  await using stack = new AsyncDisposableStack()
  const redis = queue ? stack.use(await startRedis()) : null
  const line = join(world.folder, 'bare', 'line')
  await mkdir(dirname(line), { recursive: true })
  const { url } = world.server
  const stop = await startScript([line, world.url, manager.dn, ...(redis === null ? [] : [String(redis.port)])], {
    DIRECTORY_PASSWORD: manager.password,
    REDIS_PASSWORD: redis?.password ?? '',
  })
  stack.defer(stop)
  const took: number[] = []
  for (const leaver of leavers) {
    const shut = refused(url, leaver, AbortSignal.timeout(60_000))
    await writeFile(`${line}.new`, `${leaver.dn}\n`)
    const at = performance.now()
    await rename(`${line}.new`, line)
    took.push((await shut) - at)
    await sleep(20)
  }
  return took
}

async function startScript(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => {
      throw new Error('the bare script ended at once')
    }),
  ])
  return async () => {
    child.stdin.end()
    await ended
  }
}
