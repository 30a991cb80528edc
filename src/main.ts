import { Command, CommanderError } from 'commander'
import { addAdopt } from './commands/adopt.ts'
import { addApply } from './commands/apply.ts'
import { addCheck } from './commands/check.ts'
import type { ExitCode, Runner } from './commands/command.ts'
import { addDemo } from './commands/demo.ts'
import { addDoctor } from './commands/doctor.ts'
import { addExplain } from './commands/explain.ts'
import { addHolds } from './commands/holds.ts'
import { addInit } from './commands/init.ts'
import { addPlan } from './commands/plan.ts'
import { addStatus } from './commands/status.ts'

/** Commander's own codes for "help or version was shown": these are no mistakes. */
const shown = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version'])

async function main(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = 0
  const stop = new AbortController()
  const runner: Runner = {
    signal: stop.signal,
    finish: (finished) => {
      code = finished
    },
  }
  onSignals(stop)
  const program = build(runner)
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return shown.has(error.code) && args.length > 0 ? 0 : 64
  }
}

function build(runner: Runner): Command {
  const program = new Command('keyturn')
    .description('Keeps accounts equal to what HR says.')
    .version('0.1.0')
    .option('--config <file>', 'the configuration', 'config/keyturn.yaml')
    .option('--json', 'one JSON document on standard output, and nothing else there')
    .exitOverride()
    .showHelpAfterError('(keyturn COMMAND --help shows what a command takes)')
    .configureHelp({ showGlobalOptions: true })
  const commands = [addInit, addCheck, addDoctor, addPlan, addApply, addAdopt, addHolds, addStatus, addExplain, addDemo]
  for (const add of commands) add(program, runner)
  return program
}

/** The first signal asks to stop after what is being written; the second stops at once. */
function onSignals(stop: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(130)
      process.stderr.write('\nkeyturn: stopping after what is being written; once more stops at once\n')
      stop.abort()
    })
  }
}

// A reader that closed its end (`keyturn plan | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

/** process.exit cuts off what a pipe has not taken yet: a long --json would end in the middle. */
async function flush(): Promise<void> {
  const streams = [process.stdout, process.stderr]
  await Promise.all(streams.map((stream) => new Promise((resolve) => stream.write('', resolve))))
}

const code = await main(process.argv.slice(2))
await flush()
process.exit(code)
