import type { Command } from 'commander'
import { Option } from 'commander'
import { KeyturnError } from '../model/errors.ts'
import { renderStanding } from '../report/words.ts'
import { showEnd } from '../report/text.ts'
import { openInForce } from './in-force.ts'
import { isUnwritable } from '../server/daemon/rescue.ts'
import { wordOf } from '../server/operating.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'
import { findPerson } from './person.ts'
import { reasonOf } from './reason.ts'
import { untilOf } from './until.ts'

interface Options {
  readonly state?: 'active' | 'left'
  readonly until?: string
  readonly end?: boolean
  readonly reason: string
}

type Kind = 'state' | 'freeze'

export function define(command: Command, runner: Runner): void {
  command.addOption(new Option('--state <state>', 'what the person is, whatever HR says').choices(['active', 'left']))
  defineWord(command, runner, 'state')
}

/** What `override` and `freeze` have in common. */
export function defineWord(command: Command, runner: Runner, kind: Kind): void {
  command
    .argument('<person>', 'key, source:key, mail address or account name')
    .option('--until <when>', 'when it ends: 2026-12-31, 2026-12-31T18:00, or 7d from now')
    .option('--end', 'end it now')
    .requiredOption('--reason <text>', 'why; it goes into the audit and is shown wherever the person is shown')
    .action(act<Options>(runner, (invocation, options, args) => run(invocation, options, args, kind)))
}

async function run(invocation: Invocation, options: Options, args: readonly string[], kind: Kind): Promise<ExitCode> {
  checkWord(options, kind)
  const reason = reasonOf(options.reason)
  await using keyturn = await orNotRecorded(openInForce(invocation, { readOnly: false }))
  const { ledger, clock, operator, correlation, settings } = keyturn
  const identity = await findPerson(keyturn, [], args[0] ?? '')
  const { id } = identity
  const what = kind === 'freeze' ? 'freeze' : 'override'
  if (options.end === true) {
    const ended = await orNotRecorded(ledger.endOverride(id, kind, operator, reason, clock(), correlation))
    if (!ended) throw new KeyturnError('not-found', `no ${what} stands for ${id}`)
    const standing = await ledger.overrides(clock(), [id])
    invocation.answer({ identity: id, kind, ended, standing })
    const then = renderStanding(standing, settings.organisation.timezone)
    invocation.say(`The ${what} of ${id} is ended${then === '' ? ": the sources' word counts again" : ''}. ${next}`)
    if (then !== '') invocation.say(then)
    return 0
  }
  const until = untilOf(options.until, keyturn)
  const state = options.state ?? null
  const word = wordOf(keyturn, identity, { kind, state, emergency: false, reason, until })
  const made = await orNotRecorded(ledger.override(word, correlation))
  invocation.answer({ override: made })
  const end = showEnd(until, settings.organisation.timezone)
  invocation.say(
    kind === 'freeze'
      ? `${id} is frozen ${end}: nothing but revocation happens to this person's accounts.`
      : `${id} is ${state ?? ''} by your word ${end}, whatever the sources say. ${next}`,
  )
  return 0
}

const next = 'A running daemon acts on it at once; otherwise "keyturn apply" does.'

/** Of these words the spool takes none: it is for who must be shut. Whoever said one must know that nothing remembers it. */
async function orNotRecorded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof KeyturnError) || !isUnwritable(error)) throw error
    throw new KeyturnError(error.code, `Your word was NOT recorded. ${error.message}`, {
      cause: error,
      hint: [error.hint ?? '', 'Then give this command again.'].join(' ').trim(),
    })
  }
}

/** Throws KeyturnError `usage`. */
function checkWord({ state, until, end }: Options, kind: Kind): void {
  if (end === true && (state !== undefined || until !== undefined)) {
    throw new KeyturnError('usage', '--end ends what stands: it takes neither --state nor --until')
  }
  if (end !== true && kind === 'state' && state === undefined) {
    throw new KeyturnError('usage', 'override takes --state active, --state left, or --end')
  }
}
