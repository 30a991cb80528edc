import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { SECOND } from '../model/instant.ts'
import { renderStatus } from '../report/status.ts'
import type { Standing } from '../report/status.ts'
import { openInForce } from './in-force.ts'
import type { Keyturn } from '../server/context.ts'
import { readStatus } from '../server/status.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'

interface Options {
  readonly offline?: boolean
  readonly watch?: boolean
}

const lookEvery = 2 * SECOND
/** Clears the terminal and puts the cursor into its corner (ECMA-48: ED, CUP). */
const clear = '\u001B[2J\u001B[H'

export function define(command: Command, runner: Runner): void {
  command
    .option('--offline', 'look into the ledger only, at no platform')
    .option('--watch', 'look again every two seconds, until Ctrl-C')
    .addHelpText(
      'after',
      '\nExit code: 0 nothing open, 2 something is owed, failed, held, withheld or set aside, somebody waits to be looked at, a feed or the configuration is refused, the ledger was restored or cannot be written, 1 a platform cannot be reached.',
    )
    .action(act<Options>(runner, status))
}

async function status(invocation: Invocation, options: Options): Promise<ExitCode> {
  let told: string | null = null
  const onRefused = (why: string) => {
    told = why
  }
  await using keyturn = await openInForce(invocation, { readOnly: true, onRefused })
  // The last look, after Ctrl-C, must not end with it.
  const { signal } = new AbortController()
  const read = () => readStatus(keyturn, { offline: options.offline === true, signal })
  if (options.watch === true && !invocation.json) await watch(invocation, keyturn, read)
  const found = await read()
  invocation.answer(found)
  invocation.say(render(keyturn, found, told))
  if (found.platforms.some((platform) => platform.error !== null)) return 1
  const open = found.lanes.some((lane) => lane.owed + lane.failed + lane.waiting > 0) || found.marked > 0
  const refused = found.sources.some(
    ({ refused: why, accepted }) => why !== null || (accepted?.setAside?.rows ?? 0) > 0,
  )
  const held = found.holds.length > 0 || found.held.count > 0 || found.rejected.count > 0 || found.hindrances.length > 0
  const isOldPolicy = found.processes.some(({ refusedConfig }) => refusedConfig !== null)
  const { records, trouble, unreadable } = found.spool
  const isSpooled = records > 0 || trouble !== null || unreadable.length > 0
  return open || refused || held || isOldPolicy || isSpooled || found.restored !== null ? 2 : 0
}

async function watch(invocation: Invocation, keyturn: Keyturn, read: () => Promise<Standing>): Promise<void> {
  while (!invocation.signal.aborted) {
    const page = render(keyturn, await read(), null)
    if (process.stdout.isTTY) process.stdout.write(clear)
    invocation.say(page)
    await sleep(lookEvery, undefined, { signal: invocation.signal }).catch(() => undefined)
  }
}

/** `told`: the mistakes of the configuration that stand above already. */
function render({ clock, settings }: Keyturn, found: Standing, told: string | null): string {
  return renderStatus(found, { now: clock(), zone: settings.organisation.timezone, told })
}
