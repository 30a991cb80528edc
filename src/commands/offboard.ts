import type { Command } from 'commander'
import colours from 'picocolors'
import { KeyturnError } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import { DAY, MINUTE } from '../model/instant.ts'
import type { Override } from '../model/running.ts'
import {
  openByHand,
  renderCarried,
  renderForgotten,
  renderNotGivenBack,
  renderOwed,
  renderUnwritten,
} from '../report/carried.ts'
import { renderPlan } from '../report/plan.ts'
import { renderStanding } from '../report/words.ts'
import { showInstant } from '../report/text.ts'
import type { Carried, Waiting } from '../server/carrying.ts'
import { openInForce } from './in-force.ts'
import type { Keyturn } from '../server/context.ts'
import { offboard, previewUndo, undo } from '../server/operating.ts'
import type { Undone } from '../server/operating.ts'
import { isSpoolWatched, rolesOf, whoRuns } from '../server/who-runs.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'
import { findPerson } from './person.ts'
import { reasonOf } from './reason.ts'
import { durationOf, untilOf } from './until.ts'

interface Options {
  readonly reason: string
  readonly until?: string
  readonly wait?: string
  readonly undo?: boolean
  readonly confirm?: boolean
}

/** An undone offboarding stands above HR's word for so long, unless something else is said. */
const usualUndo = 30 * DAY
/** How long an operator is kept waiting before what is left is shown as owed. */
const usualWait = MINUTE

export function define(command: Command, runner: Runner): void {
  command
    .argument('<person>', 'key, source:key, mail address or account name')
    .requiredOption('--reason <text>', 'why; it goes into the audit and is shown wherever the person is shown')
    .option(
      '--until <when>',
      'when the word ends: 2026-12-31, 2026-12-31T18:00, or 7d from now; else until it is undone',
    )
    .option('--wait <time>', 'how long to wait for a platform that does not answer, such as 10s or 5m', '1m')
    .option('--undo', 'take an offboarding back: show the plan; with --confirm carry it out')
    .option('--confirm', 'with --undo: carry it out')
    .addHelpText(
      'after',
      '\nPasses every limit for this one person, needs no daemon and no queue, and waits for the proof.' +
        '\nExit code: 0 every account is shut and proven, 1 something is still owed, 2 something was withheld,' +
        '\nor a protected account is open, which only people shut.',
    )
    .action(act<Options>(runner, run))
}

async function run(invocation: Invocation, options: Options, args: readonly string[]): Promise<ExitCode> {
  if (options.confirm === true && options.undo !== true) throw new KeyturnError('usage', '--confirm belongs to --undo')
  const reason = reasonOf(options.reason)
  const patience = options.wait === undefined ? usualWait : durationOf('--wait', options.wait)
  await using keyturn = await openInForce(invocation, { readOnly: false, orReading: true })
  const identity = await findPerson(keyturn, [], args[0] ?? '')
  const until = untilOf(options.until, keyturn)
  const waiting = waitingOf(invocation, patience)
  if (options.undo === true) {
    const word = { reason, until: until ?? keyturn.clock() + usualUndo }
    if (options.confirm !== true) return await preview(invocation, keyturn, identity, word)
    const undone = await undo(keyturn, identity, word, waiting)
    return await answer(invocation, keyturn, identity, undone, undoneWords(keyturn, identity, word.until, undone))
  }
  return await answer(invocation, keyturn, identity, await offboard(keyturn, identity, { reason, until }, waiting))
}

/** Nobody stares at a silent terminal: what does not succeed at once is said at once. */
function waitingOf({ signal, json }: Invocation, patience: number): Waiting {
  return {
    signal,
    patience,
    onTrouble({ platform, lastError }) {
      if (json) return
      const why = lastError?.message ?? 'unknown why'
      process.stderr.write(
        `${colours.yellow(platform)} ${why}\nIt is tried on for up to ${patience / 1000} s; Ctrl-C ends the waiting, and what is owed stays owed.\n`,
      )
    },
  }
}

async function preview(
  invocation: Invocation,
  keyturn: Keyturn,
  identity: Identity,
  word: { readonly reason: string; readonly until: Instant },
): Promise<ExitCode> {
  const { plan, blind, freezes, notGivenBack } = await previewUndo(keyturn, identity, word, invocation.signal)
  invocation.answer({ identity: identity.id, plan, blind, freezes, notGivenBack, until: word.until })
  invocation.say(renderPlan(plan, Number.POSITIVE_INFINITY))
  for (const platform of blind) invocation.say(colours.red(`${platform} does not answer: nothing is planned there.`))
  sayUnlessEmpty(invocation, renderNotGivenBack(notGivenBack))
  const { timezone } = keyturn.settings.organisation
  sayUnlessEmpty(invocation, frozenWords(freezes, timezone))
  const end = showInstant(word.until, timezone)
  invocation.say(
    `\nNothing was done. ${identity.id} would be active by your word until ${end}, whatever HR says.` +
      '\nTo carry it out: the same command with --confirm.',
  )
  return 2
}

/** What is said of a return besides: what does not come back, who still cannot sign in, and for how long the word counts. */
function undoneWords(
  { settings }: Keyturn,
  { id }: Identity,
  until: Instant,
  { freezes, notGivenBack, undelivered }: Undone,
): readonly string[] {
  const { timezone } = settings.organisation
  const end = showInstant(until, timezone)
  return [
    renderNotGivenBack(notGivenBack),
    ...undelivered.map((platform) =>
      colours.yellow(`${platform} has no delivery: nobody knows the new password there. Set one by hand.`),
    ),
    `${id} is active by your word until ${end}, whatever HR says; "keyturn override ${id} --end --reason TEXT" ends that.`,
    frozenWords(freezes, timezone),
  ]
}

function frozenWords(freezes: readonly Override[], zone: string): string {
  if (freezes.length === 0) return ''
  return `${colours.red('NOTHING is opened while the freeze stands.')}\n${renderStanding(freezes, zone)}`
}

async function answer(
  invocation: Invocation,
  keyturn: Keyturn,
  identity: Identity,
  carried: Carried & Partial<Undone>,
  more: readonly string[] = [],
): Promise<ExitCode> {
  const { obligations, plan, blind, forgotten, audit, since, unwritten } = carried
  const { withheld } = plan
  const running = rolesOf(await whoRuns(keyturn))
  const { freezes, notGivenBack, undelivered } = carried
  const word = { identity: identity.id, since, unwritten, freezes, notGivenBack, undelivered }
  const isDaemonRunning = unwritten === undefined ? running.has('workers') : await isSpoolWatched(keyturn)
  const stillOpen = openByHand(identity.id, plan)
  invocation.answer({ ...word, obligations, withheld, stillOpen, blind, forgotten, audit, isDaemonRunning })
  invocation.say(renderCarried(identity, carried))
  for (const words of [renderForgotten(carried), ...more]) sayUnlessEmpty(invocation, words)
  sayUnlessEmpty(
    invocation,
    unwritten === undefined ? renderOwed(carried, running) : renderUnwritten(unwritten, isDaemonRunning),
  )
  const isOwed =
    unwritten !== undefined ||
    forgotten.length > 0 ||
    obligations.some(({ state }) => state !== 'settled') ||
    blind.length > 0
  if (isOwed) return 1
  return withheld.length > 0 || stillOpen.length > 0 ? 2 : 0
}

function sayUnlessEmpty(invocation: Invocation, text: string): void {
  if (text !== '') invocation.say(text)
}
