import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Lane } from '../../../src/model/change.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import type { ObligationPointer } from '../../../src/model/ledger.ts'
import type { PlatformState } from '../../../src/model/running.ts'
import type { BreakerOptions, JobOutcome } from '../../../src/queue/health.ts'
import { type LanePlatform, openLanes } from '../../../src/queue/lanes.ts'
import { openRedis, type RedisHandle } from '../../../src/queue/redis.ts'
import { startRedis } from '../../servers/redis.ts'
import { Book, notes, pointers, temporaryFolder, until } from './support.ts'

interface Given {
  readonly work: (
    some: readonly ObligationPointer[],
    lane: Lane,
    onUrgentDone: () => void,
  ) => Promise<JobOutcome | void>
  readonly lanes?: readonly Lane[]
  readonly breaker?: BreakerOptions
  readonly book?: Book
  readonly platforms?: readonly LanePlatform[]
  readonly url?: string
}

async function open(given: Given) {
  const { book = new Book([]), platforms = [{ id: 'corp', concurrency: 8 }], url, breaker } = given
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  const log = notes()
  const redis = stack.use(await openRedis({ redis: url ?? 'embedded', folder: folder.path }, log))
  const work = async (some: readonly ObligationPointer[], lane: Lane, onUrgentDone: () => void) =>
    (await given.work(some, lane, onUrgentDone)) ?? 'fine'
  const options = { redis, platforms, work, ledger: book, clock: Date.now, logger: log }
  const lanes = stack.use(
    openLanes({
      ...options,
      lanes: given.lanes ?? ['revoke', 'change'],
      ...(breaker === undefined ? {} : { breaker }),
    }),
  )
  return { lanes, redis, log, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('a revocation is a job of its own, changes come in chunks of up to 64 in the order given', async () => {
  const jobs: string[][] = []
  await using queue = await open({
    platforms: [{ id: 'corp', concurrency: 1 }],
    work: async (some, lane) => void jobs.push([lane, ...some.map(({ identity }) => identity)]),
  })
  await queue.lanes.add([...pointers('corp', 'change', 130), ...pointers('corp', 'revoke', 2)])
  await until('all are done', () => jobs.length === 5)
  const changes = jobs.filter(([lane]) => lane === 'change')
  expect(changes.map((job) => job.length - 1)).toEqual([64, 64, 2])
  expect(changes.flatMap(([, ...people]) => people)).toEqual(pointers('corp', 'change', 130).map((one) => one.identity))
  expect(jobs.filter(([lane]) => lane === 'revoke')).toEqual([
    ['revoke', 'hr:0'],
    ['revoke', 'hr:1'],
  ])
})

test('ten thousand changes go through in seconds', async () => {
  let count = 0
  await using queue = await open({ work: async (some) => void (count += some.length) })
  const began = performance.now()
  await queue.lanes.add(pointers('corp', 'change', 10_000))
  await until('all are done', () => count === 10_000)
  expect(performance.now() - began).toBeLessThan(5_000)
})

test('a revocation starts at once while changes of its platform and another platform are stuck', async () => {
  const { promise: stuck, resolve: release } = Promise.withResolvers<void>()
  let started = 0
  await using queue = await open({
    platforms: [
      { id: 'corp', concurrency: 2, rate: 100 },
      { id: 'wiki', concurrency: 1 },
    ],
    work: async (_some, lane) => {
      if (lane === 'change') await stuck
      else started = performance.now()
    },
  })
  await queue.lanes.add([...pointers('corp', 'change', 5_000), ...pointers('wiki', 'revoke', 0)])
  await queue.lanes.add(pointers('wiki', 'change', 500))
  await sleep(200)
  const asked = performance.now()
  await queue.lanes.add(pointers('corp', 'revoke', 1))
  await until('the revocation has started', () => started > 0)
  release()
  expect(started - asked).toBeLessThan(3_000)
})

test('what is left of a job when its urgent part is done keeps no other job waiting, and closing waits for it', async () => {
  const { promise: rest, resolve: end } = Promise.withResolvers<void>()
  const begun: string[] = []
  const over: string[] = []
  {
    await using queue = await open({
      platforms: [{ id: 'corp', concurrency: 1 }],
      work: async ([one], _lane, onUrgentDone) => {
        begun.push(one?.identity ?? '')
        onUrgentDone()
        await rest
        over.push(one?.identity ?? '')
      },
    })
    const isReady = async () => (await queue.lanes.depth()).every(({ waiting }) => waiting !== null)
    await until('Redis answers', isReady)
    await queue.lanes.add(pointers('corp', 'revoke', 3))
    await until('all are begun', () => begun.length === 3)
    expect(over).toEqual([])
    setTimeout(end, 100)
  }
  expect(over).toHaveLength(3)
})

test('of changes no more jobs are under way than stated, whatever of them is done', async () => {
  const { promise: rest, resolve: end } = Promise.withResolvers<void>()
  let begun = 0
  await using queue = await open({
    platforms: [{ id: 'corp', concurrency: 2 }],
    work: async (_some, _lane, onUrgentDone) => {
      begun += 1
      onUrgentDone()
      await rest
    },
  })
  await queue.lanes.add(pointers('corp', 'change', 64 * 5))
  await until('two are begun', () => begun === 2)
  await sleep(300)
  expect(begun).toBe(2)
  end()
  await until('all are done', () => begun === 5)
})

test('Redis is flushed in the middle: the sweep brings everything back', async () => {
  const owed = [...pointers('corp', 'change', 2_000), ...pointers('wiki', 'revoke', 20)]
  const book = new Book(owed)
  await using queue = await open({
    book,
    platforms: [
      { id: 'corp', concurrency: 1 },
      { id: 'wiki', concurrency: 1 },
    ],
    work: (some) => book.settle(some, () => sleep(10)),
  })
  await queue.lanes.add(owed)
  await until('work is on the way', () => book.done.length > 100)
  await queue.redis.connect().flushall()
  await until('nothing is owed', () => book.owed === 0)
  expect(book.done.toSorted()).toEqual(owed.map(({ platform, identity }) => `${platform} ${identity}`).toSorted())
})

test('an embedded Redis is killed with -9 in the middle: it comes back, and nothing is lost', async () => {
  const owed = pointers('corp', 'change', 2_000)
  const book = new Book(owed)
  await using queue = await open({
    book,
    platforms: [{ id: 'corp', concurrency: 1 }],
    work: (some) => book.settle(some, () => sleep(10)),
  })
  await queue.lanes.add(owed)
  await until('work is on the way', () => book.done.length > 100)
  const pid = Number(/process_id:(\d+)/.exec(await queue.redis.connect().info('server'))?.[1])
  process.kill(pid, 'SIGKILL')
  await until('nothing is owed', () => book.owed === 0)
  expect(new Set(book.done).size).toBe(owed.length)
  expect(book.done).toHaveLength(owed.length)
})

test('a given Redis that dies and comes back empty: the sweep brings everything back', async () => {
  await using server = await startRedis()
  const owed = [...pointers('corp', 'revoke', 50)]
  const book = new Book(owed)
  await using queue = await open({
    url: server.url,
    book,
    platforms: [{ id: 'corp', concurrency: 1 }],
    work: (some) => book.settle(some, () => sleep(10)),
  })
  await queue.lanes.add(owed)
  await until('work is on the way', () => book.done.length > 5)
  await server.kill()
  await sleep(500)
  await server.start()
  await until('nothing is owed', () => book.owed === 0)
  expect(book.done).toHaveLength(owed.length)
})

test('without Redis revocations are worked on all the same, changes wait', async () => {
  await using server = await startRedis()
  const owed = [...pointers('corp', 'revoke', 5), ...pointers('wiki', 'change', 5)]
  const book = new Book(owed)
  await using queue = await open({
    url: server.url,
    book,
    platforms: [
      { id: 'corp', concurrency: 4 },
      { id: 'wiki', concurrency: 4 },
    ],
    work: (some) => book.settle(some),
  })
  await server.kill()
  await until('all revocations are done', () => book.done.length === 5)
  expect(book.done.every((one) => one.startsWith('corp '))).toBe(true)
  expect(queue.log.lines.filter((line) => line.includes('Redis cannot be reached')).length).toBeLessThanOrEqual(4)
  await server.start()
  await until('the changes are done too', () => book.owed === 0)
})

test('work that fails is brought back by the sweep while it is owed', async () => {
  const book = new Book(pointers('corp', 'revoke', 1))
  let tries = 0
  await using queue = await open({
    book,
    work: async (some) => {
      tries += 1
      if (tries < 3) throw new Error('the platform is away')
      await book.settle(some)
    },
  })
  await queue.lanes.add(pointers('corp', 'revoke', 1))
  await until('it is done', () => book.owed === 0)
  expect(tries).toBe(3)
  expect(queue.log.lines.filter((line) => line.includes('work on a job failed'))).toHaveLength(2)
})

test('closing waits for the job that runs', async () => {
  const book = new Book(pointers('corp', 'change', 1))
  let began = false
  const queue = await open({
    book,
    work: (some) => {
      began = true
      return book.settle(some, () => sleep(300))
    },
  })
  await queue.lanes.add(pointers('corp', 'change', 1))
  await until('the job runs', () => began)
  await queue[Symbol.asyncDispose]()
  expect(book.done).toHaveLength(1)
})

test('a platform with a stated rate begins no more obligations a second than that', async () => {
  let count = 0
  await using queue = await open({
    platforms: [{ id: 'corp', concurrency: 8, rate: 400 }],
    work: async (some) => void (count += some.length),
  })
  const began = performance.now()
  await queue.lanes.add(pointers('corp', 'change', 900))
  await until('all are done', () => count === 900)
  // Three quarters of 400 a second are for changes, and up to one second of them may come at once.
  expect(performance.now() - began).toBeGreaterThan(1_500)
})

async function freeze(redis: RedisHandle): Promise<{ thaw(): void }> {
  const connection = redis.connect()
  const pid = Number(/process_id:(\d+)/.exec(await connection.info('server'))?.[1])
  redis.release(connection)
  process.kill(pid, 'SIGSTOP')
  return { thaw: () => process.kill(pid, 'SIGCONT') }
}

test('a Redis that hangs holds up no revocation: adding returns soon, and the work is done from the ledger', async () => {
  const book = new Book(pointers('corp', 'revoke', 300))
  await using queue = await open({ book, work: (some) => book.settle(some) })
  await until('the queue answers', async () => (await queue.lanes.depth()).every(({ waiting }) => waiting === 0))
  const frozen = await freeze(queue.redis)
  try {
    // Half of them are told, the others only stand in the ledger.
    await queue.lanes.add(pointers('corp', 'revoke', 150))
    await until('all revocations are done', () => book.owed === 0)
    expect((await queue.lanes.depth()).map(({ waiting }) => waiting)).toEqual([null, null])
  } finally {
    frozen.thaw()
  }
  await until('the queue answers again', async () => (await queue.lanes.depth()).every(({ waiting }) => waiting === 0))
  expect(book.done).toHaveLength(300)
})

test('what is owed without having been added is noticed by the sweep, and at once where somebody wakes it up', async () => {
  const book = new Book(pointers('corp', 'revoke', 3))
  await using queue = await open({ book, work: (some) => book.settle(some) })
  queue.lanes.wakeUp('corp', 'revoke')
  await until('all are done', () => book.owed === 0)
})

test('a process that works on revocations only adds changes for others, and says how many wait', async () => {
  await using server = await startRedis()
  const owed = [...pointers('corp', 'change', 128), ...pointers('corp', 'revoke', 2)]
  const book = new Book(owed)
  const work = async (some: readonly ObligationPointer[]) => await book.settle(some)
  await using urgent = await open({ url: server.url, book, lanes: ['revoke'], work })
  await urgent.lanes.add(owed)
  await until('the revocations are done', () => book.done.length === 2)
  await until('the changes wait', async () => (await urgent.lanes.depth())[1]?.waiting === 2)
  await using heavy = await open({ url: server.url, book, lanes: ['change'], work })
  await until('the changes are done', () => book.owed === 0)
  expect(heavy.log.lines).toEqual([])
})

function breakerOf(isDown: () => boolean, states: PlatformState[], woken: string[] = []): BreakerOptions {
  return {
    stored: [],
    probe: async () => {
      if (isDown()) throw new KeyturnError('platform-unreachable', 'connection refused')
    },
    onState: (state) => void states.push(state),
    onUp: async (platform) => void woken.push(platform),
  }
}

const outage = { outage: { code: 'platform-unreachable', message: 'connection refused' } } as const

test('a platform that is down pauses its own changes, tries its revocations on, and both go on when it is back', async () => {
  const owed = [
    ...pointers('corp', 'change', 600),
    ...pointers('corp', 'revoke', 40),
    ...pointers('wiki', 'change', 600),
  ]
  const book = new Book(owed)
  const states: PlatformState[] = []
  const woken: string[] = []
  let isDown = true
  let changesWhileDown = 0
  let revocationsWhileDown = 0
  await using queue = await open({
    book,
    platforms: [
      { id: 'corp', concurrency: 2 },
      { id: 'wiki', concurrency: 2 },
    ],
    breaker: breakerOf(() => isDown, states, woken),
    work: async (some, lane) => {
      if (isDown && some[0]?.platform === 'corp') {
        if (lane === 'change') changesWhileDown += 1
        else revocationsWhileDown += 1
        return outage
      }
      return await book.settle(some, () => sleep(5))
    },
  })
  await queue.lanes.add(owed)
  await until('it is found down, and probed twice', () => states.length >= 3)
  await until('the other platform is done', () => book.done.length === 600)
  const tried = revocationsWhileDown
  await until('revocations are tried on', () => revocationsWhileDown > tried + 2)
  expect(changesWhileDown).toBeLessThan(8)
  expect(new Set(states.map(({ platform, state }) => `${platform} ${state}`))).toEqual(new Set(['corp down']))
  isDown = false
  await until('nothing is owed', () => book.owed === 0)
  expect(states.at(-1)).toMatchObject({ platform: 'corp', state: 'up', error: null, probeAt: null })
  expect(woken).toEqual(['corp'])
})

test('a platform that is stored as down begins paused, and goes on as soon as a probe is answered', async () => {
  const { promise: asked, resolve: answer } = Promise.withResolvers<void>()
  const book = new Book(pointers('corp', 'change', 64))
  const states: PlatformState[] = []
  const stored = [{ platform: 'corp', state: 'down', since: 0, error: outage.outage, probeAt: 0 }] as const
  await using queue = await open({
    book,
    breaker: { ...breakerOf(() => false, states), stored, probe: () => asked },
    work: (some) => book.settle(some),
  })
  await queue.lanes.add(pointers('corp', 'change', 64))
  await sleep(100)
  expect(book.done).toEqual([])
  answer()
  await until('the changes are done', () => book.owed === 0)
  expect(states).toMatchObject([{ platform: 'corp', state: 'up' }])
})

test('what another process has found out pauses and resumes the changes here, and is not told again', async () => {
  const book = new Book(pointers('corp', 'change', 64))
  const states: PlatformState[] = []
  const never = () => new Promise<void>(() => undefined)
  await using queue = await open({
    book,
    breaker: { ...breakerOf(() => false, states), probe: never },
    work: (some) => book.settle(some),
  })
  queue.lanes.told({ platform: 'corp', state: 'down', since: 0, error: null, probeAt: null })
  await queue.lanes.add(pointers('corp', 'change', 64))
  await sleep(100)
  expect(book.done).toEqual([])
  queue.lanes.told({ platform: 'corp', state: 'up', since: 1, error: null, probeAt: null })
  await until('the changes are done', () => book.owed === 0)
  expect(states).toEqual([])
})

test('closing while Redis is away ends soon', async () => {
  await using server = await startRedis()
  const queue = await open({ url: server.url, work: async () => undefined })
  await until('the queue answers', async () => (await queue.lanes.depth()).every(({ waiting }) => waiting === 0))
  await server.kill()
  await sleep(50)
  const began = performance.now()
  await queue[Symbol.asyncDispose]()
  expect(performance.now() - began).toBeLessThan(5_000)
})
