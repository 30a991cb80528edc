import type { Command } from 'commander'
import colours from 'picocolors'
import type { Instant } from '../model/instant.ts'
import { count, showDuration, showInstant, table } from '../report/text.ts'
import { openKeyturn } from '../server/context.ts'
import { readStatus } from '../server/status.ts'
import type { Status } from '../server/status.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'

interface Options {
  readonly offline?: boolean
}

export function define(command: Command, runner: Runner): void {
  command
    .option('--offline', 'look into the ledger only, at no platform')
    .addHelpText(
      'after',
      '\nExit code: 0 nothing open, 2 something is owed, failed or held or a feed is refused, 1 a platform cannot be reached.',
    )
    .action(act<Options>(runner, status))
}

async function status(invocation: Invocation, options: Options): Promise<ExitCode> {
  await using keyturn = await openKeyturn({ config: invocation.config, readOnly: true })
  const now = keyturn.clock()
  const found = await readStatus(keyturn, { offline: options.offline === true, signal: invocation.signal })
  const zone = keyturn.settings.organisation.timezone
  invocation.answer(found)
  invocation.say(
    [feeds(found, zone), lanes(found, now), troubles(found, zone), platforms(found), holds(found)]
      .filter((section) => section !== '')
      .join('\n\n'),
  )
  invocation.say(`\npolicy ${found.policyVersion.slice(0, 12)}`)
  if (found.platforms.some((platform) => platform.error !== null)) return 1
  const open = found.lanes.some((lane) => lane.owed + lane.failed + lane.waiting > 0)
  const refused = found.sources.some((source) => source.refused !== null)
  return open || refused || found.holds.length > 0 ? 2 : 0
}

function feeds(found: Status, zone: string): string {
  const rows = found.sources.map(({ source, accepted, refused }) => [
    source,
    accepted === null ? 'never' : showInstant(accepted.at, zone),
    accepted === null ? '' : `${accepted.rows} rows, ${accepted.active} active`,
    refused === null ? '' : colours.red(`${showInstant(refused.at, zone)}: ${refused.why}`),
  ])
  return table(['feed', 'last accepted', 'what it holds', 'refused since'], rows)
}

function lanes(found: Status, now: Instant): string {
  if (found.lanes.length === 0) return 'Nothing is owed.'
  const rows = found.lanes.map((lane) => [
    lane.platform,
    lane.lane,
    lane.owed,
    lane.waiting,
    lane.failed,
    lane.oldest === null ? '' : showDuration(now - lane.oldest),
  ])
  return table(['platform', 'lane', 'owed', 'waiting', 'failed', 'oldest'], rows)
}

function troubles(found: Status, zone: string): string {
  if (found.troubles.length === 0) return ''
  const lines = found.troubles.map((one) => {
    const next = one.nextTryAt === null ? '' : `  next try ${showInstant(one.nextTryAt, zone)}`
    return `  ${colours.red(one.state)}  ${one.platform}  ${one.identity}  ${one.lastError?.message ?? ''}${next}`
  })
  return [colours.bold('Not done'), ...lines].join('\n')
}

function platforms(found: Status): string {
  if (found.platforms.length === 0) return ''
  return found.platforms
    .map(({ platform, error, ms }) => {
      const health =
        error === null ? `${colours.green('up')}  (${showDuration(ms)})` : `${colours.red('down')}  ${error.message}`
      return `${platform}  ${health}`
    })
    .join('\n')
}

function holds(found: Status): string {
  if (found.holds.length === 0) return 'Nothing is held.'
  const total = found.holds.reduce((sum, hold) => sum + hold.items.filter((item) => item.status === 'open').length, 0)
  return `${count(total, 'change')} in ${count(found.holds.length, 'hold')}: keyturn holds`
}
