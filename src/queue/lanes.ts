import type { Lane } from '../model/change.ts'
import type { Clock } from '../model/instant.ts'
import type { Ledger, ObligationPointer } from '../model/ledger.ts'
import type { Logger } from '../model/ports.ts'
import type { PlatformState } from '../model/running.ts'
import { openBucket } from './bucket.ts'
import { chunkSize } from './chunk.ts'
import { alwaysUp, type BreakerOptions, type Health, type JobOutcome, openHealth } from './health.ts'
import { openLane, type OpenLane } from './lane.ts'
import { inTime } from './patience.ts'
import type { RedisHandle } from './redis.ts'
import { keepSweeping, type Sweeping } from './sweep.ts'
import type { Tracing } from './tracing.ts'

export interface LanePlatform {
  readonly id: string
  /** How many jobs may run at once; revocations have half as many of their own. */
  readonly concurrency: number
  /** Obligations a second. */
  readonly rate?: number
}

export interface LaneOptions {
  readonly redis: RedisHandle
  readonly platforms: readonly LanePlatform[]
  /** The lanes that this process works on; to the others it can only add. */
  readonly lanes: readonly Lane[]
  /**
   * Does the work; what it throws is logged, and the sweep brings the pointers back while they are owed. When `onUrgentDone` is
   * called, what is left of it is no reason for the next job to wait.
   */
  work(pointers: readonly ObligationPointer[], lane: Lane, onUrgentDone: () => void): Promise<JobOutcome>
  readonly ledger: Pick<Ledger, 'due'>
  readonly clock: Clock
  readonly logger: Logger
  /** Absent: nobody asks whether platforms are down, and their changes are not paused. */
  readonly breaker?: BreakerOptions
  /** Absent: no spans. */
  readonly tracing?: Tracing
}

export interface LaneDepth {
  readonly platform: string
  readonly lane: Lane
  /** Jobs that wait; null where Redis does not answer. */
  readonly waiting: number | null
}

/** Two queues per platform, with workers where asked. Closing waits for running jobs, for a bounded time. */
export interface Lanes extends AsyncDisposable {
  /**
   * Adds pointers in the order given; neighbours go into one chunk. Never throws and never waits long: what Redis does not
   * take in time is left to the sweep, and a revocation is worked on at once where this process works on revocations.
   */
  add(pointers: readonly ObligationPointer[]): Promise<void>
  /** Looks at once for what the ledger says is due. Nothing where this process does not work on the lane. */
  wakeUp(platform: string, lane: Lane): void
  depth(): Promise<readonly LaneDepth[]>
  /** Another process has found a platform down, or up again. */
  told(state: PlatformState): void
}

const addAtMost = 5_000
/** Of the rate of a platform, this share is kept for revocations. */
const revokeShare = 0.25
const both = ['revoke', 'change'] as const

interface Place {
  readonly platform: string
  readonly lane: Lane
  readonly open: OpenLane
  readonly sweeping: Sweeping | null
}

export function openLanes(options: LaneOptions): Lanes {
  const places = new Map<string, Place>()
  const healths = new Map<string, Health>()
  for (const platform of options.platforms) {
    const health = healthOf(platform, options, () => {
      for (const lane of both) turn(places.get(keyOf(platform.id, lane)))
    })
    healths.set(platform.id, health)
    for (const lane of both) places.set(keyOf(platform.id, lane), openPlace(platform, lane, health, options))
  }
  return {
    async add(pointers) {
      const groups = Map.groupBy(pointers, ({ platform, lane }) => keyOf(platform, lane))
      const adding = [...groups].map(async ([key, some]) => places.get(key)?.open.add(some))
      const end = await inTime(Promise.all(adding), addAtMost)
      if (end === 'late') options.logger.warn('Redis is slow: what it has not taken yet may come later')
    },
    wakeUp: (platform, lane) => places.get(keyOf(platform, lane))?.sweeping?.now(),
    depth: () =>
      Promise.all(
        [...places.values()].map(async ({ platform, lane, open }) => ({
          platform,
          lane,
          waiting: await open.waiting(),
        })),
      ),
    told: (state) => healths.get(state.platform)?.told(state),
    async [Symbol.asyncDispose]() {
      for (const { sweeping } of places.values()) sweeping?.stop()
      await Promise.all([...places.values()].map(({ open }) => open[Symbol.asyncDispose]()))
      await Promise.all([...healths.values()].map((health) => health[Symbol.asyncDispose]()))
    },
  }
}

function turn(place: Place | undefined): void {
  place?.open.turned()
  place?.sweeping?.now()
}

function healthOf(platform: LanePlatform, { breaker, clock, logger }: LaneOptions, turned: () => void): Health {
  if (breaker === undefined) return alwaysUp
  const triesAtOnce = concurrencyOf(platform, 'revoke')
  return openHealth({ ...breaker, platform: platform.id, triesAtOnce, clock, logger, turned })
}

function openPlace(platform: LanePlatform, lane: Lane, health: Health, options: LaneOptions): Place {
  const { id, rate } = platform
  const { redis, ledger, clock, logger, tracing } = options
  const own = rate === undefined ? undefined : rate * (lane === 'revoke' ? revokeShare : 1 - revokeShare)
  const works = options.lanes.includes(lane)
  const open = openLane({
    redis,
    platform: id,
    lane,
    concurrency: concurrencyOf(platform, lane),
    works,
    chunkOf: (backlog) => chunkSize(lane, backlog, Math.floor(own ?? Infinity)),
    bucket: openBucket(own, () => performance.now()),
    health,
    work: (pointers, onUrgentDone) => options.work(pointers, lane, onUrgentDone),
    due: (most) => ledger.due(id, lane, clock(), most),
    logger,
    ...(tracing === undefined ? {} : { tracing }),
  })
  const sweeping = works ? keepSweeping(() => open.sweep(), logger, open.name) : null
  return { platform: id, lane, open, sweeping }
}

function concurrencyOf({ concurrency }: LanePlatform, lane: Lane): number {
  return lane === 'revoke' ? Math.max(1, Math.ceil(concurrency / 2)) : concurrency
}

function keyOf(platform: string, lane: Lane): string {
  return `${platform}\n${lane}`
}
