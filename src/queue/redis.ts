import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis, type RedisOptions } from 'ioredis'
import { KeyturnError, summarise } from '../model/errors.ts'
import type { Logger } from '../model/ports.ts'
import { answers, type RedisChild, startRedis } from './embedded.ts'
import { type FileLock, tryLock } from './lock.ts'
import { secureFolder, socketPath } from './socket.ts'

/** A Redis to work with, given or embedded. Closing it ends the connections that it made, and the embedded server if it is ours. */
export interface RedisHandle extends AsyncDisposable {
  /** A new connection that reconnects until it is released and never emits an unhandled error. */
  connect(): Redis
  /** Ends a connection, and those that BullMQ has made of it: none of them reconnects any more. */
  release(connection: Redis): void
}

export interface RedisSettings {
  /** `embedded`, or a redis:// or rediss:// URL (resolved: it may hold a password, and is never shown). */
  readonly redis: string
  /** The state folder, for the embedded Redis. */
  readonly folder: string
  /** A daemon begins without Redis, too, and uses it as soon as it answers: nothing is waited for, nothing is thrown for it. */
  readonly patient?: boolean
}

const waitForOther = 15_000
const lookAgain = 250

/** Throws KeyturnError `redis-unavailable`, or `config-invalid` for a text that is no such URL. */
export async function openRedis(settings: RedisSettings, logger: Logger): Promise<RedisHandle> {
  const patient = settings.patient === true
  if (settings.redis === 'embedded') return await openEmbedded(settings.folder, patient, logger)
  return await openGiven(settings.redis, patient)
}

/** Silence after a question: longer than BullMQ's blocking commands take, which are answered after 10 s at most. */
const silence = 15_000

function optionsUntil(released: () => boolean) {
  return {
    // BullMQ's workers demand it: their blocking commands wait through an outage.
    maxRetriesPerRequest: null,
    retryStrategy: (times: number) => (released() ? null : Math.min(50 * times, 500)),
    connectTimeout: 2_000,
    // A machine that vanished closes no connection.
    socketTimeout: silence,
  } satisfies RedisOptions
}

function openConnections(connect: (options: ReturnType<typeof optionsUntil>) => Redis) {
  const connections = new Set<Redis>()
  const release = (redis: Redis) => {
    connections.delete(redis)
    redis.disconnect()
  }
  return {
    connect() {
      const redis: Redis = connect(optionsUntil(() => !connections.has(redis)))
      connections.add(redis)
      // An outage is told by who works with the connection; an 'error' event without a listener would end the process.
      redis.on('error', () => undefined)
      return redis
    },
    release,
    close() {
      for (const redis of connections) release(redis)
    },
  }
}

async function openGiven(url: string, patient: boolean): Promise<RedisHandle> {
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    throw new KeyturnError('config-invalid', 'state.redis is neither "embedded" nor a redis:// or rediss:// URL')
  }
  if (!patient) await probe(url)
  const connections = openConnections((options) => new Redis(url, options))
  return {
    connect: () => connections.connect(),
    release: (connection) => connections.release(connection),
    async [Symbol.asyncDispose]() {
      connections.close()
    },
  }
}

/** Throws KeyturnError `redis-unavailable`. */
async function probe(url: string): Promise<void> {
  const { protocol, host } = new URL(url)
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 5_000,
    maxRetriesPerRequest: 0,
  })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    await redis.ping()
  } catch (cause) {
    throw new KeyturnError(
      'redis-unavailable',
      `the Redis at ${protocol}//${host} cannot be used: ${summarise(cause).message}`,
      {
        cause,
        hint: 'Start it, correct state.redis, or use "embedded".',
      },
    )
  } finally {
    redis.disconnect()
  }
}

/** One process owns the server under a lock; the others use it, and one of them takes over when the owner ends. */
async function openEmbedded(folder: string, patient: boolean, logger: Logger): Promise<RedisHandle> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = await socketPath(folder)
  await secureFolder(path)
  const keeper = new Keeper(path, join(folder, 'redis.lock'), logger)
  try {
    if (patient) keeper.beginLater()
    else await keeper.begin()
  } catch (error) {
    await keeper.end()
    throw error
  }
  const connections = openConnections((options) => new Redis({ ...options, path }))
  return {
    connect: () => connections.connect(),
    release: (connection) => connections.release(connection),
    async [Symbol.asyncDispose]() {
      connections.close()
      await keeper.end()
    },
  }
}

/** Keeps a server alive behind the socket: starts it when the lock is ours, and again when it was killed. */
class Keeper {
  private lock: FileLock | null = null
  private child: RedisChild | null = null
  private readonly stop = new AbortController()
  private watching: Promise<void> = Promise.resolve()
  private readonly path: string
  private readonly lockPath: string
  private readonly logger: Logger

  constructor(path: string, lockPath: string, logger: Logger) {
    this.path = path
    this.lockPath = lockPath
    this.logger = logger
  }

  async begin(): Promise<void> {
    for (const deadline = Date.now() + waitForOther; ; await sleep(25)) {
      if (await this.takeOver()) break
      if (await answers(this.path)) break
      if (Date.now() > deadline) {
        throw new KeyturnError(
          'redis-unavailable',
          `another process owns the embedded Redis, but it does not answer at ${this.path}`,
        )
      }
    }
    this.watching = this.watch(false)
  }

  /** Takes over as soon as it can, and says what hinders it. */
  beginLater(): void {
    this.watching = this.watch(true)
  }

  private tell(first: boolean): void {
    if (first) this.logger.info('the embedded Redis was started')
    else this.logger.warn('the embedded Redis was started again')
  }

  /** True when the server is ours and runs. */
  private async takeOver(): Promise<boolean> {
    this.lock ??= tryLock(this.lockPath)
    if (this.lock === null) return false
    if (this.child !== null) return true
    const child = await startRedis(this.path, this.logger)
    this.child = child
    void child.ended.then(() => {
      if (this.child === child) this.child = null
    })
    return true
  }

  /** @param isFirst no server has been looked for yet */
  private async watch(isFirst: boolean): Promise<void> {
    let first = isFirst
    let told = ''
    while (!this.stop.signal.aborted) {
      try {
        if (this.child === null && (await this.takeOver())) this.tell(first)
        first = false
        told = ''
      } catch (error) {
        const { code, message } = summarise(error)
        if (message !== told) this.logger.error('the embedded Redis cannot be started', { code, message })
        told = message
      }
      if (!this.stop.signal.aborted) await this.child?.ended
      await sleep(lookAgain, undefined, { signal: this.stop.signal, ref: false }).catch(() => undefined)
    }
  }

  async end(): Promise<void> {
    this.stop.abort()
    await this.child?.stop()
    await this.watching
    // One that was being started meanwhile.
    await this.child?.stop()
    this.lock?.release()
  }
}
