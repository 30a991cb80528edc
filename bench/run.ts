// npm run bench [-- NAME …]: measures, and prints each figure beside the physical limit of the same run.
import Table from 'cli-table3'
import { benchJoiners, benchLeavers, benchRecovery } from './burst.ts'
import { benchBusy } from './busy.ts'
import { benchIdle } from './idle.ts'
import { benchLdap } from './ldap.ts'
import { benchLeaver } from './leaver.ts'
import { benchMemory, benchPlan } from './plan.ts'
import { benchPolicy } from './policy.ts'
import { say } from './report.ts'
import type { Measurement } from './report.ts'
import { benchHanging, benchNoRedis, benchPlanning } from './trouble.ts'
import { benchSamba } from './samba.ts'

/** Every answer of a server that is not near is so late, ms. */
const far = 2

const benchmarks: Readonly<Record<string, () => readonly Measurement[] | Promise<readonly Measurement[]>>> = {
  policy: benchPolicy,
  plan: benchPlan,
  ldap: benchLdap,
  leaver: () => benchLeaver(),
  joiners: () => benchJoiners(),
  leavers: () => benchLeavers(),
  recovery: benchRecovery,
  busy: () => benchBusy(),
  planning: benchPlanning,
  hanging: benchHanging,
  'no-redis': benchNoRedis,
  idle: benchIdle,
  'leaver-far': () => benchLeaver(far),
  'busy-far': () => benchBusy(far),
  'joiners-far': () => benchJoiners(far),
  'leavers-far': () => benchLeavers(far),
  memory: benchMemory,
  samba: benchSamba,
}

/** One word for several. */
const groups: Readonly<Record<string, readonly string[]>> = {
  burst: ['joiners', 'leavers'],
  far: ['leaver-far', 'busy-far', 'joiners-far', 'leavers-far'],
}

const asked = process.argv.slice(2).flatMap((name) => groups[name] ?? [name])
const unknown = asked.filter((name) => benchmarks[name] === undefined)
if (unknown.length > 0) {
  say(`no benchmark is called ${unknown.join(', ')}; there are: ${Object.keys(benchmarks).join(', ')}`)
  process.exit(64)
}

const lines: Measurement[] = []
for (const [name, benchmark] of Object.entries(benchmarks)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  say(`measuring ${name}`)
  lines.push(...(await benchmark()))
}
console.log(render(lines))

function render(measurements: readonly Measurement[]): string {
  const table = new Table({
    head: ['what', 'figure', 'limit', 'ratio', 'target', 'met'],
    style: { head: [], border: [] },
  })
  for (const one of measurements) {
    const met = one.met === null ? '' : one.met ? 'yes' : 'NO'
    table.push([one.what, one.figure, one.limit, one.ratio, one.target, met])
  }
  const notes = measurements.flatMap((one) => (one.note === undefined ? [] : [`${one.what}: ${one.note}.`]))
  const missed = measurements.filter((one) => one.met === false).length
  const verdict =
    missed === 0
      ? 'Every target is met.'
      : `${missed} of ${measurements.filter((one) => one.met !== null).length} targets are NOT met.`
  return [table.toString(), '', ...notes, '', verdict].join('\n')
}
