import { Command, CommanderError } from 'commander'
import { sayUnexpected } from './commands/command.ts'
import type { ExitCode, Runner } from './commands/command.ts'
import { KeyturnError } from './model/errors.ts'

interface Entry {
  /** null: no command for people; the help does not show it. */
  readonly says: string | null
  /** It writes nothing, to no platform and to no ledger: what is stopped there is only a look. */
  readonly looks?: true
  /** Loaded when the command is asked for: all of Keyturn would take half a second, for `--help` as well. */
  readonly load: () => Promise<{ define(command: Command, runner: Runner): void }>
}

const commands: Readonly<Record<string, Entry>> = {
  init: {
    says: 'Write a commented starter configuration, where --config says. Overwrites nothing.',
    load: () => import('./commands/init.ts'),
  },
  check: {
    says: 'Check every configuration file; all mistakes at once, each with its place. Uses no network.',
    looks: true,
    load: () => import('./commands/check.ts'),
  },
  doctor: {
    says: 'Connect to everything: sign in, look at rights, policies, versions and clocks; say what to fix. Writes nothing.',
    looks: true,
    load: () => import('./commands/doctor.ts'),
  },
  plan: {
    says: 'Show what would change and why, by platform and by the rule that causes it. Writes nothing.',
    looks: true,
    load: () => import('./commands/plan.ts'),
  },
  apply: {
    says: 'One pass: read the feeds, plan as a whole, and carry out what safety lets pass.',
    load: () => import('./commands/apply.ts'),
  },
  run: {
    says: 'The daemon: watches the feeds, acts on what is due, revokes at once. SIGHUP reads the configuration anew.',
    load: () => import('./commands/run.ts'),
  },
  offboard: {
    says: 'Emergency: shut every account of one person now, past every limit, and wait for the proof. --undo takes it back.',
    load: () => import('./commands/offboard.ts'),
  },
  override: {
    says: "An operator's word above HR's: this person is active, or has left, until it ends.",
    load: () => import('./commands/override.ts'),
  },
  freeze: {
    says: 'Stop every change for one person except revocation, until it ends.',
    load: () => import('./commands/freeze.ts'),
  },
  adopt: {
    says: 'Show the existing accounts of a platform and whose they would be, by which key. The platform is never touched.',
    load: () => import('./commands/adopt.ts'),
  },
  holds: {
    says: 'What safety stopped, until a person releases it: whole, or person by person.',
    load: () => import('./commands/holds.ts'),
  },
  status: {
    says: 'Feeds, lanes, what is owed, the oldest revocation, holds, and the health of the platforms.',
    looks: true,
    load: () => import('./commands/status.ts'),
  },
  explain: {
    says: 'One person: state and when it changes next, roles and entitlements each with its reason, the last changes.',
    looks: true,
    load: () => import('./commands/explain.ts'),
  },
  task: { says: null, load: () => import('./commands/task.ts') },
  demo: {
    says: 'Tell the story on this machine, with a real directory server and a private Redis in a temporary folder.',
    load: () => import('./commands/demo.ts'),
  },
}

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
  let command = ''
  onSignals(stop, () => commands[command]?.looks === true)
  const onCommand = (name: string) => {
    command = name
  }
  try {
    await build(runner, onCommand).parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return shown.has(error.code) && args.length > 0 ? 0 : 64
  }
}

function build(runner: Runner, onCommand: (name: string) => void): Command {
  const program = new Command('keyturn')
    .description('Keeps accounts equal to what HR says.')
    .version('0.1.0')
    .option('--config <file>', 'the configuration', 'config/keyturn.yaml')
    .option('--json', 'one JSON document on standard output, and nothing else there')
    .exitOverride()
    .showHelpAfterError('(keyturn COMMAND --help shows what a command takes)')
    .configureHelp({ showGlobalOptions: true })
  for (const [name, { says }] of Object.entries(commands)) {
    program.command(name, { hidden: says === null }).description(says ?? '')
  }
  return program.hook('preSubcommand', async (_, command) => {
    const entry = commands[command.name()]
    onCommand(command.name())
    if (entry !== undefined) (await entry.load()).define(command, runner)
  })
}

/** Of any command: one that has decided something may be asked to stop while it carries that out. */
const stoppedHint = 'What was written before that stands; "keyturn status" says whether anything is still owed.'

/** The first signal asks to stop after what is being written; the second stops at once. */
function onSignals(stop: AbortController, isLooking: () => boolean): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // A process of the daemon: it is the daemon that is asked to stop.
      if (process.send !== undefined) return
      if (stop.signal.aborted) {
        process.stderr.write('\nkeyturn: stopped at once; what was begun and what is owed goes on at the next start\n')
        process.exit(130)
      }
      process.stderr.write(
        `\nkeyturn: stopping${isLooking() ? '' : ' after what is being written'}; once more stops at once\n`,
      )
      stop.abort(new KeyturnError('stopped', `stopped by ${signal}`, { hint: stoppedHint }))
    })
  }
}

// A reader that closed its end (`keyturn plan | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

// Also a promise that nobody waited for: whatever goes wrong is told in a sentence, never as a stack.
process.on('uncaughtException', (error) => {
  process.stderr.write(`keyturn: ${sayUnexpected(error)}\n`)
  process.exit(1)
})

/** process.exit cuts off what a pipe has not taken yet: a long --json would end in the middle. */
async function flush(): Promise<void> {
  const streams = [process.stdout, process.stderr]
  await Promise.all(streams.map((stream) => new Promise((resolve) => stream.write('', resolve))))
}

const code = await main(process.argv.slice(2))
await flush()
process.exit(code)
