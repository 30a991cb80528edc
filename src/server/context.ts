import { userInfo } from 'node:os'
import { loadConfig } from '../config/index.ts'
import { showProblem } from '../config/problems.ts'
import { secrets } from '../config/secrets.ts'
import { openConnector } from '../connectors/index.ts'
import { openLedger } from '../ledger/index.ts'
import type { Connector } from '../model/connector.ts'
import { KeyturnError } from '../model/errors.ts'
import type { Clock } from '../model/instant.ts'
import type { Ledger } from '../model/ledger.ts'
import type { Logger, Secrets } from '../model/ports.ts'
import type { Settings } from '../model/settings.ts'
import { compilePolicy } from '../policy/index.ts'
import type { Policy } from '../policy/index.ts'
import { openLog } from './log.ts'

/** Everything that one command needs, opened once and closed together. */
export interface Keyturn extends AsyncDisposable {
  readonly settings: Settings
  readonly ledger: Ledger
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
  readonly config: string
  /** `plan` and the looking commands: the ledger is not created and nothing is written to it. */
  readonly readOnly: boolean
  readonly logger?: Logger
  readonly clock?: Clock
}

/** Reads the configuration. Throws KeyturnError `config-invalid` whose message holds every problem of every file. */
async function loadSettings(file: string): Promise<Settings> {
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
  const settings = await loadSettings(options.config)
  const logger = options.logger ?? (await openLog({ level: 'warn', pretty: process.stderr.isTTY }))
  const clock = options.clock ?? Date.now
  const tools = { secrets: secrets(), logger, clock }
  const connectors = new Map(
    Object.values(settings.platforms).map((platform) => [platform.id, openConnector(platform, tools)] as const),
  )
  const policy = compilePolicy(settings)
  const ledger = await openLedger(settings.state.ledger, { readOnly: options.readOnly })
  return {
    settings,
    ledger,
    policy,
    connectors,
    secrets: tools.secrets,
    logger,
    clock,
    operator: operatorName(),
    correlation: crypto.randomUUID(),
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled([...connectors.values()].map((connector) => connector[Symbol.asyncDispose]()))
      await ledger[Symbol.asyncDispose]()
    },
  }
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
