import { hostname } from 'node:os'
import { openDeliveries } from '../apply/delivery.ts'
import type { Deliveries } from '../apply/delivery.ts'
import { passwordRules } from '../apply/password.ts'
import type { SettledObligation, SettlePorts } from '../apply/ports.ts'
import { openSealer } from '../apply/seal.ts'
import type { Sealer } from '../apply/seal.ts'
import { settle } from '../apply/settle.ts'
import type { Lane } from '../model/change.ts'
import type { Connector } from '../model/connector.ts'
import { KeyturnError } from '../model/errors.ts'
import { SECOND } from '../model/instant.ts'
import type { ObligationPointer } from '../model/ledger.ts'
import type { PlatformSettings, SecretReference } from '../model/settings.ts'
import { openLanes } from '../queue/lanes.ts'
import type { Lanes } from '../queue/lanes.ts'
import { openRedis } from '../queue/redis.ts'
import type { Keyturn } from './context.ts'
import { workerPorts } from './worker.ts'
import type { WorkView } from './worker.ts'

/** A dead worker's claim is free again after this; a living one renews it every second. */
const lease = 5 * SECOND

/** The queue with its workers; what they settled goes to `onSettled`. */
export interface Work extends AsyncDisposable {
  add(pointers: readonly ObligationPointer[]): Promise<void>
}

/** Starts two lanes per platform. Throws KeyturnError `redis-unavailable`, `config-invalid` or `delivery-failed`. */
export async function openWork(
  keyturn: Keyturn,
  signal: AbortSignal,
  onSettled: (settled: readonly SettledObligation[]) => void,
): Promise<Work> {
  await using stack = new AsyncDisposableStack()
  const sealer = stack.use(openSealer())
  const ports = new Map<string, SettlePorts<WorkView>>()
  for (const connector of keyturn.connectors.values()) {
    ports.set(connector.id, await settlePorts(keyturn, connector, sealer, signal))
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

function laneSettings(platform: PlatformSettings): { id: string; concurrency: number; rate?: number } {
  const { concurrency, rate } = platform.limits
  return rate === undefined ? { id: platform.id, concurrency } : { id: platform.id, concurrency, rate }
}

async function redisSettings(keyturn: Keyturn): Promise<{ redis: string; folder: string }> {
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
    const port = ports.get(platform)
    // A job of a platform that is no longer configured: the obligation stays in the ledger and is shown by `status`.
    if (port === undefined) continue
    const report = await settle(own, { ...port, worker: `${port.worker}:${lane}` })
    settled.push(...report.obligations)
  }
  return settled
}

async function settlePorts(
  keyturn: Keyturn,
  connector: Connector,
  sealer: Sealer,
  signal: AbortSignal,
): Promise<SettlePorts<WorkView>> {
  const settings = keyturn.settings.platforms[connector.id]
  if (settings === undefined) throw new KeyturnError('unexpected', `platform ${connector.id} is not configured`)
  return {
    platform: connector.id,
    ledger: keyturn.ledger,
    connector,
    worker: `${hostname()}:${process.pid}`,
    leaseMs: lease,
    clock: keyturn.clock,
    logger: keyturn.logger,
    signal,
    deliveries: await deliveriesOf(keyturn, settings, sealer),
    passwords: passwordRules(settings.password, await connector.passwordPolicy(signal)),
    mustChange: settings.password.mustChange,
    scrambled: new Map(),
    retry: settings.retry,
    random: Math.random,
    ...workerPorts(keyturn, connector, signal),
  }
}

async function deliveriesOf(keyturn: Keyturn, settings: PlatformSettings, sealer: Sealer): Promise<Deliveries | null> {
  if (settings.delivery === undefined) return null
  return openDeliveries(settings.id, settings.delivery, sealer, keyturn.clock)
}
