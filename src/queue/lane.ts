import { Worker } from 'bullmq'
import type { Lane } from '../model/change.ts'
import { summarise } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import { SECOND } from '../model/instant.ts'
import type { ObligationPointer } from '../model/ledger.ts'
import type { Logger } from '../model/ports.ts'
import type { Bucket } from './bucket.ts'
import { type Direct, openDirect } from './direct.ts'
import type { Health, JobOutcome } from './health.ts'
import { openJobs, prefix, type Work } from './jobs.ts'
import { inTime } from './patience.ts'
import type { RedisHandle } from './redis.ts'
import type { Tracing } from './tracing.ts'
import { sweepLane } from './sweep.ts'

/** One queue, with its worker where this process works on it. */
export interface OpenLane extends AsyncDisposable {
  readonly name: string
  /** Never throws: what Redis does not take is left to the sweep, or in the revoke lane worked on at once. */
  add(pointers: readonly ObligationPointer[]): Promise<void>
  /** How many jobs wait; null where Redis does not answer. */
  waiting(): Promise<number | null>
  /** Adds what the ledger says is due; returns when it should be called again, ms. Only where this process works on it. */
  sweep(): Promise<number>
  /** Its platform went down or came back. */
  turned(): void
}

export interface OneLaneOptions {
  readonly redis: RedisHandle
  readonly platform: string
  readonly lane: Lane
  readonly concurrency: number
  /** Does this process work on it, or only add to it? */
  readonly works: boolean
  /** How many people one job is for, when so many are added at once. */
  chunkOf(backlog: number): number
  readonly bucket: Bucket
  readonly health: Health
  /** `onUrgentDone`: what is left of it is no reason for the next job to wait. */
  work(pointers: readonly ObligationPointer[], onUrgentDone: () => void): Promise<JobOutcome>
  due(most: number): Promise<readonly ObligationPointer[]>
  readonly logger: Logger
  readonly tracing?: Tracing
}

const closeAtMost = 10 * SECOND
/** For a revocation Redis must answer soon: otherwise it begins without. */
const patience = { revoke: SECOND / 5, change: 5 * SECOND } as const
/** People in jobs that are not over: with more of them, a job keeps its place until its end, since all of them are in memory. */
const mostAtOnce = 16_384
/** So few who leave do not wait behind hundreds who left before them. */
const few = 16
/** BullMQ reports the same outage with every command: one line a while is enough. */
const quietFor = 30 * SECOND
/** At a start Redis is awaited, the embedded one above all: that is no outage yet. */
const awaited = 2 * SECOND

export function openLane(options: OneLaneOptions): OpenLane {
  const { redis, platform, lane, logger, tracing } = options
  // BullMQ builds its keys with colons.
  const name = `${platform.replaceAll(':', '_')}-${lane}`
  const complain = quietly(() => logger.warn('Redis cannot be reached', { lane: name }))
  // Who can begin without Redis does not wait for a connection to it.
  const needsReady = lane === 'revoke' && options.works
  const traced = tracing === undefined ? {} : { tracing }
  const jobs = openJobs({ redis, name, patience: patience[lane], needsReady, complain, ...traced })
  const crew = options.works ? openCrew(name, options, complain) : null
  const add = async (identities: readonly IdentityId[]) => {
    const isFew = lane === 'revoke' && identities.length <= few
    if (isFew && crew?.isFull() === true) {
      crew.direct.offer(identities)
      return
    }
    const order = isFew ? 'first' : 'last'
    const left = await jobs.add([...chunks(identities, options.chunkOf(identities.length))], order)
    if (left.length === 0) return
    if (lane === 'revoke') crew?.direct.offer(left)
    else logger.warn('Redis does not take jobs; the sweep will bring them', { lane: name, people: left.length })
  }
  return {
    name,
    add: (pointers) => add(pointers.map(({ identity }) => identity)),
    waiting: () => jobs.waiting(),
    sweep: () => sweepLane({ ...options, jobs, add, direct: (identities) => crew?.direct.offer(identities) }),
    turned: () => crew?.turned(),
    async [Symbol.asyncDispose]() {
      await crew?.close()
      await jobs[Symbol.asyncDispose]()
    },
  }
}

interface Crew {
  /** Works without Redis. */
  readonly direct: Direct
  /** So many people are in memory that the next job waits for the end of one. */
  isFull(): boolean
  turned(): void
  close(): Promise<void>
}

function openCrew(name: string, options: OneLaneOptions, complain: () => void): Crew {
  const { redis, lane, concurrency, health } = options
  const stop = new AbortController()
  const running = new Set<Promise<void>>()
  let people = 0
  const isFull = () => people > mostAtOnce
  const work = async (identities: readonly IdentityId[], givesUp: 'its place' | 'nothing') => {
    const { promise: urgent, resolve } = Promise.withResolvers<void>()
    const one = run(identities, options, stop.signal, resolve)
    running.add(one)
    people += identities.length
    const over = one.finally(() => {
      running.delete(one)
      people -= identities.length
    })
    await (givesUp === 'nothing' || isFull() ? over : Promise.race([over, urgent]))
  }
  const connection = redis.connect()
  // Of changes no more than stated are ever on their way: nothing of theirs is urgent.
  const gives = lane === 'revoke' ? 'its place' : 'nothing'
  const worker = new Worker<Work>(name, (job) => work(job.data.identities, gives), {
    connection,
    prefix,
    skipVersionCheck: true,
    concurrency,
    // After a lost connection BullMQ would sit still for 15 seconds.
    runRetryDelay: 100,
    ...(options.tracing === undefined ? {} : { telemetry: options.tracing }),
  })
  worker.on('error', complain)
  const direct = openDirect(concurrency, (identity) => work([identity], 'nothing'))
  const turned = () => {
    if (lane === 'revoke') return
    const turning = health.isDown() ? worker.pause(true) : worker.resume()
    turning.catch(complain)
  }
  if (health.isDown()) turned()
  return {
    direct,
    isFull,
    turned,
    async close() {
      stop.abort()
      direct.close()
      const closing = worker.close()
      // What still runs after that is owed and will be claimed again.
      await inTime(Promise.all(running), closeAtMost)
      // Without Redis, BullMQ would wait for it; what it would write there is written in the ledger already.
      await inTime(closing, SECOND).catch(complain)
      redis.release(connection)
    },
  }
}

/** The ledger remembers what is owed: a job that fails or does not begin is not tried again by BullMQ. */
async function run(
  identities: readonly IdentityId[],
  options: OneLaneOptions,
  stop: AbortSignal,
  onUrgentDone: () => void,
): Promise<void> {
  const { platform, lane, logger, health, bucket } = options
  const pointers = identities.map((identity) => ({ identity, platform, lane }))
  if (stop.aborted || !health.mayBegin(lane)) return
  await bucket.take(pointers.length, stop)
  if (stop.aborted) return
  const beganAt = health.ticks()
  try {
    health.tell(await options.work(pointers, onUrgentDone), beganAt)
  } catch (error) {
    logger.warn('work on a job failed; the sweep brings it back', { platform, lane, ...summarise(error) })
  }
}

function quietly(say: () => void): () => void {
  let [beganAt, heardAt, saidAt] = [-Infinity, -Infinity, -Infinity]
  return () => {
    const now = performance.now()
    if (now - heardAt > quietFor) beganAt = now
    heardAt = now
    if (now - beganAt < awaited || now - saidAt < quietFor) return
    saidAt = now
    say()
  }
}

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
