// kill -9 of the daemon and of each of its processes alone, at twenty moments of a burst of two thousand people, of whom
// some leave meanwhile. The moments are chance, the same in every run.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLedger } from '../../src/ledger/index.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Crowd, chance, crowdSettings } from './crowd.ts'
import { Daemon, embeddedRedis, eventually, signal } from './daemon.ts'
import { Company } from './keyturn.ts'
import type { Settings } from './settings.ts'
import { isShutOut, ledgerOf, settled, truth } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

type Victim = 'daemon' | 'starting' | 'changes' | 'pass' | 'redis'

const victims: readonly Victim[] = [
  ...(['daemon', 'daemon', 'daemon', 'daemon', 'daemon', 'daemon', 'daemon'] as const),
  ...(['starting', 'starting'] as const),
  ...(['changes', 'changes', 'changes', 'changes', 'changes'] as const),
  ...(['pass', 'pass', 'pass', 'pass'] as const),
  ...(['redis', 'redis'] as const),
]

const passes = ['a pass is begun', 'a pass is over']

/** What the log says when a daemon that was started again is at work: on what is owed, or on the feed that changed meanwhile. */
const atWork = ['a pass is begun', 'job begun', 'claimed', 'planned at once', 'the change process is started']

/** What the log says when work goes on after this one was killed. */
const signs: Readonly<Record<Victim, readonly string[]>> = {
  daemon: atWork,
  starting: atWork,
  changes: ['the change process is started'],
  // Or the kill came too late for it.
  pass: passes,
  redis: ['the embedded Redis was started again'],
}

/** Recovery begins within this time, ms. */
const soon = 5_000
const first = 1_800
/** Joined in each round, so that there is a pass to kill. */
const more = 10
/** So slow that most of the killing falls into the burst. */
const settings: Settings = { ...crowdSettings, platforms: { directory: { limits: { rate: '40/s' } } } }

test('killed at twenty moments of a burst: everybody has one account, and nobody who left can sign in', async () => {
  await using company = await Company.found(server, { config: settings })
  const random = chance(2_000)
  const crowd = new Crowd(company, random)
  crowd.join(first)
  await crowd.write()
  let daemon = await Daemon.start(company)
  const slow: string[] = []
  try {
    for (const victim of shuffled(victims, random)) {
      crowd.join(more)
      const gone = [...crowd.leave(1), ...crowd.leave(1, 0.3)]
      await crowd.write()
      // A pass is over soon, and nobody begins another one for the test.
      await pause(random() * (victim === 'pass' ? 400 : 2_500))
      const killed = await kill(victim, daemon, company)
      if (victim === 'daemon' || victim === 'starting') {
        gone.push(...crowd.leave(1))
        await crowd.write()
        if (victim === 'starting') await killWhileStarting(company, random() * 700)
        daemon = await Daemon.start(company)
      }
      // It stays for a while when all is done, and nobody misses it then.
      const isMissed = victim !== 'changes' || (await isChangeOwed(company))
      const late = isMissed ? await recovered(victim, daemon, killed) : 0
      if (late > soon) slow.push(`${victim}: work went on after ${late} ms`)
      // Else who left would not be known as anybody yet, and nothing would be asked of the daemon.
      await eventually(
        'the feed is taken in',
        async () => (await known(company)) === crowd.people.length,
        () => daemon.tail(),
      )
      for (const { employee_id: id } of gone) {
        await eventually(
          `${id} is shut out`,
          () => isShutOut(company, id),
          () => daemon.tail(),
        )
      }
    }
    await settled(company, crowd.people, () => daemon.tail())
    expect(await truth(company, crowd.people)).toEqual([])
    expect(crowd.people).toHaveLength(first + victims.length * more)
    expect(slow).toEqual([])
  } finally {
    await daemon[Symbol.asyncDispose]()
  }
}, 600_000)

/** When it was killed. */
async function kill(victim: Victim, daemon: Daemon, company: Company): Promise<number> {
  if (victim === 'daemon' || victim === 'starting') {
    await daemon.kill()
    return Date.now()
  }
  const pids = await eventually(
    `there is a process to kill: ${victim}`,
    async () => {
      // Its process stays a while after a pass, with nothing in hand.
      if (victim === 'pass' && lastOfPasses(daemon)?.msg !== passes[0]) return false
      const found = victim === 'redis' ? await embeddedRedis(company) : await daemon.children(victim)
      return found.length > 0 && found
    },
    () => daemon.tail(),
  )
  signal(pids, 'KILL')
  return Date.now()
}

function lastOfPasses({ log }: Daemon): Daemon['log'][number] | undefined {
  return log.findLast(({ msg }) => passes.includes(msg))
}

async function killWhileStarting(company: Company, ms: number): Promise<void> {
  const child = company.start('run')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await pause(ms)
  child.kill('SIGKILL')
  await ended
}

/** How long it took until work went on, ms: after the kill, or after the new daemon was ready; 0 where it began before that. */
async function recovered(victim: Victim, daemon: Daemon, killed: number): Promise<number> {
  const ready = Date.parse((await daemon.says('ready')).time)
  // The kill came a moment after the pass: nothing was interrupted.
  const isSpared = () => victim === 'pass' && lastOfPasses(daemon)?.msg === passes[1] && lastOfPasses(daemon)
  const line = await eventually(
    `work goes on after ${victim} was killed`,
    async () =>
      daemon.log.find(({ msg, time }) => signs[victim].includes(msg) && Date.parse(time) >= killed) ?? isSpared(),
    () => daemon.tail(),
  )
  return Math.max(0, Date.parse(line.time) - Math.max(killed, ready))
}

async function known(company: Company): Promise<number> {
  await using ledger = await openLedger(ledgerOf(company), { readOnly: true })
  return (await ledger.identities('hr')).length
}

async function isChangeOwed(company: Company): Promise<boolean> {
  await using ledger = await openLedger(ledgerOf(company), { readOnly: true })
  return (await ledger.openCounts()).some(({ lane, owed }) => lane === 'change' && owed > 0)
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
