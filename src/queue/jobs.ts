import { Queue } from 'bullmq'
import type { IdentityId } from '../model/identity.ts'
import type { RedisHandle } from './redis.ts'
import { inTime } from './patience.ts'
import type { Tracing } from './tracing.ts'

/** What a job carries: pointers to obligations of one lane. */
export interface Work {
  readonly identities: readonly IdentityId[]
}

/** `first`: before all that wait. */
export type Order = 'first' | 'last'

/** The jobs of one lane in Redis. Nothing here waits longer than stated for a Redis that is away or hangs. */
export interface Jobs extends AsyncDisposable {
  /** Adds one job for each group; returns the people whom Redis did not take in time: they may be added all the same, later. */
  add(groups: readonly (readonly IdentityId[])[], order: Order): Promise<readonly IdentityId[]>
  /** How many jobs wait; null where Redis does not answer. */
  waiting(): Promise<number | null>
}

export interface JobsOptions {
  readonly redis: RedisHandle
  readonly name: string
  /** How long one command may take, ms. */
  readonly patience: number
  /** Adds nothing while there is no connection; otherwise a command may wait for one. */
  readonly needsReady: boolean
  readonly tracing?: Tracing
  /** Told of errors of the connection. */
  readonly complain: () => void
}

export const prefix = 'keyturn'

/** So few that Redis answers soon, also on a busy machine. */
const bulk = 500
const closeAtMost = 1_000
const askAtMost = 1_000

export function openJobs({ redis, name, patience, needsReady, complain, tracing }: JobsOptions): Jobs {
  const connection = redis.connect()
  const queue = new Queue<Work>(name, {
    connection,
    prefix,
    skipVersionCheck: true,
    defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    streams: { events: { maxLen: 10 } },
    ...(tracing === undefined ? {} : { telemetry: tracing }),
  })
  queue.on('error', complain)
  // While one question is unanswered, no further one is piled on it.
  let asked: Promise<number> | null = null
  const ask = () => {
    asked ??= queue.getWaitingCount().finally(() => {
      asked = null
    })
    return asked
  }
  return {
    async add(groups, order) {
      if (needsReady && connection.status !== 'ready') return groups.flat()
      for (let start = 0; start < groups.length; start += bulk) {
        const some = groups.slice(start, start + bulk)
        const opts = order === 'first' ? { opts: { lifo: true } } : {}
        const jobs = some.map((identities) => ({ name: 'settle', data: { identities }, ...opts }))
        const end = await inTime(queue.addBulk(jobs), patience).catch(() => 'late' as const)
        if (end === 'late') return groups.slice(start).flat()
      }
      return []
    },
    async waiting() {
      if (connection.status !== 'ready') return null
      const count = await inTime(ask(), Math.min(patience, askAtMost)).catch(() => null)
      return count === 'late' ? null : count
    },
    async [Symbol.asyncDispose]() {
      await inTime(queue.close(), closeAtMost).catch(() => undefined)
      redis.release(connection)
    },
  }
}
