// A worker stops where it stands (SIGSTOP) while it makes accounts, or gives groups; people leave meanwhile. Then it goes on,
// or is killed. What it had begun must not leave open what was shut. And where nobody continues it, the daemon begins another.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLedger } from '../../src/ledger/index.ts'
import { startProxy } from '../servers/proxy.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Crowd, chance, crowdSettings, idsOf } from './crowd.ts'
import { Daemon, signal } from './daemon.ts'
import { Company } from './keyturn.ts'
import { openingsSince } from './openings.ts'
import { ledgerOf, settled, truth, untilShutOut } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ ppolicy: 'lockout', accesslog: true })
})

afterAll(() => server[Symbol.asyncDispose]())

/** Longer than a claim lasts: whoever stopped within it has lost it by then. */
const overLease = 6_000
const many = 80

type End = 'continued after its claim' | 'continued and killed'

/** Stops the worker as soon as `begun` is so, and lets these people leave. */
async function stopAndLeave(
  { company, crowd, daemon }: { readonly company: Company; readonly crowd: Crowd; readonly daemon: Daemon },
  begun: () => Promise<boolean>,
  leaving: readonly string[],
  end: End,
): Promise<void> {
  const workers = await daemon.until('there is a worker', async () => {
    const found = await daemon.children('changes')
    return found.length > 0 && found
  })
  await daemon.until('the work has begun', begun)
  signal(workers, 'STOP')
  // The one that was there may have ended meanwhile, with nothing in hand: then this is another.
  const stopped = [...new Set([...workers, ...(await daemon.children('changes'))])]
  signal(stopped, 'STOP')
  for (const id of leaving) crowd.leaves(id)
  await crowd.write()
  await untilShutOut(company, leaving, daemon)
  if (end === 'continued after its claim') await pause(overLease)
  const ended = Date.now()
  signal(stopped, 'CONT')
  if (end === 'continued and killed') {
    await pause(30)
    signal(stopped, 'KILL')
  }
  await settled(company, crowd.people, () => daemon.tail())
  // Whoever goes on within the lease has not lost the claim: what it opens then, the second look of the revocation shuts.
  if (end === 'continued after its claim') expect(await openingsSince(company, ended, leaving)).toEqual([])
}

test.concurrent.each<End>(['continued after its claim', 'continued and killed'])(
  'a worker stopped during creates, and during grants, while people leave, then %s: they stay shut out',
  async (end) => {
    await using company = await Company.found(server, { config: crowdSettings })
    // Answers come late: the worker is stopped while it waits for those to the first writes, and has the others before it.
    await using proxy = await startProxy(server.port, { delayMs: 60 })
    await company.configure(crowdSettings, `ldap://127.0.0.1:${proxy.port}`)
    const crowd = new Crowd(company, chance(7))
    crowd.join(many)
    await crowd.write()
    await using daemon = await Daemon.start(company)
    const world = { company, crowd, daemon }
    const ids = idsOf(crowd.people)
    const everySixth = (offset: number) => ids.filter((_, index) => index % 6 === offset)

    const made = async () => (await company.count()) > 0
    await stopAndLeave(world, made, everySixth(0), end)
    expect(await truth(company, crowd.people)).toEqual([])

    const before = (await company.members('engineers')).length
    const moved = Date.now()
    crowd.moveTo([...everySixth(1), ...everySixth(3)], 'Engineering')
    await crowd.write()
    // All members of a group come by one write: when it is seen, none is left. So the claim is looked for, and the write where
    // that was overlooked.
    await using ledger = await openLedger(ledgerOf(company), { readOnly: true })
    const claimed = async () =>
      (await ledger.obligations({})).some(({ lane, claimedUntil }) => lane === 'change' && claimedUntil !== null) ||
      (await company.members('engineers')).length !== before
    await stopAndLeave(world, claimed, everySixth(1), end)
    expect(await truth(company, crowd.people)).toEqual([])
    // The record that is asked has memberships, in whole seconds.
    expect((await openingsSince(company, moved - 1_000, everySixth(3))).length).toBeGreaterThan(0)
  },
)

test.concurrent('a worker that stands still for good is noticed by its silence and replaced, and all is made', async () => {
  await using company = await Company.found(server, { config: crowdSettings })
  await using proxy = await startProxy(server.port, { delayMs: 10 })
  await company.configure(crowdSettings, `ldap://127.0.0.1:${proxy.port}`)
  const crowd = new Crowd(company, chance(11))
  crowd.join(many)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  await daemon.until('the work has begun', async () => (await company.count()) > 0)
  const workers = await daemon.children('changes')
  signal(workers, 'STOP')
  expect(await daemon.says('a process of the daemon is silent; it is killed')).toMatchObject({
    level: 50,
    task: 'changes',
    pid: workers[0],
  })
  expect(await daemon.says('the change process ended; it is started again')).toMatchObject({ end: 'SIGKILL' })
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])
})
