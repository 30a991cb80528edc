import { openDeliveries } from '../apply/delivery.ts'
import type { Deliveries } from '../apply/delivery.ts'
import type { SettlePorts, SettleReport } from '../apply/ports.ts'
import { openSealer } from '../apply/seal.ts'
import type { Sealer } from '../apply/seal.ts'
import { ShutFirst } from '../apply/shut-first.ts'
import { settle } from '../apply/settle.ts'
import { openConnector } from '../connectors/index.ts'
import type { Lane } from '../model/change.ts'
import type { Connector } from '../model/connector.ts'
import { SECOND } from '../model/instant.ts'
import type { Clock } from '../model/instant.ts'
import type { ObligationPointer } from '../model/ledger.ts'
import type { PlatformSettings } from '../model/settings.ts'
import type { Keyturn } from './context.ts'
import { workerName } from './machine.ts'
import { remembered } from './remembered.ts'
import { settingsOf } from './survey.ts'
import { workerPorts } from './worker.ts'
import type { WorkView } from './worker.ts'

/** A dead worker's claim is free again after this; a living one renews it every second. */
const lease = 5 * SECOND

/** Works on obligations, with connections of its own for revocations. */
export interface Settling extends AsyncDisposable {
  /** Pointers of one platform; `onShut` is called when no account of them is still to be shut. What it is not configured for is left alone and shown by `status`. */
  settle(pointers: readonly ObligationPointer[], lane: Lane, onShut?: () => void): Promise<SettleReport>
  /** The revoke lane's connections: they never stand behind ten thousand changes (law 3). */
  readonly revoking: ReadonlyMap<string, Connector>
  ports(platform: string, lane: Lane): SettlePorts<WorkView> | undefined
  /** Asks now what the first revocation would have to ask before it begins: the catalogue, the password policy. */
  warm(): Promise<void>
}

/**
 * Opens what the workers of these lanes need. What one platform lacks (it is down, its recipients cannot be read) is found
 * by its own work and stops no other. When `signal` is aborted no further write begins.
 */
export function openSettling(keyturn: Keyturn, lanes: readonly Lane[], signal: AbortSignal): Settling {
  const stack = new AsyncDisposableStack()
  const sealer = stack.use(openSealer())
  const ports = new Map<string, LanePorts>()
  const revoking = new Map<string, Connector>()
  const { secrets, logger, clock } = keyturn
  for (const connector of keyturn.connectors.values()) {
    const settings = settingsOf(keyturn, connector)
    if (lanes.includes('change'))
      ports.set(keyOf(settings.id, 'change'), settlePorts(keyturn, connector, 'change', sealer, signal))
    if (!lanes.includes('revoke')) continue
    const own = stack.use(openConnector(settings, { secrets, logger, clock }))
    revoking.set(settings.id, own)
    ports.set(keyOf(settings.id, 'revoke'), settlePorts(keyturn, own, 'revoke', sealer, signal))
  }
  return {
    revoking,
    ports: (platform, lane) => ports.get(keyOf(platform, lane)),
    async settle(pointers, lane, onShut) {
      const port = ports.get(keyOf(pointers[0]?.platform ?? '', lane))
      if (port === undefined) return { obligations: [] }
      return settle(pointers, onShut === undefined ? port : { ...port, onShut })
    },
    async warm() {
      await Promise.allSettled([...ports.values()].map((port) => port.warm()))
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

type LanePorts = SettlePorts<WorkView> & { warm(): Promise<unknown> }

const keyOf = (platform: string, lane: Lane) => `${platform}\n${lane}`

function settlePorts(
  keyturn: Keyturn,
  connector: Connector,
  lane: Lane,
  sealer: Sealer,
  signal: AbortSignal,
): LanePorts {
  const settings = settingsOf(keyturn, connector)
  return {
    platform: connector.id,
    ledger: keyturn.ledger,
    connector,
    worker: workerName(process.pid, lane),
    leaseMs: lease,
    clock: keyturn.clock,
    logger: keyturn.logger,
    signal,
    deliveries: deliveriesOf(settings, sealer, keyturn.clock),
    mustChange: settings.password.mustChange,
    scrambled: new Map(),
    retry: settings.retry,
    random: Math.random,
    ...(lane === 'revoke' ? { shutFirst: new ShutFirst() } : {}),
    ...workerPorts(keyturn, connector, signal),
  }
}

/** Opened with the first password: a folder that cannot be used must not keep a leaver's account open. */
function deliveriesOf({ id, delivery }: PlatformSettings, sealer: Sealer, clock: Clock): Deliveries | null {
  if (delivery === undefined) return null
  const opened = remembered(() => openDeliveries(id, delivery, sealer, clock), clock, {
    fresh: Number.POSITIVE_INFINITY,
  })
  return {
    prepare: async (handOver) => (await opened()).prepare(handOver),
    isFinished: async (identity, account) => (await opened()).isFinished(identity, account),
  }
}
