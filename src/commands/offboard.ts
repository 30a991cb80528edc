import type { Command } from 'commander'
import colours from 'picocolors'
import { KeyturnError } from '../model/errors.ts'
import type { Instant } from '../model/instant.ts'
import { DAY } from '../model/instant.ts'
import { renderCarried } from '../report/carried.ts'
import { renderPlan } from '../report/plan.ts'
import { openKeyturn } from '../server/context.ts'
import type { Keyturn } from '../server/context.ts'
import { offboard, previewUndo, undo } from '../server/operating.ts'
import type { Carried } from '../server/operating.ts'
import type { Identity } from '../model/identity.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'
import { findPerson } from './person.ts'
import { untilOf } from './until.ts'

interface Options {
  readonly reason: string
  readonly until?: string
  readonly undo?: boolean
  readonly confirm?: boolean
}

/** An undone offboarding stands above HR's word for so long, unless something else is said. */
const usualUndo = 30 * DAY

export function define(command: Command, runner: Runner): void {
  command
    .argument('<person>', 'key, source:key, mail address or account name')
    .requiredOption('--reason <text>', 'why; it goes into the audit and is shown wherever the person is shown')
    .option('--until <when>', 'when the word ends: 2026-12-31, 2026-12-31T18:00, or 7d from now')
    .option('--undo', 'take an offboarding back: show the plan; with --confirm carry it out')
    .option('--confirm', 'with --undo: carry it out')
    .addHelpText(
      'after',
      '\nPasses every limit for this one person, needs no daemon and no queue, and waits for the proof.' +
        '\nExit code: 0 every account is shut and proven, 1 something is still owed, 2 something was withheld.',
    )
    .action(act<Options>(runner, run))
}

async function run(invocation: Invocation, options: Options, args: readonly string[]): Promise<ExitCode> {
  if (options.confirm === true && options.undo !== true) throw new KeyturnError('usage', '--confirm belongs to --undo')
  await using keyturn = await openKeyturn({ config: invocation.config, readOnly: false })
  const identity = await findPerson(keyturn, [], args[0] ?? '')
  const until = untilOf(options.until, keyturn)
  if (options.undo === true) return takeBack(invocation, keyturn, identity, options, until)
  const carried = await offboard(keyturn, identity, { reason: options.reason, until }, invocation.signal)
  return answer(invocation, keyturn, identity, carried)
}

async function takeBack(
  invocation: Invocation,
  keyturn: Keyturn,
  identity: Identity,
  { reason, confirm }: Options,
  until: Instant | null,
): Promise<ExitCode> {
  const word = { reason, until: until ?? keyturn.clock() + usualUndo }
  if (confirm === true) {
    return answer(invocation, keyturn, identity, await undo(keyturn, identity, word, invocation.signal))
  }
  const { plan, blind } = await previewUndo(keyturn, identity, word, invocation.signal)
  invocation.answer({ plan, blind, until: word.until })
  invocation.say(renderPlan(plan, Number.POSITIVE_INFINITY))
  for (const platform of blind) invocation.say(colours.red(`${platform} does not answer: nothing is planned there.`))
  invocation.say(
    `\nNothing was done. ${identity.id} would be active by your word until ${new Date(word.until).toISOString()}, whatever HR says.` +
      '\nTo carry it out: the same command with --confirm.',
  )
  return 2
}

function answer(invocation: Invocation, keyturn: Keyturn, identity: Identity, carried: Carried): ExitCode {
  const { obligations, plan, blind, audit, since } = carried
  invocation.answer({ identity: identity.id, since, obligations, withheld: plan.withheld, blind, audit })
  invocation.say(renderCarried(identity, carried, { zone: keyturn.settings.organisation.timezone }))
  const isOwed = obligations.some(({ state }) => state !== 'settled') || blind.length > 0
  if (isOwed) return 1
  return plan.withheld.length > 0 ? 2 : 0
}
