// A plan with nothing to do, against a process that only parses the feed and only reads the directory; and the memory of
// large plans.
import { fileURLToPath } from 'node:url'
import { ldapWorld, manager } from './ldap.ts'
import { median, perSecond, say, seconds } from './report.ts'
import type { Measurement } from './report.ts'
import { runTimed } from './world.ts'

const bare = fileURLToPath(new URL('bare.ts', import.meta.url))
const rounds = 5

export async function benchPlan(): Promise<readonly Measurement[]> {
  const people = 10_000
  await using world = await ldapWorld(people, { nosync: true })
  await world.keyturn(['apply'], 0)
  const ours: number[] = []
  const limits: number[] = []
  for (let round = 1; round <= rounds; round++) {
    ours.push((await world.keyturn(['plan'], 0)).took)
    const args = [bare, world.feed, world.server.url, 'dc=bench,dc=example', manager.dn]
    const environment = { DIRECTORY_PASSWORD: manager.password, ...world.hook }
    limits.push((await runTimed(process.execPath, args, 0, environment)).took)
    say(`plan ${round}/${rounds}: keyturn ${ours.at(-1)?.toFixed(0)} ms, bare ${limits.at(-1)?.toFixed(0)} ms`)
  }
  const ratio = median(ours) / median(limits)
  return [
    {
      what: `plan with nothing to do over ${people.toLocaleString('en-US')} people`,
      figure: seconds(median(ours)),
      limit: seconds(median(limits)),
      ratio: ratio.toFixed(2),
      target: '1.50 at most',
      met: ratio <= 1.5,
      note: `medians of ${rounds}; whole processes; the limit parses the feed (csv-parse) and reads accounts and groups (ldapts)`,
    },
  ]
}

export async function benchMemory(): Promise<readonly Measurement[]> {
  const people = 100_000
  await using world = await ldapWorld(people, { nosync: true })
  const first = await world.keyturn(['plan'], 2)
  say(`memory: first plan ${first.memory.toFixed(0)} MB in ${seconds(first.took)}`)
  const load = await world.keyturn(['apply'], 0)
  say(`memory: apply ${load.memory.toFixed(0)} MB in ${seconds(load.took)}`)
  const nothing = await world.keyturn(['plan'], 0)
  say(`memory: plan with nothing to do ${nothing.memory.toFixed(0)} MB in ${seconds(nothing.took)}`)
  const target = 400
  const line = (what: string, memory: number, note: string): Measurement => ({
    what: `peak memory, ${people.toLocaleString('en-US')} people: ${what}`,
    figure: `${memory.toFixed(0)} MB`,
    limit: '',
    ratio: '',
    target: `${target} MB at most`,
    met: memory < target,
    note,
  })
  return [
    line(
      'plan of the first load',
      first.memory,
      `everybody and ${(3 * people).toLocaleString('en-US')} memberships; ${seconds(first.took)}`,
    ),
    line('plan with nothing to do', nothing.memory, seconds(nothing.took)),
    { ...line('apply of the first load', load.memory, perSecond(people, load.took, 'people')), target: '', met: null },
  ]
}
