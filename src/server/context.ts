import { userInfo } from 'node:os'
import { showProblem } from '../config/problems.ts'
import { secrets } from '../config/secrets.ts'
import { openConnector } from '../connectors/index.ts'
import type { Connector } from '../model/connector.ts'
import { KeyturnError, summarise } from '../model/errors.ts'
import type { Clock } from '../model/instant.ts'
import type { Ledger } from '../model/ledger.ts'
import type { RunningLedger } from '../model/running.ts'
import type { Logger, Secrets } from '../model/ports.ts'
import type { Settings } from '../model/settings.ts'
import { compilePolicy } from '../policy/index.ts'
import type { Policy } from '../policy/index.ts'
import { openClock } from './clock.ts'
import { openStateLedger } from './ledger.ts'
import { openLog } from './log.ts'

/** Everything that one command needs, opened once and closed together. */
export interface Keyturn extends AsyncDisposable {
  readonly settings: Settings
  readonly ledger: Ledger & RunningLedger
  readonly policy: Policy
  readonly connectors: ReadonlyMap<string, Connector>
  readonly secrets: Secrets
  readonly logger: Logger
  readonly clock: Clock
  /** Who runs this: the name of the operating system's user, for the audit. */
  readonly operator: string
  /** One id for everything that this run does: the thread through logs and audit. */
  readonly correlation: string
}

export interface OpenOptions {
  /** The configuration file, or what was made of it already. */
  readonly config: string | Settings
  /** `plan` and the looking commands: the ledger is not created and nothing is written to it. */
  readonly readOnly: boolean
  readonly logger?: Logger
  readonly clock?: Clock
}

/** Reads the configuration. Throws KeyturnError `config-invalid` whose message holds every problem of every file. */
export async function loadSettings(file: string): Promise<Settings> {
  // Loaded where files are read: a process of the daemon gets its settings from the daemon.
  const { loadConfig } = await import('../config/index.ts')
  const { settings, problems } = await loadConfig(file)
  if (settings !== null) return settings
  const errors = problems.filter((problem) => problem.severity === 'error')
  const count = errors.length === 1 ? 'one mistake' : `${errors.length} mistakes`
  throw new KeyturnError('config-invalid', `the configuration has ${count}:\n${errors.map(showProblem).join('\n')}`, {
    hint: 'Correct the files; "keyturn check" looks again without touching anything.',
  })
}

/** Opens ledger and connectors (which sign in only when they are used). Throws KeyturnError. */
export async function openKeyturn(options: OpenOptions): Promise<Keyturn> {
  const settings = typeof options.config === 'string' ? await loadSettings(options.config) : options.config
  // A command speaks to a person, also through a pipe; the daemon and its processes bring a log of their own.
  const logger = options.logger ?? (await openLog({ level: 'warn', pretty: true }))
  const clock = options.clock ?? openClock()
  const guard = guarding({ logger, clock })
  const ledger = await openStateLedger(settings.state, secrets(), { readOnly: options.readOnly, ...guard })
  const keyturn = withSettings(settings, { ledger, logger, clock, operator: operatorName() })
  return {
    ...keyturn,
    [Symbol.asyncDispose]: async () => {
      await keyturn[Symbol.asyncDispose]()
      await ledger[Symbol.asyncDispose]()
    },
  }
}

/** How a ledger tells that it was restored while it is open, and that its witness cannot be kept. */
export function guarding({ logger, clock }: Pick<Keyturn, 'logger' | 'clock'>) {
  return {
    clock,
    onReplaced: (error: KeyturnError) => logger.error(error.message, { hint: error.hint }),
    onTrouble: (error: unknown) => logger.warn('the witness beside the ledger cannot be kept', summarise(error)),
  }
}

/** What stays while a daemon takes over another configuration. */
export type Foundation = Pick<Keyturn, 'ledger' | 'logger' | 'clock' | 'operator'>

/** Policy and connectors of these settings; disposing closes the connectors only. */
export function withSettings(settings: Settings, foundation: Foundation): Keyturn {
  const tools = { secrets: secrets(), logger: foundation.logger, clock: foundation.clock }
  const connectors = new Map(
    Object.values(settings.platforms).map((platform) => [platform.id, openConnector(platform, tools)] as const),
  )
  return {
    ...foundation,
    settings,
    policy: compilePolicy(settings),
    connectors,
    secrets: tools.secrets,
    correlation: crypto.randomUUID(),
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled([...connectors.values()].map((connector) => connector[Symbol.asyncDispose]()))
    },
  }
}

/** The same, with a thread of its own through logs and audit: one for each story. */
export function storyOf(keyturn: Keyturn, correlation: string = crypto.randomUUID()): Keyturn {
  return { ...keyturn, correlation }
}

/**
 * The person behind sudo, where there is one: the audit names people, not root. Only root is believed: anybody else could
 * set the variable to somebody else's name.
 */
function operatorName(): string {
  const behindSudo = process.getuid?.() === 0 ? process.env['SUDO_USER'] : undefined
  if (behindSudo !== undefined && behindSudo !== '') return behindSudo
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
