import type { Lane } from '../model/change.ts'
import { summarise } from '../model/errors.ts'
import { type Clock, SECOND } from '../model/instant.ts'
import type { Ledger, ObligationPointer } from '../model/ledger.ts'
import type { Logger } from '../model/ports.ts'
import { openBucket } from './bucket.ts'
import { chunkSize } from './chunk.ts'
import { openLane, type OneLaneOptions, type OpenLane } from './lane.ts'
import type { RedisHandle } from './redis.ts'

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
  /** Does the work; what it throws is logged, and the sweep brings the pointers back while they are owed. */
  work(pointers: readonly ObligationPointer[], lane: Lane): Promise<void>
  readonly ledger: Pick<Ledger, 'due'>
  readonly clock: Clock
  readonly logger: Logger
}

/** Two queues per platform with their workers. Closing waits for running jobs, for a bounded time. */
export interface Lanes extends AsyncDisposable {
  /** Adds pointers in the order given; neighbours go into one chunk. What cannot be added in time is left to the sweep. */
  add(pointers: readonly ObligationPointer[]): Promise<void>
}

const sweepEvery = SECOND
const addAtMost = 5 * SECOND
/** Of the rate of a platform, this share is kept for revocations. */
const revokeShare = 0.25

export function openLanes(options: LaneOptions): Lanes {
  const lanes = new Map<string, OpenLane>()
  for (const platform of options.platforms) {
    for (const lane of ['revoke', 'change'] as const) {
      lanes.set(keyOf(platform.id, lane), openLane(laneOptions(platform, lane, options)))
    }
  }
  const timers = [...lanes.values()].map((lane) => sweep(lane, options.logger))
  return {
    async add(pointers) {
      const groups = Map.groupBy(pointers, ({ platform, lane }) => keyOf(platform, lane))
      const adding = [...groups].map(async ([key, some]) => lanes.get(key)?.add(some))
      await inTime(Promise.all(adding), addAtMost, options.logger)
    },
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearInterval(timer)
      await Promise.all([...lanes.values()].map((lane) => lane[Symbol.asyncDispose]()))
    },
  }
}

function laneOptions(platform: LanePlatform, lane: Lane, options: LaneOptions): OneLaneOptions {
  const { id, rate, concurrency } = platform
  const { redis, ledger, clock, logger } = options
  const own = rate === undefined ? undefined : rate * (lane === 'revoke' ? revokeShare : 1 - revokeShare)
  return {
    redis,
    platform: id,
    lane,
    concurrency: lane === 'revoke' ? Math.max(1, Math.ceil(concurrency / 2)) : concurrency,
    chunkOf: (backlog) => chunkSize(lane, backlog, Math.floor(own ?? Infinity)),
    bucket: openBucket(own, clock),
    work: (pointers) => options.work(pointers, lane),
    due: (most) => ledger.due(id, lane, clock(), most),
    logger,
  }
}

/** Brings back what is owed: retries whose time has come, and whatever Redis or a killed worker lost. */
function sweep(lane: OpenLane, logger: Logger): NodeJS.Timeout {
  let busy = false
  return setInterval(() => {
    if (busy) return
    busy = true
    void lane
      .sweep()
      .catch((error: unknown) => logger.warn('the sweep failed', { lane: lane.name, ...summarise(error) }))
      .finally(() => {
        busy = false
      })
  }, sweepEvery)
}

/** Redis may be away; what is added when it comes back is added once too often at worst. */
async function inTime(adding: Promise<unknown>, ms: number, logger: Logger): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => resolve('late'), ms)
  try {
    const end = await Promise.race([adding, late])
    if (end === 'late') logger.warn('Redis does not take jobs; the sweep will bring them')
  } catch (error) {
    logger.warn('jobs could not be added; the sweep will bring them', summarise(error))
  } finally {
    clearTimeout(timer)
  }
  adding.catch(() => undefined)
}

function keyOf(platform: string, lane: Lane): string {
  return `${platform}\n${lane}`
}
