import { hostname } from 'node:os'
import { openDeliveries } from '../apply/delivery.ts'
import type { Deliveries } from '../apply/delivery.ts'
import type { SettledObligation, SettlePorts } from '../apply/ports.ts'
import { openSealer } from '../apply/seal.ts'
import type { Sealer } from '../apply/seal.ts'
import { settle } from '../apply/settle.ts'
import { openConnector } from '../connectors/index.ts'
import type { Lane } from '../model/change.ts'
import type { Connector } from '../model/connector.ts'
import { SECOND } from '../model/instant.ts'
import type { Clock } from '../model/instant.ts'
import type { ObligationPointer } from '../model/ledger.ts'
import type { PlatformSettings, SecretReference } from '../model/settings.ts'
import { openLanes } from '../queue/lanes.ts'
import type { Lanes } from '../queue/lanes.ts'
import { openRedis } from '../queue/redis.ts'
import type { Keyturn } from './context.ts'
import { remembered } from './remembered.ts'
import { settingsOf } from './survey.ts'
import { workerPorts } from './worker.ts'
import type { WorkView } from './worker.ts'

/** A dead worker's claim is free again after this; a living one renews it every second. */
const lease = 5 * SECOND

/** The queue with its workers; what they settled goes to `onSettled`. */
export interface Work extends AsyncDisposable {
  add(pointers: readonly ObligationPointer[]): Promise<void>
}

/**
 * Starts two lanes per platform. What one platform lacks (it is down, its recipients cannot be read) is found by its own
 * work and stops no other. Throws KeyturnError `redis-unavailable` or `config-invalid`.
 */
export async function openWork(
  keyturn: Keyturn,
  signal: AbortSignal,
  onSettled: (settled: readonly SettledObligation[]) => void,
): Promise<Work> {
  await using stack = new AsyncDisposableStack()
  const sealer = stack.use(openSealer())
  const ports = new Map<string, SettlePorts<WorkView>>()
  for (const connector of keyturn.connectors.values()) {
    const platform = settingsOf(keyturn, connector)
    // Connections of its own: a revocation never stands behind ten thousand changes (law 3).
    const { secrets, logger, clock } = keyturn
    const own = stack.use(openConnector(platform, { secrets, logger, clock }))
    ports.set(portKey(platform.id, 'revoke'), settlePorts(keyturn, own, sealer, signal))
    ports.set(portKey(platform.id, 'change'), settlePorts(keyturn, connector, sealer, signal))
  }
  const redis = stack.use(await openRedis(await redisSettings(keyturn), keyturn.logger))
  const lanes: Lanes = stack.use(
    openLanes({
      redis,
      platforms: Object.values(keyturn.settings.platforms).map(laneSettings),
      work: async (pointers, lane) => {
        onSettled(await settleAll(pointers, lane, ports))
      },
      ledger: keyturn.ledger,
      clock: keyturn.clock,
      logger: keyturn.logger,
    }),
  )
  const owned = stack.move()
  return { add: (pointers) => lanes.add(pointers), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const portKey = (platform: string, lane: Lane) => `${platform}\n${lane}`

function laneSettings(platform: PlatformSettings): { id: string; concurrency: number; rate?: number } {
  const { concurrency, rate } = platform.limits
  return rate === undefined ? { id: platform.id, concurrency } : { id: platform.id, concurrency, rate }
}

/** `state.redis`, resolved. Throws KeyturnError `secret-unavailable`. */
export async function redisSettings(keyturn: Keyturn): Promise<{ redis: string; folder: string }> {
  const { redis, folder } = keyturn.settings.state
  const isReference = redis.startsWith('env:') || redis.startsWith('file:')
  return { folder, redis: isReference ? await keyturn.secrets.resolve(redis as SecretReference) : redis }
}

async function settleAll(
  pointers: readonly ObligationPointer[],
  lane: Lane,
  ports: ReadonlyMap<string, SettlePorts<WorkView>>,
): Promise<readonly SettledObligation[]> {
  const settled: SettledObligation[] = []
  for (const [platform, own] of Map.groupBy(pointers, (pointer) => pointer.platform)) {
    const port = ports.get(portKey(platform, lane))
    // A job of a platform that is no longer configured: the obligation stays in the ledger and is shown by `status`.
    if (port === undefined) continue
    const report = await settle(own, { ...port, worker: `${port.worker}:${lane}` })
    settled.push(...report.obligations)
  }
  return settled
}

function settlePorts(
  keyturn: Keyturn,
  connector: Connector,
  sealer: Sealer,
  signal: AbortSignal,
): SettlePorts<WorkView> {
  const settings = settingsOf(keyturn, connector)
  return {
    platform: connector.id,
    ledger: keyturn.ledger,
    connector,
    worker: `${hostname()}:${process.pid}`,
    leaseMs: lease,
    clock: keyturn.clock,
    logger: keyturn.logger,
    signal,
    deliveries: deliveriesOf(settings, sealer, keyturn.clock),
    mustChange: settings.password.mustChange,
    scrambled: new Map(),
    retry: settings.retry,
    random: Math.random,
    ...workerPorts(keyturn, connector, signal),
  }
}

/** Opened with the first password: a folder that cannot be used must not keep a leaver's account open. */
function deliveriesOf({ id, delivery }: PlatformSettings, sealer: Sealer, clock: Clock): Deliveries | null {
  if (delivery === undefined) return null
  const opened = remembered(() => openDeliveries(id, delivery, sealer, clock), clock, Number.POSITIVE_INFINITY)
  return {
    prepare: async (handOver) => (await opened()).prepare(handOver),
    isFinished: async (identity, account) => (await opened()).isFinished(identity, account),
  }
}
