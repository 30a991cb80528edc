// Leavers while something else goes on or goes wrong: a plan of everybody, a platform that hangs, no Redis.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { startRedis } from '../test/servers/redis.ts'
import { count } from './burst.ts'
import { startDaemon } from './daemon.ts'
import type { RunningDaemon } from './daemon.ts'
import { Feed } from './feed.ts'
import { ldapWorld, manager, platform, startDirectory } from './ldap.ts'
import { chooseLeavers, explain, leaveOneByOne, spread } from './leaving.ts'
import type { Left } from './leaving.ts'
import { ledgerOf, quiet, settled } from './owed.ts'
import { say } from './report.ts'
import type { Measurement } from './report.ts'
import { quick, size } from './size.ts'
import { groups } from './world.ts'

const leaving = size(200, 15)

/** Everybody is planned again and again, in the process for heavy work. */
export async function benchPlanning(): Promise<readonly Measurement[]> {
  const people = size(100_000, 5_000)
  await using world = await ldapWorld(people, { nosync: true, loaded: true })
  const { url } = world.server
  const leavers = await chooseLeavers(url, 2 * leaving)
  const feed = await Feed.open(world.feed)
  await using daemon = await startDaemon(world.folder, { DIRECTORY_PASSWORD: manager.password })
  await using ledger = await ledgerOf(world, false)
  await settled(ledger, people)
  await daemon.says('feed remembered')
  await quiet(daemon, ledger, 3_000)
  say(`planning: ${count(people)} accounts are linked`)
  const site = { daemon, feed, url }
  const idle = await leaveOneByOne(site, leavers.slice(0, leaving))
  const plans = planOnAndOn(daemon, world.folder)
  const busy = await leaveOneByOne(site, leavers.slice(leaving), { every: 100 })
  const made = await plans.end()
  say(`leavers while everybody is planned (${made} plans), step by step:\n${explain(busy.steps)}`)
  return [
    compared(`leaver while a plan of ${count(people)} people is computed`, busy, idle, `${made} plans in this time`),
  ]
}

/** Another mapping as soon as the last plan is made: each is a reload, a whole read of the feed, and a plan of everybody. */
function planOnAndOn(daemon: RunningDaemon, folder: string): { end(): Promise<number> } {
  const over = new AbortController()
  let made = 0
  const loop = (async () => {
    while (!over.signal.aborted) {
      const from = daemon.log.length
      const role = { when: 'key == "nobody"', entitlements: { directory: [groups[made % groups.length]] } }
      await writeFile(join(folder, 'roles/round.yaml'), stringify({ roles: { [`round-${made}`]: role } }))
      await daemon.says('another configuration is in force', from)
      await daemon.says('planned', from)
      made += 1
    }
  })()
  return {
    async end() {
      over.abort()
      await loop
      return made
    },
  }
}

/** A second platform, where everybody has an account too, stops answering and keeps its connections open. */
export async function benchHanging(): Promise<readonly Measurement[]> {
  const people = size(10_000, 1_000)
  await using stack = new AsyncDisposableStack()
  const other = stack.use(await otherDirectory(stack))
  const more = { others: { other: platform(other.url) } }
  await using world = await ldapWorld(people, { nosync: true, more })
  await world.keyturn(['apply'], 0)
  const { url } = world.server
  const leavers = await chooseLeavers(url, 2 * leaving)
  const feed = await Feed.open(world.feed)
  await using daemon = await startDaemon(world.folder, { DIRECTORY_PASSWORD: manager.password })
  await daemon.says('feed remembered')
  await sleep(2_000)
  const site = { daemon, feed, url }
  const idle = await leaveOneByOne(site, leavers.slice(0, leaving))
  process.kill(other.pid, 'SIGSTOP')
  try {
    const hanging = await leaveOneByOne(site, leavers.slice(leaving))
    say(`leavers while another platform hangs, step by step:\n${explain(hanging.steps)}`)
    const slowest = `slowest ${Math.max(...hanging.took).toFixed(0)} ms, from the very moment it hangs`
    return [compared('leaver while another platform hangs', hanging, idle, slowest)]
  } finally {
    process.kill(other.pid, 'SIGCONT')
  }
}

async function otherDirectory(stack: AsyncDisposableStack) {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-bench-other-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  return startDirectory(join(folder, 'slapd'), { people: 0, nosync: true })
}

function compared(what: string, { took }: Left, idle: Left, note: string): Measurement {
  const busy = spread(took)
  const alone = spread(idle.took)
  const ratio = busy.p50 / alone.p50
  return {
    what: `${what}: rename to refusal`,
    figure: busy.text,
    limit: `idle ${alone.text}`,
    ratio: ratio.toFixed(1),
    target: 'p50 at most 4 x idle, p99 below 500 ms',
    met: quick ? null : ratio <= 4 && busy.p99 < 500,
    note: `${took.length} leavers; ${note}`,
  }
}

/** The Redis that was given is killed and stays away. */
export async function benchNoRedis(): Promise<readonly Measurement[]> {
  await using redis = await startRedis()
  const more = { state: { redis: 'env:KEYTURN_REDIS' } }
  await using world = await ldapWorld(size(10_000, 1_000), { nosync: true, more })
  const environment = { DIRECTORY_PASSWORD: manager.password, KEYTURN_REDIS: redis.url }
  await world.keyturn(['apply'], 0, environment)
  const { url } = world.server
  const leavers = await chooseLeavers(url, leaving)
  const feed = await Feed.open(world.feed)
  await using daemon = await startDaemon(world.folder, environment)
  await daemon.says('feed remembered')
  await sleep(2_000)
  await redis.kill()
  const { took, steps } = await leaveOneByOne({ daemon, feed, url }, leavers)
  say(`leavers without Redis, step by step:\n${explain(steps)}`)
  const slowest = Math.max(...took)
  return [
    {
      what: 'leaver while Redis is gone: rename to refusal',
      figure: `${spread(took).text}, slowest ${slowest.toFixed(0)} ms`,
      limit: '',
      ratio: '',
      target: 'below 5 s',
      met: slowest < 5_000,
      note: `${took.length} leavers, from the very moment of the kill`,
    },
  ]
}
