// How soon the daemon is ready, and what it needs while there is nothing to do, with many people in the ledger.
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { count } from './burst.ts'
import { startDaemon } from './daemon.ts'
import { ldapWorld, manager } from './ldap.ts'
import { ledgerOf, quiet, settled } from './owed.ts'
import { say } from './report.ts'
import type { Measurement } from './report.ts'
import { quick, size } from './size.ts'

const people = size(100_000, 5_000)
const watched = size(120_000, 10_000)
/** Longer than the process for changes stays when nothing is owed. */
const rest = 25_000
/** ms */
const readyWithin = 2_000

export async function benchIdle(): Promise<readonly Measurement[]> {
  await using world = await ldapWorld(people, { nosync: true, loaded: true })
  const start = () => startDaemon(world.folder, { DIRECTORY_PASSWORD: manager.password })
  {
    await using daemon = await start()
    await using ledger = await ledgerOf(world)
    await settled(ledger, people)
    await daemon.says('feed remembered')
  }
  say(`idle: ${count(people)} people are in the ledger; the daemon starts again`)
  const asked = performance.now()
  await using daemon = await start()
  const ready = performance.now() - asked
  await using ledger = await ledgerOf(world)
  await daemon.says('planned')
  await quiet(daemon, ledger, rest)
  const pids = await daemon.pids()
  const [before, begun] = [await cpuOf(pids), performance.now()]
  await sleep(watched)
  const share = ((await cpuOf(pids)) - before) / (performance.now() - begun)
  const memory = await memoryOf(await daemon.pids())
  say(`idle, by process:\n${memory.map(({ name, pss, rss }) => `  ${name}: PSS ${pss} MB, RSS ${rss} MB`).join('\n')}`)
  const total = memory.reduce((sum, { pss }) => sum + pss, 0)
  const resident = memory.reduce((sum, { rss }) => sum + rss, 0)
  const where = `${count(people)} people in the ledger, over ${watched / 1_000} s`
  return [
    {
      what: 'start of the daemon, until it is ready',
      figure: `${(ready / 1_000).toFixed(2)} s`,
      limit: '',
      ratio: '',
      target: 'below 2 s',
      met: quick ? null : ready < readyWithin,
      note: where,
    },
    {
      what: 'processor time while idle',
      figure: `${(100 * share).toFixed(2)} % of a core`,
      limit: '',
      ratio: '',
      target: 'below 1 %',
      met: quick ? null : share < 0.01,
      note: where,
    },
    {
      what: 'memory while idle, all processes',
      figure: `${total} MB PSS (RSS together ${resident} MB)`,
      limit: '',
      ratio: '',
      target: 'below 200 MB',
      met: quick ? null : total < 200,
      note: `${where}; PSS counts a page that several processes share once`,
    },
  ]
}

/** Processor time of these processes, ms: fields 14 and 15 of proc(5)'s stat, in hundredths of a second. */
async function cpuOf(pids: readonly number[]): Promise<number> {
  let ticks = 0
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  }
  return ticks * 10
}

async function memoryOf(pids: readonly number[]) {
  const read = async (pid: number) => {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    const megabytes = (field: string) =>
      Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) / 1024)
    return { name: name.trim(), pss: megabytes('Pss'), rss: megabytes('Rss') }
  }
  return Promise.all(pids.map(read))
}
