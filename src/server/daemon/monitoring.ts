// How the daemon is seen from outside: /healthz, /readyz and /metrics, from the ledger, so that any process can tell.
import { summarise } from '../../model/errors.ts'
import { changeOrder } from '../../model/change.ts'
import type { ChangeKind } from '../../model/change.ts'
import { SECOND } from '../../model/instant.ts'
import type { ChangeResult } from '../../model/ledger.ts'
import type { Foundation, Keyturn } from '../context.ts'
import { openHttp } from '../http.ts'
import { every } from '../every.ts'
import { hindrancesOf } from '../hindered.ts'
import { openMetrics } from '../metrics.ts'
import type { Metrics, MetricsInput } from '../metrics.ts'
import { openListening } from './listening.ts'
import type { Listening } from './listening.ts'
import { inTurns } from './turns.ts'
import { version } from '../version.ts'
import type { Generation } from './generation.ts'
import type { Trouble } from '../../model/running.ts'

/** Whatever is in force just now. */
export interface Monitored {
  readonly generation: Pick<Generation, 'keyturn' | 'trouble'>
  readonly refusedConfig: string | null
}

/** How often the event loop is looked at, ms. */
const loopEvery = SECOND / 4
/** Records that are read at once: a few ten thousand would keep a revocation waiting. */
const bulk = 1_000

/** Listens nowhere yet: `move` does, and throws KeyturnError `cannot-listen` where the address cannot be had. */
export function openMonitoring(seat: Monitored, { ledger, logger, clock }: Foundation): Listening {
  const ready = () => readiness(ledger, seat.generation.trouble())
  let counted: ReturnType<typeof count> | null = null
  return openListening(async (address) => {
    // Once, so that what is counted does not begin anew at another address.
    counted ??= count(seat, { ledger, logger, clock })
    const metrics = await counted.catch((error: unknown) => {
      counted = null
      throw error
    })
    return openHttp(address, { logger, ready, metrics })
  })
}

/** Returns what gives the text of /metrics. */
async function count(
  seat: Monitored,
  { ledger, logger, clock }: Pick<Foundation, 'ledger' | 'logger' | 'clock'>,
): Promise<() => Promise<string>> {
  const metrics = openMetrics({ version, clock, read: () => measure(seat) })
  const follow = await followLedger(ledger, metrics)
  watchDelay(metrics)
  // Two who scrape at once must not count the same record twice.
  const followed = inTurns(() =>
    follow().catch((error: unknown) => logger.warn('the ledger could not be followed', summarise(error))),
  )
  return async () => {
    await followed.ask()
    return metrics.text()
  }
}

/** For as long as the process lives. */
function watchDelay(metrics: Metrics): void {
  let last = performance.now()
  every(loopEvery, () => {
    const now = performance.now()
    metrics.observeDelay(now - last - loopEvery)
    last = now
  })
}

/** Ready is who can read and write the ledger; without the rest (Redis, a platform) everything is still worked on. */
async function readiness(
  ledger: Keyturn['ledger'],
  trouble: Trouble | null,
): Promise<{ ready: boolean; missing: readonly string[] }> {
  const unread = await ledger.openCounts().then(() => null, summarise)
  const why = unread?.message ?? trouble?.why
  return why === undefined ? { ready: true, missing: [] } : { ready: false, missing: [`ledger: ${why}`] }
}

/** Counts what was written since this process began: whoever did it. */
async function followLedger(ledger: Keyturn['ledger'], metrics: Metrics): Promise<() => Promise<void>> {
  let audited = await ledger.lastAudit()
  let proven = await lastProven(ledger)
  return async () => {
    for (;;) {
      const timings = await ledger.revocations(proven, bulk)
      metrics.observeRevocations(timings)
      proven = timings.at(-1)?.id ?? proven
      if (timings.length < bulk) break
    }
    for (;;) {
      const records = await ledger.auditAfter(audited, bulk)
      for (const { platform, action, result } of records) {
        if (platform !== null && kinds.has(action))
          metrics.countChanges(platform, action as ChangeKind, result as ChangeResult['status'])
      }
      audited = records.at(-1)?.id ?? audited
      if (records.length < bulk) return
    }
  }
}

const kinds = new Set<string>(changeOrder)

async function lastProven(ledger: Keyturn['ledger']): Promise<number> {
  const [newest] = await ledger.revocationsSince(0, 1)
  return newest?.id ?? 0
}

async function measure(seat: Monitored): Promise<MetricsInput> {
  const { ledger, settings, clock } = seat.generation.keyturn
  const now = clock()
  const [counts, states, holds, hindered, revocations] = await Promise.all([
    ledger.openCounts(),
    ledger.platformStates(),
    ledger.openHoldCounts(),
    hindrancesOf(seat.generation.keyturn, 0),
    ledger.openRevocations(),
  ])
  const isDown = new Set(states.filter(({ state }) => state === 'down').map(({ platform }) => platform))
  const platforms = Object.values(settings.platforms)
  const objectives = new Map(platforms.map(({ id, objectives: { revoke } }) => [id, revoke]))
  return {
    policyVersion: settings.policyVersion,
    platforms: platforms.map(({ id, objectives: { revoke: objective } }) => ({
      platform: id,
      state: isDown.has(id) ? 'down' : 'up',
      objective,
    })),
    counts,
    feeds: await Promise.all(
      Object.keys(settings.sources).map(async (source) => {
        const [accepted, refused] = await Promise.all([ledger.acceptedRead(source), ledger.lastRefusal(source)])
        const isRefused = refused !== null && (accepted === null || refused.at > accepted.at)
        return { source, acceptedAt: accepted?.at ?? null, refused: isRefused }
      }),
    ),
    holds: [...Map.groupBy(holds, ({ why }) => why)].map(([why, some]) => ({ why, count: some.length })),
    hindered,
    late: revocations.filter(({ platform, receivedAt }) => now - receivedAt > (objectives.get(platform) ?? 60 * SECOND))
      .length,
    notProven: revocations.filter(({ proof }) => proof?.grade === 'not-proven').length,
    configRefused: seat.refusedConfig !== null,
  }
}
