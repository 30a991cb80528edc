import { Queue, Worker } from 'bullmq'
import type { Lane } from '../model/change.ts'
import { summarise } from '../model/errors.ts'
import { SECOND } from '../model/instant.ts'
import type { ObligationPointer } from '../model/ledger.ts'
import type { Logger } from '../model/ports.ts'
import type { Bucket } from './bucket.ts'
import type { RedisHandle } from './redis.ts'

/** One queue with its worker in this process. */
export interface OpenLane extends AsyncDisposable {
  readonly name: string
  add(pointers: readonly ObligationPointer[]): Promise<void>
  /** Adds what the ledger says is due, where nothing waits in the queue any more; without Redis it revokes by itself. */
  sweep(): Promise<void>
}

export interface OneLaneOptions {
  readonly redis: RedisHandle
  readonly platform: string
  readonly lane: Lane
  readonly concurrency: number
  /** How many people one job is for, when so many are added at once. */
  chunkOf(backlog: number): number
  readonly bucket: Bucket
  work(pointers: readonly ObligationPointer[]): Promise<void>
  due(most: number): Promise<readonly ObligationPointer[]>
  readonly logger: Logger
}

interface Work {
  readonly identities: readonly string[]
}

const bulk = 1_000
const sweepAtMost = { revoke: 1_000, change: 5_000 } as const
const closeAtMost = 10 * SECOND
const prefix = 'keyturn'

/** BullMQ reports the same outage with every command: one line a while is enough. */
const quietFor = 30 * SECOND

export function openLane(options: OneLaneOptions): OpenLane {
  const { redis, platform, lane, logger } = options
  // BullMQ builds its keys with colons.
  const name = `${platform.replaceAll(':', '_')}-${lane}`
  const stop = new AbortController()
  const connections = [redis.connect(), redis.connect()] as const
  const queue = new Queue<Work>(name, {
    connection: connections[0],
    prefix,
    skipVersionCheck: true,
    defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    streams: { events: { maxLen: 10 } },
  })
  const worker = new Worker<Work>(name, (job) => run(job.data.identities, options, stop.signal), {
    connection: connections[1],
    prefix,
    skipVersionCheck: true,
    concurrency: options.concurrency,
    // After a lost connection BullMQ would sit still for 15 seconds.
    runRetryDelay: 100,
  })
  const complain = quietly(() => logger.warn('Redis cannot be reached', { lane: name }))
  queue.on('error', complain)
  worker.on('error', complain)

  const add = async (pointers: readonly ObligationPointer[]) => {
    const jobs = [...chunks(pointers, options.chunkOf(pointers.length))].map((some) => ({
      name: 'settle',
      data: { identities: some.map(({ identity }) => identity) },
    }))
    for (const some of chunks(jobs, bulk)) await queue.addBulk([...some])
  }
  return {
    name,
    add,
    async sweep() {
      if (connections[0].status !== 'ready') return await withoutRedis(options, stop.signal)
      if ((await queue.getWaitingCount()) > 0) return
      const due = await options.due(sweepAtMost[lane])
      if (due.length > 0) await add(due)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await closeInTime(worker)
      await Promise.race([queue.close(), later(SECOND)]).catch(() => undefined)
      for (const connection of connections) connection.disconnect()
    },
  }
}

/** The ledger remembers what is owed: a job that fails is not tried again by BullMQ. */
async function run(identities: readonly string[], options: OneLaneOptions, stop: AbortSignal): Promise<void> {
  const { platform, lane, logger } = options
  const pointers = identities.map((identity) => ({ identity, platform, lane }))
  await options.bucket.take(pointers.length, stop)
  if (stop.aborted) return
  try {
    await options.work(pointers)
  } catch (error) {
    logger.warn('work on a job failed; the sweep brings it back', { platform, lane, ...summarise(error) })
  }
}

/** Revocation never waits (law 3): without Redis it is worked on straight from the ledger. Changes can wait. */
async function withoutRedis(options: OneLaneOptions, stop: AbortSignal): Promise<void> {
  if (options.lane !== 'revoke') return
  const due = await options.due(options.concurrency)
  await Promise.all(due.map(({ identity }) => run([identity], options, stop)))
}

/** Waits for running jobs; what still runs after that is owed and will be claimed again. */
async function closeInTime(worker: Worker): Promise<void> {
  const closing = worker.close()
  closing.catch(() => undefined)
  const end = await Promise.race([closing.then(() => 'closed' as const), later(closeAtMost)])
  if (end === 'late') await Promise.race([worker.close(true), later(SECOND)])
}

function later(ms: number): Promise<'late'> {
  return new Promise((resolve) => {
    setTimeout(() => resolve('late'), ms).unref()
  })
}

function quietly(say: () => void): () => void {
  let saidAt = -Infinity
  return () => {
    if (performance.now() - saidAt < quietFor) return
    saidAt = performance.now()
    say()
  }
}

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
