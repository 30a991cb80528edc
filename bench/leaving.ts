// People leave one by one: from the feed's rename to the platform's refusal of the old password, and where the time goes.
import { setTimeout as sleep } from 'node:timers/promises'
import { Attribute, Change, Client } from 'ldapts'
import { percentile } from './daemon.ts'
import type { LogLine, RunningDaemon } from './daemon.ts'
import type { Feed } from './feed.ts'
import { manager, places } from './ldap.ts'

const oldPassword = 'The-old-password-1'

export interface Leaver {
  readonly key: string
  readonly dn: string
}

/** Where people leave. */
export interface Site {
  readonly daemon: RunningDaemon
  readonly feed: Feed
  /** The server itself, not a proxy before it: what is true there is what counts. */
  readonly url: string
}

/** ms after the rename. */
export type Steps = Readonly<Record<string, number>>

export interface Left {
  /** From the rename to the refusal, ms. */
  readonly took: readonly number[]
  readonly steps: readonly Steps[]
}

/** So many people from all over the directory, each with a password that is known. */
export async function chooseLeavers(url: string, count: number): Promise<readonly Leaver[]> {
  const client = new Client({ url })
  await client.bind(manager.dn, manager.password)
  const { searchEntries } = await client.search(places.people, {
    filter: '(objectClass=inetOrgPerson)',
    attributes: ['employeeNumber'],
    sizeLimit: 0,
    paged: true,
  })
  const step = Math.floor(searchEntries.length / count)
  const leavers = searchEntries.filter((_, index) => index % step === 0).slice(0, count)
  for (const { dn } of leavers) {
    const modification = new Attribute({ type: 'userPassword', values: [oldPassword] })
    await client.modify(dn, new Change({ operation: 'replace', modification }))
  }
  await client.unbind()
  return leavers.map(({ dn, employeeNumber }) => ({ dn, key: String(employeeNumber) }))
}

/** Tries the old password again and again, every millisecond or as fast as the server answers; resolves when it is refused. */
export async function refused(url: string, { dn }: Leaver, signal: AbortSignal): Promise<number> {
  const client = new Client({ url, timeout: 20_000 })
  try {
    while (!signal.aborted) {
      try {
        await client.bind(dn, oldPassword)
      } catch {
        return performance.now()
      }
      await sleep(1)
    }
    throw new Error(`${dn} could still sign in`)
  } finally {
    await client.unbind().catch(() => undefined)
  }
}

export interface Pace {
  /** At least so long from one leaver to the next, ms. */
  readonly every?: number
  /** Longer than that nobody's refusal is waited for, ms. */
  readonly patience?: number
  /** Asked before each: false ends it. */
  readonly goOn?: () => boolean
}

/** Each leaves when the one before is refused and proven. */
export async function leaveOneByOne(site: Site, leavers: readonly Leaver[], pace: Pace = {}): Promise<Left> {
  const took: number[] = []
  const steps: Steps[] = []
  for (const leaver of leavers) {
    if (pace.goOn?.() === false) break
    const rested = sleep(pace.every ?? 20)
    const one = await leaveOne(site, leaver, pace.patience ?? 60_000)
    took.push(one.refused ?? Number.NaN)
    steps.push(one)
    await rested
  }
  return { took, steps }
}

/** What measuring alone costs: the same feeds are written where nobody looks, and the same sign-ins tried, for so long. */
export async function pretendLeaving(
  { feed, url }: Site,
  leavers: readonly Leaver[],
  { every, tries, goOn }: { readonly every: number; readonly tries: number; readonly goOn: () => boolean },
): Promise<void> {
  for (const leaver of leavers) {
    if (!goOn()) break
    const rested = sleep(every)
    await feed.pretend()
    await refused(url, leaver, AbortSignal.timeout(Math.ceil(tries))).catch(() => undefined)
    await rested
  }
}

async function leaveOne({ daemon, feed, url }: Site, leaver: Leaver, patience: number): Promise<Steps> {
  feed.leave(leaver.key)
  const shut = refused(url, leaver, AbortSignal.timeout(patience))
  const from = daemon.log.length
  const began = Date.now()
  const at = await feed.write()
  // The writing of the file is not the daemon's; the log tells whole milliseconds since 1970.
  const renamed = began + (at - performance.now()) + (Date.now() - began)
  const refusedAfter =
    (await shut.catch((error: unknown) => {
      const last = daemon.log.slice(-20).map((line) => JSON.stringify(line))
      throw new Error(`the daemon said last:\n${last.join('\n')}`, { cause: error })
    })) - at
  await daemon.says('proof', from, isHere)
  return { ...stepsOf(daemon.log.slice(from), renamed), refused: refusedAfter }
}

/** The daemon's log lines in their order, each the end of a step, and what the step is. */
const marks: readonly (readonly [message: string, step: string])[] = [
  ['feed read', 'read and compared'],
  ['feed saved', 'saved'],
  ['urgent plan made', 'planned (accounts read)'],
  ['planned at once', 'admitted'],
  ['job begun', 'queued (BullMQ)'],
  ['claimed', 'claimed'],
  ['observed', 'observed'],
]

/** Of the platform whose refusal is waited for, where the line is about one. */
function isHere({ platform }: LogLine): boolean {
  return platform === undefined || platform === 'directory'
}

function stepsOf(lines: readonly LogLine[], renamed: number): Steps {
  const log = lines.filter(isHere)
  const noticedAt = log.find(({ msg }) => msg === 'feed read')?.['noticedAt']
  const at = (message: string) => (log.find(({ msg }) => msg === message)?.at ?? Number.NaN) - renamed
  return {
    noticed: Number(noticedAt ?? Number.NaN) - renamed,
    ...Object.fromEntries(marks.map(([message, step]) => [step, at(message)])),
    proof: at('proof'),
  }
}

/** A table of where the time goes: each step's own time, and when it is over, after the rename. */
export function explain(steps: readonly Steps[]): string {
  const order = ['noticed', ...marks.map(([, step]) => step), 'refused', 'proof']
  const lines = order.map((name, index) => {
    const ends = valuesOf(steps, (one) => one[name])
    const before = order[index - 1]
    const own = valuesOf(
      steps,
      (one) => (one[name] ?? Number.NaN) - (before === undefined ? 0 : (one[before] ?? Number.NaN)),
    )
    return `  ${name.padEnd(24)} ${ms(mean(own))} own time (mean)  ${ms(percentile(ends, 0.5))} p50  ${ms(percentile(ends, 0.99))} p99 after the rename`
  })
  return lines.join('\n')
}

function valuesOf(steps: readonly Steps[], of: (one: Steps) => number | undefined): readonly number[] {
  return steps.map((one) => of(one) ?? Number.NaN).filter((value) => !Number.isNaN(value))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function ms(value: number): string {
  return `${value.toFixed(1).padStart(7)} ms`
}

export function spread(took: readonly number[]): { readonly p50: number; readonly p99: number; readonly text: string } {
  const p50 = percentile(took, 0.5)
  const p99 = percentile(took, 0.99)
  return { p50, p99, text: `p50 ${p50.toFixed(p50 < 10 ? 1 : 0)} ms, p99 ${p99.toFixed(0)} ms` }
}
