import colours from 'picocolors'
import type { ErrorSummary } from '../model/errors.ts'
import type { AcceptedRead, RefusedRead, SetAside } from '../model/identity.ts'
import { SECOND } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Hold, ObligationStatus, OpenCount } from '../model/ledger.ts'
import { showPlace } from '../model/place.ts'
import { roles } from '../model/running.ts'
import type {
  HeldPeople,
  Hindrance,
  Override,
  PlatformState,
  ProcessState,
  RejectedLeavers,
  Restored,
  Role,
  SpoolState,
} from '../model/running.ts'
import { showWhy } from './plan.ts'
import { count, showDuration, showEnd, showInstant, showMoment, table, visible } from './text.ts'

/** How everything stands, as the ledger and the platforms tell. */
export interface Standing {
  readonly policyVersion: string
  readonly sources: readonly {
    readonly source: string
    readonly accepted: AcceptedRead | null
    /** The last refusal, unless a later read was accepted. */
    readonly refused: RefusedRead | null
  }[]
  readonly lanes: readonly OpenCount[]
  /** Failed, or owed after at least one try; the first of them. */
  readonly troubles: readonly ObligationStatus[]
  readonly holds: readonly Hold[]
  /** Empty when only the ledger was looked at. */
  readonly platforms: readonly { readonly platform: string; readonly error: ErrorSummary | null; readonly ms: number }[]
  /** Platforms as the daemon found them last. */
  readonly states: readonly PlatformState[]
  /** Processes of the daemon that live; empty: none does. */
  readonly processes: readonly ProcessState[]
  /** Operators' words that stand. */
  readonly overrides: readonly Override[]
  /** People whose source is not believed, and the first of them. */
  readonly held: HeldPeople
  readonly rejected: RejectedLeavers
  readonly hindrances: readonly Hindrance[]
  /** People who wait to be looked at. */
  readonly marked: number
  /** The ledger was restored from a backup, and no reconciliation has run since. */
  readonly restored: Restored | null
  readonly spool: SpoolState
  /** How long revocations of the last thirty days took, by where the time counts from; ms. */
  readonly timeToRevoke: readonly TimeToRevoke[]
}

export interface TimeToRevoke {
  readonly from: 'effective' | 'received' | 'admitted'
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly worst: number
}

interface PageOptions {
  readonly now: Instant
  readonly zone: string
  /** Mistakes of the configuration that the reader has seen already. */
  readonly told?: string | null
}

/** One page: who runs, what comes in, what is owed, how fast, and what waits for a person. */
export function renderStatus(standing: Standing, { now, zone, told = null }: PageOptions): string {
  return [
    restored(standing, zone),
    spool(standing, zone),
    processes(standing, { now, zone, told }),
    feeds(standing, zone),
    rowsSetAside(standing, zone),
    lanes(standing, now),
    troubles(standing, zone),
    times(standing),
    platforms(standing, zone),
    words(standing, zone),
    heldPeople(standing),
    rejectedLeavers(standing),
    hindrances(standing),
    holds(standing),
    `policy ${standing.policyVersion.slice(0, 12)}`,
  ]
    .filter((section) => section !== '')
    .join('\n\n')
}

function restored({ restored: state, sources }: Standing, zone: string): string {
  if (state === null) return ''
  const goesOn = [
    'Nothing is made, opened or granted until everybody and every platform was looked at. Revocations go on.',
    'A running daemon does that as soon as every feed and platform can be read; else "keyturn apply" does.',
  ]
  if (sources.every(({ accepted }) => accepted === null)) {
    const isNew = `The ledger is a new and empty one, and another stood here before (noticed ${showInstant(state.at, zone)}).`
    return [colours.red(isNew), 'If its file was deleted or moved, restore it from a backup.', ...goesOn].join('\n')
  }
  const until =
    state.knownUntil === null
      ? 'it is a new one, or does not say how old it is'
      : `it knows nothing after ${showInstant(state.knownUntil, zone)}`
  return [
    colours.red(`The ledger was restored from a backup (noticed ${showInstant(state.at, zone)}): ${until}.`),
    ...goesOn,
  ].join('\n')
}

/** A daemon cannot write into the ledger that it cannot write it. */
function spool({ spool: { records, people, trouble, unreadable } }: Standing, zone: string): string {
  const takes =
    trouble === null
      ? 'a running daemon takes them over within seconds, else "keyturn apply" does.'
      : 'the running daemon takes them over when it can be written again.'
  const who = count(people, 'person', 'people')
  const waiting = `${count(records, 'record')} about ${who} ${records === 1 ? 'waits' : 'wait'} in the spool beside the ledger: ${takes}`
  return [
    ...(trouble === null
      ? []
      : [
          colours.red(
            `The ledger cannot be written since ${showInstant(trouble.since, zone)}: ${visible(trouble.why)}`,
          ),
          'As long as it can be read, who must be shut is shut all the same; nothing else is done.',
        ]),
    ...(records === 0 ? [] : [colours.yellow(waiting)]),
    ...unreadable.map((name) => colours.red(`This user cannot read the spool ${visible(name)}: what waits there?`)),
  ].join('\n')
}

/** A daemon says every few seconds that it lives; one that was killed says nothing any more. */
const silentAfter = 15 * SECOND

function processes(
  { processes: running, policyVersion, spool: { trouble } }: Standing,
  { now, zone, told = null }: PageOptions,
): string {
  if (running.length === 0 && trouble !== null)
    return 'A daemon runs on this machine; who else runs cannot be seen while the ledger cannot be written.'
  if (running.length === 0)
    return colours.yellow('No daemon runs: nothing happens until "keyturn run" or "keyturn apply".')
  const lines = running.map((one) => {
    const policy =
      one.policyVersion === policyVersion ? '' : colours.yellow('  with another policy than the files hold')
    const silence = now - one.seenAt
    const silent = silence < silentAfter ? '' : colours.red(`  not heard from for ${showDuration(silence)}`)
    return `daemon ${one.id}  ${one.roles.join(', ')}  since ${showInstant(one.startedAt, zone)}${policy}${silent}`
  })
  const refused = [...new Set(running.flatMap(({ refusedConfig }) => refusedConfig ?? []))]
  return [
    ...lines,
    ...lackingRoles(running),
    ...refused.map((why) =>
      colours.red(
        `The configuration on disk is refused; the last good one stays in force${told?.includes(why) === true ? ' (why: above).' : `:\n${why}`}`,
      ),
    ),
  ].join('\n')
}

const lacks: Readonly<Record<Role, string>> = {
  intake: 'NO feed is read, no date is acted on, and nobody is planned',
  workers: 'NOTHING that is owed is done, and nobody is shut out',
  server: 'nobody is notified, and /healthz, /readyz and /metrics do not answer',
}

/** Each process may be in order by itself, and yet a part of the work is nobody's. */
function lackingRoles(running: readonly ProcessState[]): readonly string[] {
  return roles
    .filter((role) => !running.some((one) => one.roles.includes(role)))
    .map((role) => {
      const text = `No running daemon has the role ${role}: ${lacks[role]}, until "keyturn run --only ${role}" runs.`
      return role === 'server' ? colours.yellow(text) : colours.red(text)
    })
}

function feeds({ sources }: Standing, zone: string): string {
  const rows = sources.map(({ source, accepted, refused }) => [
    source,
    accepted === null ? 'never' : showInstant(accepted.at, zone),
    accepted === null ? '' : `${accepted.rows} rows, ${accepted.active} active`,
    refused === null ? '' : colours.red(`${showInstant(refused.at, zone)}: ${refused.why}`),
  ])
  return table(['feed', 'last accepted', 'what it holds', 'last read was refused'], rows)
}

function rowsSetAside({ sources }: Standing, zone: string): string {
  const lines = sources.flatMap(({ source, accepted }) => {
    const { rows, since, first } = accepted?.setAside ?? nothingSetAside
    if (rows === 0) return []
    const what = `${count(rows, 'row')} of ${source} set aside since ${showInstant(since, zone)}`
    const rest = rows > first.length ? [`  and ${rows - first.length} more`] : []
    const places = first.map(({ place, path }) => `  ${showPlace(place)}  ${visible(path)}`.trimEnd())
    return [colours.yellow(`${what}: nothing changes for their people; keyturn plan`), ...places, ...rest]
  })
  return lines.join('\n')
}

const nothingSetAside: SetAside = { rows: 0, since: 0, first: [] }

function lanes({ lanes: open, marked, spool: { records } }: Standing, now: Instant): string {
  const waiting =
    marked === 0
      ? ''
      : `${count(marked, 'mark')} to look at somebody again: a running daemon answers them, or the next apply.`
  const nothing = records === 0 ? 'Nothing is owed.' : 'Nothing is owed besides what waits in the spool.'
  if (open.length === 0) return [nothing, waiting].filter((line) => line !== '').join('\n')
  const rows = open.map((lane) => [
    lane.platform,
    lane.lane,
    lane.owed,
    lane.waiting,
    lane.failed,
    lane.oldest === null ? '' : showDuration(now - lane.oldest),
  ])
  return [table(['platform', 'lane', 'owed', 'waiting', 'failed', 'oldest'], rows), waiting]
    .filter((line) => line !== '')
    .join('\n')
}

function troubles({ troubles: open }: Standing, zone: string): string {
  if (open.length === 0) return ''
  const lines = open.map((one) => {
    const next = one.nextTryAt === null ? '' : `  next try ${showMoment(one.nextTryAt, zone)}`
    return `  ${colours.red(one.state)}  ${one.platform}  ${one.identity}  ${one.lastError?.message ?? ''}${next}`
  })
  return [colours.bold('Not done'), ...lines].join('\n')
}

const beginnings: Readonly<Record<string, string>> = {
  effective: 'the date that was to end access',
  received: 'noticing it',
  admitted: 'admitting it',
}

function times({ timeToRevoke }: Standing): string {
  if (timeToRevoke.length === 0) return ''
  const rows = timeToRevoke.map(({ from, count: revocations, p50, p95, p99, worst }) => [
    beginnings[from] ?? from,
    revocations,
    ...[p50, p95, p99, worst].map(showDuration),
  ])
  return table(['time to the proof, from', 'revocations in 30 days', 'p50', 'p95', 'p99', 'worst'], rows)
}

function platforms({ platforms: asked, states }: Standing, zone: string): string {
  const lines = asked.map(({ platform, error, ms }) => {
    const health =
      error === null ? `${colours.green('up')}  (${showDuration(ms)})` : `${colours.red('down')}  ${error.message}`
    return `${platform}  ${health}`
  })
  const known = new Set(asked.map(({ platform }) => platform))
  const paused = states
    .filter(({ state, platform }) => state === 'down' && !known.has(platform))
    .map(({ platform, since, error }) => {
      return `${platform}  ${colours.red('down')} since ${showInstant(since, zone)}  ${error?.message ?? ''}`
    })
  return [...lines, ...paused].join('\n')
}

function words({ overrides }: Standing, zone: string): string {
  if (overrides.length === 0) return ''
  const lines = overrides.map(({ identity, kind, state, until, reason, operator }) => {
    return `  ${identity}  ${kind === 'freeze' ? 'frozen' : (state ?? '')} ${showEnd(until, zone)}, by ${operator}: ${visible(reason)}`
  })
  return [colours.bold("Operators' words"), ...lines].join('\n')
}

const mostHeld = 5

function rejectedLeavers({ rejected: { count: people, first } }: Standing): string {
  if (people === 0) return ''
  const lines = first.map(({ identity, platform, hold }) => `  ${identity}  on ${platform}, rejected in hold ${hold}`)
  const others = people - first.length
  const heading = `${count(people, 'account')} of people who left ${people === 1 ? 'stays' : 'stay'} open because somebody rejected shutting:`
  return [heading, ...lines, ...(others > 0 ? [`  and ${others} more`] : [])].join('\n')
}

function heldPeople({ held: { count: people, first } }: Standing): string {
  if (people === 0) return ''
  const named = first.slice(0, mostHeld)
  const lines = named.map(({ identity, held }) => `  ${identity}  ${visible(held)}`)
  const more = people > named.length ? [`  and ${people - named.length} more`] : []
  const what = people === 1 ? '1 person is held' : `${people} people are held`
  return [colours.yellow(`${what}: the source is not believed, and all stays as before`), ...lines, ...more].join('\n')
}

/** Nobody can release these: the first texts say what is to be put right. */
function hindrances({ hindrances: found }: Standing): string {
  const lines = found.flatMap(({ platform, why, keptOut, people, first }) => {
    const named = first.slice(0, mostHeld)
    const who = count(people, 'person', 'people')
    const heading = keptOut
      ? colours.red(`${who} to be shut may still have access on ${platform}, ${showWhy(why)}`)
      : colours.yellow(`${who} ${people === 1 ? 'is' : 'are'} not as they should be on ${platform}, ${showWhy(why)}`)
    const more = people > named.length ? [`  and ${people - named.length} more: keyturn plan`] : []
    return [heading, ...named.map(({ identity, text }) => `  ${identity}  ${visible(text)}`), ...more]
  })
  return lines.join('\n')
}

function holds({ holds: open }: Standing): string {
  if (open.length === 0) return 'Nothing is held.'
  const items = open.flatMap((hold) => hold.items.filter(({ status }) => status === 'open'))
  const people = new Set(items.map(({ identity }) => identity)).size
  const what = `${count(items.length, 'change')} of ${count(people, 'person', 'people')}`
  return colours.yellow(`${what} in ${count(open.length, 'hold')}, not done until you decide: keyturn holds`)
}
