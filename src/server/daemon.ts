// The daemon: watches, decides what is urgent, revokes. What is heavy has processes of its own (docs/decisions/032).
import { secrets } from '../config/secrets.ts'
import { summarise } from '../model/errors.ts'
import type { KeyturnError } from '../model/errors.ts'
import { SECOND } from '../model/instant.ts'
import { roles as everyRole } from '../model/running.ts'
import type { Role } from '../model/running.ts'
import type { Settings } from '../model/settings.ts'
import { settingsInForce } from './accepted.ts'
import { guarding } from './context.ts'
import type { Foundation } from './context.ts'
import { openClock } from './clock.ts'
import { watchConfig } from './daemon/config-watch.ts'
import { register } from './daemon/registry.ts'
import { Seat } from './daemon/seat.ts'
import { openRedisOf } from './lanes.ts'
import { openStateLedger } from './ledger.ts'
import { forgetting } from './forgetting.ts'
import { releaseOfTheDead } from './machine.ts'
import { openLog } from './log.ts'
import { openSystemd } from './systemd.ts'

export interface DaemonOptions {
  readonly config: string
  readonly only: readonly Role[] | null
  readonly debug: boolean
  readonly signal: AbortSignal
}

/** What was still to be done when the daemon ended. */
export interface Left {
  readonly owed: number
  readonly revocations: number
}

/** Runs until it is asked to stop. Throws KeyturnError where it cannot begin. */
export async function runDaemon(options: DaemonOptions): Promise<Left> {
  const roles = new Set(options.only ?? everyRole)
  const { settings, refused, forgets } = await settingsInForce(options.config)
  if (forgets !== null) throw forgetting(forgets)
  const logger = await openLog({ level: options.debug ? 'debug' : 'info', pretty: process.stderr.isTTY })
  await using stack = new AsyncDisposableStack()
  const clock = openClock()
  const broken = new AbortController()
  const ledger = stack.use(await openWatched(settings, { logger, clock }, broken))
  const foundation: Foundation = { ledger, logger, clock, operator: 'keyturn' }
  const redis = stack.use(await openRedisOf({ settings, secrets: secrets(), logger }, { patient: true }))
  const registry = stack.use(register(foundation, [...roles]))
  const systemd = stack.use(openSystemd({ logger }))
  const seat = stack.use(
    new Seat({ ...foundation, redis, roles, trouble: () => registry.trouble }, registry, options.config),
  )
  await releaseOfTheDead(foundation)
  await seat.begin(settings, refused)
  stack.use(
    watchConfig(
      () => seat.files,
      () => void seat.reload(),
      logger,
    ),
  )
  const onHangUp = () =>
    void systemd
      .reloading()
      .then(() => seat.reload())
      .then(() => {
        const isRefused = seat.refusedConfig !== null
        logger.info(`asked to reload: ${isRefused ? 'the last good configuration' : 'what the files say'} is in force`)
        return systemd.ready('running')
      })
  process.on('SIGHUP', onHangUp)
  stack.defer(() => void process.off('SIGHUP', onHangUp))
  await systemd.ready('running')
  logger.info('ready', { roles: [...roles], policy: settings.policyVersion, pid: process.pid })
  await stopped(AbortSignal.any([options.signal, broken.signal]))
  await systemd.stopping('finishing what is being written')
  logger.info('stopping: what is being written is finished, the rest is handed back')
  await stack.disposeAsync().catch((error: unknown) => logger.error('not everything could be closed', summarise(error)))
  // Whoever supervises this process starts it anew: what it remembered of the ledger is not so any more.
  broken.signal.throwIfAborted()
  return await leftOf(settings)
}

/** The ledger; `broken` is aborted when it is replaced, or a backup is put back, while it is open. */
async function openWatched(
  { state }: Settings,
  tools: Pick<Foundation, 'logger' | 'clock'>,
  broken: AbortController,
): Promise<Foundation['ledger']> {
  const guard = guarding(tools)
  const onReplaced = (error: KeyturnError) => {
    guard.onReplaced(error)
    broken.abort(error)
  }
  const ledger = await openStateLedger(state, secrets(), { ...guard, onReplaced })
  if ((await ledger.restored()) !== null)
    tools.logger.error(
      'the ledger was restored from a backup, or is a new one: nothing is opened before a reconciliation',
    )
  return ledger
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // The event loop stays alive as long as somebody waits for the end.
    const alive = setInterval(() => undefined, 60 * SECOND)
    const end = () => {
      clearInterval(alive)
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

async function leftOf(settings: Settings): Promise<Left> {
  await using ledger = await openStateLedger(settings.state, secrets(), { readOnly: true })
  const counts = await ledger.openCounts()
  const sum = (some: typeof counts) => some.reduce((total, { owed, waiting }) => total + owed + waiting, 0)
  return { owed: sum(counts), revocations: sum(counts.filter(({ lane }) => lane === 'revoke')) }
}
