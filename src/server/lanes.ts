import { healthOf } from '../apply/health.ts'
import type { SettledObligation } from '../apply/ports.ts'
import type { Lane } from '../model/change.ts'
import type { PlatformSettings, SecretReference } from '../model/settings.ts'
import type { BreakerOptions } from '../queue/health.ts'
import { openLanes } from '../queue/lanes.ts'
import type { Lanes } from '../queue/lanes.ts'
import { openRedis } from '../queue/redis.ts'
import { openTracing } from '../queue/tracing.ts'
import type { RedisHandle } from '../queue/redis.ts'
import type { Keyturn } from './context.ts'
import { sparingly } from './owing.ts'
import { probe } from './probe.ts'
import type { Settling } from './settling.ts'

export interface WorkOptions {
  /** The lanes that this process works on. */
  readonly lanes: readonly Lane[]
  readonly redis: RedisHandle
  readonly settling: Settling
  readonly onSettled: (settled: readonly SettledObligation[]) => void
  /** Of a daemon: platforms that are down are noticed, their changes paused, and their state told. */
  readonly breaker?: Pick<BreakerOptions, 'stored' | 'onState' | 'idle'>
}

/** The queue with the workers of these lanes; what they settled goes to `onSettled`. */
export async function openWork(keyturn: Keyturn, options: WorkOptions): Promise<Lanes> {
  const { settling, onSettled, breaker } = options
  return openLanes({
    redis: options.redis,
    platforms: Object.values(keyturn.settings.platforms).map(laneSettings),
    lanes: options.lanes,
    work: async (pointers, lane, onShut) => {
      const report = await settling.settle(pointers, lane, onShut)
      onSettled(report.obligations)
      return healthOf(report)
    },
    ledger: { due: sparingly(keyturn.ledger) },
    clock: keyturn.clock,
    logger: keyturn.logger,
    ...(keyturn.settings.daemon.tracing ? { tracing: await openTracing() } : {}),
    ...(breaker === undefined ? {} : { breaker: breakerOf(keyturn, settling, breaker) }),
  })
}

function breakerOf(
  { connectors, ledger, clock }: Keyturn,
  settling: Settling,
  given: NonNullable<WorkOptions['breaker']>,
): BreakerOptions {
  return {
    ...given,
    onUp: async (platform: string) => {
      await ledger.wake(platform, clock())
    },
    probe: (platform: string, signal: AbortSignal) =>
      probe(settling.revoking.get(platform) ?? connectors.get(platform), signal),
  }
}

function laneSettings(platform: PlatformSettings): { id: string; concurrency: number; rate?: number } {
  const { concurrency, rate } = platform.limits
  return rate === undefined ? { id: platform.id, concurrency } : { id: platform.id, concurrency, rate }
}

/**
 * `state.redis`, opened. `patient`: begins without one that answers, as a daemon must (law 3). Throws KeyturnError
 * `redis-unavailable`, `config-invalid` or `secret-unavailable`.
 */
export async function openRedisOf(
  keyturn: Pick<Keyturn, 'settings' | 'secrets' | 'logger'>,
  { patient = false } = {},
): Promise<RedisHandle> {
  return openRedis({ ...(await redisSettings(keyturn)), patient }, keyturn.logger)
}

/** `state.redis`, resolved. Throws KeyturnError `secret-unavailable`. */
export async function redisSettings(
  keyturn: Pick<Keyturn, 'settings' | 'secrets'>,
): Promise<{ redis: string; folder: string }> {
  const { redis, folder } = keyturn.settings.state
  const isReference = redis.startsWith('env:') || redis.startsWith('file:')
  return { folder, redis: isReference ? await keyturn.secrets.resolve(redis as SecretReference) : redis }
}
