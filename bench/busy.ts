// Leavers while 10,000 joiners are queued and the server is saturated; and what that costs the joiners.
import { setTimeout as sleep } from 'node:timers/promises'
import { feedLine, inventPerson } from '../src/demo/people.ts'
import { count, farWords } from './burst.ts'
import { startDaemon } from './daemon.ts'
import { Feed } from './feed.ts'
import { ldapWorld, manager } from './ldap.ts'
import { chooseLeavers, explain, leaveOneByOne, pretendLeaving, spread } from './leaving.ts'
import type { Site, Steps } from './leaving.ts'
import { ledgerOf, settled } from './owed.ts'
import { median, perSecond, say } from './report.ts'
import type { Measurement } from './report.ts'
import { quick, size } from './size.ts'
import { workforce } from './world.ts'

/** A feed that more than doubles would be refused. */
const people = size(12_000, 2_000)
const joining = size(10_000, 1_500)
const rounds = size(4, 1)
/** One leaver so often, ms: hundreds a minute are more than any company has, and few beside the joiners. */
const every = 120
/** How many leave while nothing else happens, in each round. */
const before = size(25, 10)

interface Round {
  readonly idle: readonly number[]
  readonly busy: readonly number[]
  readonly steps: readonly Steps[]
  /** From the moment when the joiners were queued to the last one settled, ms. */
  readonly joined: number
}

export async function benchBusy(delay?: number): Promise<readonly Measurement[]> {
  const [idle, busy]: [number[], number[]] = [[], []]
  const [alone, together]: [number[], number[]] = [[], []]
  const steps: Steps[] = []
  for (let round = 1; round <= rounds; round++) {
    const without = await oneRound(false, delay)
    const withLeavers = await oneRound(true, delay)
    alone.push(without.joined)
    together.push(withLeavers.joined)
    idle.push(...without.idle, ...withLeavers.idle)
    busy.push(...withLeavers.busy)
    steps.push(...withLeavers.steps)
    say(
      `busy ${round}/${rounds}: joiners alone ${without.joined.toFixed(0)} ms, with ${withLeavers.busy.length} leavers ${withLeavers.joined.toFixed(0)} ms; leavers ${spread(withLeavers.busy).text}`,
    )
  }
  const quiet = spread(idle)
  const loud = spread(busy)
  const lost = 1 - median(alone) / median(together)
  say(`leavers among joiners${farWords(delay)}, step by step:\n${explain(steps)}`)
  return [
    {
      what: `leaver while ${count(joining)} joiners are queued${farWords(delay)}: rename to refusal`,
      figure: loud.text,
      limit: `idle ${quiet.text}`,
      ratio: (loud.p50 / quiet.p50).toFixed(1),
      target: 'p50 at most 4 x idle, p99 below 500 ms',
      met: quick ? null : loud.p50 <= 4 * quiet.p50 && loud.p99 < 500,
      note: `${busy.length} leavers in ${rounds} bursts, one every ${every} ms`,
    },
    {
      what: `joiners among whom people leave${farWords(delay)}`,
      figure: perSecond(joining, median(together), 'people'),
      limit: `${perSecond(joining, median(alone), 'people')} without leavers`,
      ratio: (1 - lost).toFixed(2),
      target: '0.90',
      met: quick ? null : lost <= 0.1,
      note: 'without leavers the same feeds are written where nobody looks, and the same sign-ins tried',
    },
  ]
}

async function oneRound(leaving: boolean, delay: number | undefined): Promise<Round> {
  await using world = await ldapWorld(people, { nosync: true, ...(delay === undefined ? {} : { delay }) })
  await world.keyturn(['apply'], 0)
  const { url } = world.server
  const leavers = [...(await chooseLeavers(url, size(250, 60)))]
  const feed = await Feed.open(world.feed)
  await using daemon = await startDaemon(world.folder, { DIRECTORY_PASSWORD: manager.password })
  await using ledger = await ledgerOf(world)
  await daemon.says('feed remembered')
  await sleep(2_000)
  const site: Site = { daemon, feed, url }
  const idle = await leaveOneByOne(site, leavers.splice(0, before))
  const all = workforce(people + joining)
  feed.add(Array.from({ length: joining }, (_, index) => feedLine(inventPerson(people + index, all))))
  const from = daemon.log.length
  await feed.write()
  await daemon.says('planned', from)
  await daemon.says('feed remembered', from)
  const queued = performance.now()
  let isOver = false
  const end = settled(ledger, people + joining).finally(() => {
    isOver = true
  })
  // Where the leavers fail, that is what is to be told.
  end.catch(() => undefined)
  const goOn = () => !isOver
  const tries = spread(idle.took).p50
  const busy = leaving ? await leaveOneByOne(site, leavers, { every, goOn }) : { took: [], steps: [] }
  if (!leaving) await pretendLeaving(site, leavers, { every, tries, goOn })
  return { idle: idle.took, busy: busy.took, steps: busy.steps, joined: (await end) - queued }
}
