// Bursts through a running daemon, each against a client that only sends the same requests to the same server.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'ldapts'
import { startDaemon } from './daemon.ts'
import { Feed } from './feed.ts'
import { allJoin } from './joining.ts'
import { ldapWorld, loadByPipeline, manager, places, readAll, requestsThatMake } from './ldap.ts'
import type { LdapWorld } from './ldap.ts'
import { ledgerOf, nothingOwed } from './owed.ts'
import type { Ledger } from './owed.ts'
import { encodeMemberships, encodeShutting, sendAll } from './pipeline.ts'
import { median, perSecond, say } from './report.ts'
import type { Measurement } from './report.ts'
import { quick, size } from './size.ts'

const rounds = size(3, 1)

export async function benchRecovery(): Promise<readonly Measurement[]> {
  const people = size(10_000, 1_000)
  const whole: number[] = []
  const killed: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const took = await allJoin({ people, delay: undefined }, async (joined) => joined.took)
    whole.push(took)
    killed.push(await allJoin({ people, delay: undefined, killAfter: took / 2 }, async (joined) => joined.took))
    say(
      `recovery ${round}/${rounds}: whole ${took.toFixed(0)} ms, with a kill -9 in the middle ${killed.at(-1)?.toFixed(0)} ms`,
    )
  }
  const ratio = median(killed) / median(whole)
  return [
    {
      what: `burst of ${count(people)} joiners with a kill -9 of every process in the middle`,
      figure: `${(median(killed) / 1_000).toFixed(2)} s`,
      limit: `${(median(whole) / 1_000).toFixed(2)} s uninterrupted`,
      ratio: ratio.toFixed(2),
      target: '1.30 at most',
      met: ratio <= 1.3,
      note: `medians of ${rounds}; started again at once`,
    },
  ]
}

export async function benchJoiners(delay?: number): Promise<readonly Measurement[]> {
  const people = size(10_000, 1_000)
  const ours: number[] = []
  const limits: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const { took, requests } = await allJoin({ people, delay }, async (joined) => ({
      took: joined.took,
      requests: await requestsThatMake(joined.world.server.url, people),
    }))
    ours.push(took)
    const far = delay === undefined ? {} : { delay }
    limits.push(await loadByPipeline(requests.adds, requests.memberships, { nosync: true, ...far }))
    say(`joiners ${round}/${rounds}: keyturn ${took.toFixed(0)} ms, limit ${limits.at(-1)?.toFixed(0)} ms`)
  }
  return [
    {
      what: `burst of ${count(people)} joiners through the daemon${farWords(delay)}`,
      ...against(people, median(ours), median(limits), 1 / 4),
      note: `medians of ${rounds}; from the rename of the feed to the last account settled`,
    },
  ]
}

/** Both bursts hit the limit on removals, and go on when a person has released the hold. */
export async function benchLeavers(delay?: number): Promise<readonly Measurement[]> {
  const sizes = [size(1_000, 200), size(10_000, 400)]
  const more = { safety: { limits: { removals: { max: '1%', above: 20 } } } }
  const people = size(20_000, 1_000)
  await using world = await ldapWorld(people, { nosync: true, more, ...(delay === undefined ? {} : { delay }) })
  await world.keyturn(['apply'], 0)
  await using ledger = await ledgerOf(world)
  await using daemon = await startDaemon(world.folder, { DIRECTORY_PASSWORD: manager.password })
  await daemon.says('feed remembered')
  await sleep(1_500)
  const feed = await Feed.open(world.feed)
  const keys = feed.keys()
  const lines: Measurement[] = []
  for (const some of sizes) {
    const gone = keys.splice(0, some)
    for (const key of gone) feed.leave(key)
    const before = Date.now()
    await feed.write()
    const took = await release(world, ledger, before)
    lines.push(...measured(gone.length, took, await limitOf(world, gone), delay))
  }
  return lines
}

interface Released {
  /** From the decision to the last account that was shut, ms. */
  readonly refused: number
  /** From the decision to when nothing was owed any more, ms. */
  readonly settled: number
}

async function release(world: LdapWorld, ledger: Ledger, before: number): Promise<Released> {
  const id = await held(ledger, before)
  await world.keyturn(['holds', 'approve', String(id), '--reason', 'a benchmark'], 0)
  const decidedAt = (await ledger.holds({ id }))[0]?.decidedAt ?? Number.NaN
  let settledAt = Date.now()
  // Right after the decision the marks of it are there: nothing owed means that they were looked at.
  while (!(await nothingOwed(ledger))) {
    await sleep(100)
    settledAt = Date.now()
  }
  return { refused: (await lastShut(world, decidedAt)) - decidedAt, settled: settledAt - decidedAt }
}

async function held(ledger: Ledger, before: number): Promise<number> {
  for (;;) {
    const [hold] = (await ledger.holds({ status: 'open' })).filter(({ madeAt }) => madeAt >= before)
    if (hold !== undefined) return hold.id
    await sleep(50)
  }
}

/**
 * When the last of those who were shut since then had the lock and a new password, by Keyturn's own record of the fresh read. The
 * server tells the same in whole seconds (`pwdChangedTime`), and has the last word where the two contradict each other.
 */
async function lastShut(world: LdapWorld, since: number): Promise<number> {
  using database = new DatabaseSync(join(world.folder, 'var/keyturn.db'), { readOnly: true })
  const last = database.prepare(
    "select max(at) as at from audit where action = 'step' and after = 'disable' and at >= ?",
  )
  const recorded = Number(last.get(since)?.['at'] ?? Number.NaN)
  const entries = await withClient(world.server.url, (client) =>
    readAll(client, places.people, '(pwdAccountLockedTime=000001010000Z)', ['pwdChangedTime']),
  )
  const told = Math.max(...entries.map(({ attributes }) => instantOf(String(attributes['pwdChangedTime']?.[0]))))
  if (!(told <= recorded && recorded - told < 5_000)) {
    throw new Error(`the record says ${recorded}, and the server ${told}`)
  }
  return recorded
}

/** `20260115203000Z` (RFC 4517, section 3.3.13). */
function instantOf(time: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z/.exec(time) ?? []
  return Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s))
}

/** The same server, and only what is written to it: the locks alone, and then all memberships in one modification a group. */
async function limitOf(world: LdapWorld, keys: readonly string[]): Promise<{ locks: number; all: number }> {
  const left = new Set(keys)
  const { dns, groups } = await withClient(world.server.url, async (client) => {
    const people = await readAll(client, places.people, '(objectClass=inetOrgPerson)', ['employeeNumber'])
    const gone = people.filter(({ attributes }) => left.has(String(attributes['employeeNumber']?.[0])))
    return {
      dns: gone.map(({ dn }) => dn),
      groups: (await readAll(client, places.groups, '(objectClass=groupOfNames)', ['cn'])).map(({ dn }) => dn),
    }
  })
  // Three each, as everybody has; they are put back first, which nobody times.
  const members = groups.map(
    (group, index) =>
      [group, dns.filter((_, n) => [0, 66, 133].some((at) => (n + at) % groups.length === index))] as const,
  )
  const some = members.filter(([, dnsOf]) => dnsOf.length > 0)
  await sendAll(world.server.url, manager, encodeMemberships(some, 2))
  const locks = await sendAll(world.url, manager, encodeShutting(dns))
  const memberships = await sendAll(world.url, manager, encodeMemberships(some, 2, 'delete'))
  return { locks, all: locks + memberships }
}

async function withClient<T>(url: string, act: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ url })
  await client.bind(manager.dn, manager.password)
  try {
    return await act(client)
  } finally {
    await client.unbind()
  }
}

function measured(
  people: number,
  took: Released,
  limit: { readonly locks: number; readonly all: number },
  delay: number | undefined,
): readonly Measurement[] {
  const what = `${count(people)} leavers at once through the daemon${farWords(delay)}`
  return [
    {
      what: `${what}: approval to the last refusal`,
      ...against(people, took.refused, limit.locks, 1 / 3),
      note: 'the limit is one modification each (lock and new password)',
    },
    {
      what: `${what}: approval to the last proof`,
      ...against(people, took.settled, limit.all, null),
      note: 'the limit also takes their memberships away, in one modification for each group',
    },
  ]
}

function against(people: number, ours: number, limit: number, target: number | null) {
  const ratio = limit / ours
  return {
    figure: `${perSecond(people, ours, 'people')} (${(ours / 1_000).toFixed(2)} s)`,
    limit: perSecond(people, limit, 'people'),
    ratio: ratio.toFixed(2),
    target: target === null ? '' : target.toFixed(2),
    met: target === null || quick ? null : ratio >= target,
  }
}

export const count = (people: number) => people.toLocaleString('en-US')

export const farWords = (delay: number | undefined) => (delay === undefined ? '' : `, through a proxy of ${delay} ms`)
