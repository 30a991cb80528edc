import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { roles } from '../model/running.ts'
import type { Role } from '../model/running.ts'
import { count } from '../report/text.ts'
import { runDaemon } from '../server/daemon.ts'
import { act } from './command.ts'
import type { ExitCode, Invocation, Runner } from './command.ts'

interface Options {
  readonly only?: readonly Role[]
  readonly debug?: boolean
}

export function define(command: Command, runner: Runner): void {
  command
    .option('--only <roles>', `some of: ${roles.join(', ')}; several processes then share the work`, rolesOf)
    .option('--debug', 'log every step')
    .addHelpText(
      'after',
      '\nLogs go to standard error: JSON lines, or readable ones on a terminal. SIGHUP reads the configuration anew.' +
        '\nThe first SIGINT or SIGTERM ends after what is being written, the second at once.',
    )
    .action(act<Options>(runner, run))
}

function rolesOf(text: string): readonly Role[] {
  const given = text.split(',').map((one) => one.trim())
  const unknown = given.filter((one) => !roles.some((role) => role === one))
  if (unknown.length === 0) return given as readonly Role[]
  throw new InvalidArgumentError(`"${unknown.join('", "')}" is no role; there are: ${roles.join(', ')}.`)
}

async function run(invocation: Invocation, options: Options): Promise<ExitCode> {
  const left = await runDaemon({
    config: invocation.config,
    only: options.only ?? null,
    debug: options.debug === true,
    signal: invocation.signal,
  })
  invocation.answer({ stopped: true, ...left })
  invocation.say(
    left.owed === 0
      ? 'Stopped. Nothing is owed.'
      : `Stopped. ${count(left.owed, 'obligation')} still owed, ${count(left.revocations, 'revocation')} among them: kept in the ledger, and carried out from the next start on.`,
  )
  return 0
}
