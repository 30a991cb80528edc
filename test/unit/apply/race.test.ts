import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SettlePorts } from '../../../src/apply/ports.ts'
import type { Connector } from '../../../src/model/connector.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import { World } from './world.ts'

/** Every call to the outside, of every worker, ends when the scheduler says so: all orders are possible. */
function scheduled(world: World, scheduler: fc.Scheduler): Partial<SettlePorts> {
  const turn = async () => {
    await scheduler.schedule(Promise.resolve())
  }
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key)
        if (typeof value !== 'function' || ['canonical', 'within', 'adapt'].includes(String(key))) return value
        return async (...args: unknown[]) => {
          await turn()
          const result = (await Reflect.apply(value, object, args)) as unknown
          await turn()
          return result
        }
      },
    })
  world.platform.hook = turn
  return { ledger: wrap(world.ledger), connector: wrap(world.platform), observe: () => world.observe() }
}

/** Settles, plans and settles again until nothing is owed; the clock stands still while others are at work. */
async function worker(world: World, ports: Partial<SettlePorts>, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await world.settle(world.pointers(), ports)
}

const opening = /^(create|enable|grant|issue-credential) /
/** What lets somebody in. A late grant to an account that is shut is taken away again. */
const lettingIn = /^(create|enable|issue-credential) /

test('two workers on one obligation: one account, one password, and it is the one that was handed over', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const world = new World()
      world.wish('hr:1', { groups: ['staff', 'board'] })
      await world.plan()
      const ports = scheduled(world, scheduler)
      await scheduler.waitFor(Promise.all([worker(world, ports, 2), worker(world, ports, 2)]))
      world.platform.hook = async () => undefined
      await world.quiesce()
      expect(world.platform.accounts.size).toBe(1)
      expect(world.platform.events).toEqual(['create hr:1', 'grant n1', 'grant n1'])
      expect(world.unrecorded()).toEqual([])
      expect(world.accountOf('hr:1')).toMatchObject([{ password: world.handedOver.get('person1') }])
    }),
    { numRuns: 200 },
  )
})

test.each([
  ['joins', { state: 'open', groups: ['staff', 'board'] }, false],
  ['comes back', { state: 'open', groups: ['staff', 'board'] }, true],
] as const)(
  'somebody who %s leaves in the middle of it: the account ends shut, and nothing is opened after that',
  async (_how, wish, wasThere) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat({ max: 30 }), fc.boolean(), async (scheduler, delay, hasStolen) => {
        const world = new World()
        world.ledger.steals = hasStolen
        if (wasThere) {
          world.wish('hr:1', { groups: ['staff'] })
          await world.quiesce()
          world.wish('hr:1', { state: 'shut' })
          await world.quiesce()
        }
        world.wish('hr:1', wish)
        await world.plan()
        const ports = scheduled(world, scheduler)
        const leaving = async () => {
          for (let i = 0; i < delay; i += 1) await scheduler.schedule(Promise.resolve())
          world.wish('hr:1', { state: 'shut' })
          await world.plan()
          await worker(world, ports, 3)
        }
        await scheduler.waitFor(Promise.all([worker(world, ports, 2), leaving()]))
        world.platform.hook = async () => undefined
        await world.quiesce()
        const shut = world.platform.events.findLastIndex((event) => event.startsWith('disable '))
        const late = hasStolen ? lettingIn : opening
        const later = world.platform.events.slice(shut).filter((event) => late.test(event))
        expect(world.accountOf('hr:1').filter(({ enabled }) => enabled)).toEqual([])
        expect({ hasStolen, events: world.platform.events, later }).toMatchObject({ later: [] })
        expect({ events: world.platform.events, unrecorded: world.unrecorded() }).toMatchObject({ unrecorded: [] })
        for (const account of world.platform.accounts.values()) {
          expect([...account.entitlements]).toEqual([])
          expect(account.password).not.toBe(world.handedOver.get(account.name))
        }
      }),
      { numRuns: 300 },
    )
  },
)

test.each([
  ['waits for the claim', false],
  ['takes the claim over', true],
])(
  'a revocation that %s: once it is settled nothing opens any more, and nothing begins to open once it is admitted',
  async (_how, steals) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat({ max: 30 }), async (scheduler, delay) => {
        const world = await awayAndBack()
        const { events } = world.platform
        world.ledger.steals = steals
        world.ledger.note = (what) => events.push(what)
        const ports = scheduled(world, scheduler)
        const leaving = async () => {
          for (let i = 0; i < delay; i += 1) await scheduler.schedule(Promise.resolve())
          world.wish('hr:1', { state: 'shut' })
          events.push('left')
          await world.plan()
          events.push('admitted')
          await worker(world, ports, 3)
        }
        await scheduler.waitFor(Promise.all([worker(world, ports, 1), leaving()]))
        world.platform.hook = async () => undefined
        await world.quiesce()
        expect({ events, violations: violations(events) }).toMatchObject({ violations: [] })
        expect(world.accountOf('hr:1')).toMatchObject([{ enabled: false }])
        expect(world.ledger.linkRows.get('hr:1')).toMatchObject({ shutByUs: 'leaver' })
      }),
      { numRuns: 400 },
    )
  },
)

test.each([false, true])(
  'a worker that freezes at any of its writes and thaws after a revocation has been worked on (taking over: %s)',
  async (steals) => {
    for (let at = 0; at < 12; at += 1) {
      const world = await awayAndBack()
      const { events } = world.platform
      world.ledger.steals = steals
      world.ledger.note = (what) => events.push(what)
      const { thaw, working } = await frozenAt(world, at)
      world.wish('hr:1', { state: 'shut' })
      await world.plan()
      events.push('admitted')
      await worker(world, {}, 3)
      thaw()
      await working
      await world.quiesce()
      expect({ at, events, violations: violations(events) }).toMatchObject({ violations: [] })
      expect(world.accountOf('hr:1')).toMatchObject([{ enabled: false }])
      expect(world.accountOf('hr:1')[0]?.password).not.toBe(world.handedOver.get('person1'))
    }
  },
)

test.each(['alive', 'dead'])(
  'a joiner who leaves before their account is seen: a worker that is late with it (%s) is made good without another plan',
  async (fate) => {
    for (let at = 0; at < 6; at += 1) {
      const world = new World()
      world.wish('hr:1', { groups: ['staff'] })
      await world.plan()
      const { thaw, working } = await frozenAt(world, at)
      world.wish('hr:1', { state: 'shut' })
      await world.plan()
      if (fate === 'alive') {
        thaw()
        await working
      } else {
        // Its claim ends; what had left already arrives after the first look.
        world.now += 6_000
        await world.settle(world.pointers())
        thaw()
        await working
      }
      for (let look = 0; look < 3; look += 1) {
        world.now += 6_000
        await world.settle(world.pointers())
      }
      expect({ at, owed: world.ledger.owed() }).toEqual({ at, owed: [] })
      expect({ at, unrecorded: world.unrecorded() }).toEqual({ at, unrecorded: [] })
      for (const account of world.platform.accounts.values()) {
        expect({ at, ...account }).toMatchObject({ at, enabled: false })
        expect(account.password).not.toBe(world.handedOver.get(account.name))
      }
    }
  },
)

test('nothing to shut is done, and a revocation that cannot yet be sure of it looks twice', async () => {
  const world = new World()
  world.wish('hr:1')
  const [pointer] = await world.plan()
  if (pointer === undefined) throw new Error('nothing owed')
  const claims = await world.ledger.claim([pointer], 'dead', 5_000, world.now)
  const intents = claims.map(({ token, identity, platform }) => {
    return { token, identity, platform, kind: 'create', target: 'person1' } as const
  })
  await world.ledger.intend(intents)
  world.wish('hr:1', { state: 'shut' })
  await world.plan()
  world.now += 6_000
  const first = await world.settle(world.pointers())
  expect(first.obligations).toMatchObject([{ state: 'retry', error: { code: 'precondition-failed' } }])
  world.now += 6_000
  const second = await world.settle(world.pointers())
  expect(second.obligations).toMatchObject([{ state: 'settled', results: [{ status: 'already' }] }])
  expect(world.platform.events).toEqual([])
})

test('what a revocation has done is told as done, also where it is looked at again: the second look finds nothing left to tell', async () => {
  const world = new World()
  world.wish('hr:1', { state: 'open', groups: ['staff', 'board'] })
  await world.quiesce()
  world.wish('hr:1', { state: 'open', groups: ['staff', 'board', 'vault'] })
  const [pointer] = await world.plan()
  if (pointer === undefined) throw new Error('nothing owed')
  const claims = await world.ledger.claim([pointer], 'dead', 5_000, world.now)
  const [link] = await world.ledger.links('corp', ['hr:1'])
  const target = `${link?.nativeId}\tvault`
  await world.ledger.intend(
    claims.map(({ token, identity, platform }) => ({ token, identity, platform, kind: 'grant', target }) as const),
  )
  world.wish('hr:1', { state: 'shut' })
  await world.plan()
  world.now += 6_000
  const first = await world.settle(world.pointers())
  expect(first.obligations).toMatchObject([{ state: 'retry' }])
  const told = () =>
    world.ledger.records.filter(({ action }) => action === 'revoke').map(({ before, result }) => `${before} ${result}`)
  expect(told().toSorted()).toEqual(['board done', 'staff done'])
  expect(world.ledger.records.find(({ action }) => action === 'disable')).toMatchObject({
    result: 'done',
    detail: expect.stringContaining('it is looked at again'),
  })
})

/** A worker that stands still at this write, counted from 0, and goes on by `thaw`; others do not. */
async function frozenAt(world: World, at: number): Promise<{ thaw: () => void; working: Promise<unknown> }> {
  const { promise: frozen, resolve: thaw } = Promise.withResolvers<void>()
  let calls = 0
  world.platform.hook = () => (calls++ === at ? frozen : Promise.resolve())
  const working = world.settle(world.pointers())
  for (let i = 0; i < 50; i += 1) await Promise.resolve()
  world.platform.hook = async () => undefined
  return { thaw, working }
}

/** On leave, and expected back: an account that is shut and about to be opened. */
async function awayAndBack(): Promise<World> {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.wish('hr:1', { state: 'closed' })
  await world.quiesce()
  world.wish('hr:1', { state: 'open', groups: ['staff', 'board'] })
  await world.plan()
  world.platform.events.length = 0
  return world
}

function violations(events: readonly string[]): readonly string[] {
  const admitted = events.indexOf('admitted')
  const shut = events.indexOf('scramble n1', admitted)
  const settled = shut < 0 ? events.length : events.indexOf('settled', shut)
  return events.flatMap((event, index) => {
    if (!opening.test(event)) return []
    const intent = events.indexOf(`intent ${event.split(' ')[0]}`)
    if (intent < 0 || intent > index) return [`${event} without an intent`]
    if (intent > admitted) return [`${event} begun after the revocation was admitted`]
    return index > settled ? [`${event} after the revocation was settled`] : []
  })
}

test('an account that was opened again after an interrupted revocation goes through the whole protocol anew', async () => {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.platform.proofGrade = 'not-proven'
  world.wish('hr:1', { state: 'shut' })
  await world.settle(await world.plan())
  for (const account of world.accountOf('hr:1')) {
    account.enabled = true
    account.password = 'set by another hand'
  }
  world.platform.proofGrade = 'refused'
  await world.quiesce()
  expect(world.accountOf('hr:1')).toMatchObject([{ enabled: false }])
  expect(world.accountOf('hr:1')[0]?.password).not.toBe('set by another hand')
})

test('a worker whose claim is lost while it waits opens nothing', async () => {
  const world = new World()
  world.wish('hr:1', { groups: ['staff'] })
  const pointers = await world.plan()
  const report = await world.settle(pointers, {
    observe: async () => {
      const view = await world.observe()
      // Another worker takes over after the lease has ended, and settles.
      world.now += 6_000
      await world.settle(pointers)
      return view
    },
  })
  expect(report.obligations).toMatchObject([{ state: 'lost' }])
  expect(world.platform.events.filter((event) => event.startsWith('create'))).toEqual(['create hr:1'])
})

test('a worker that is stopped before it begins claims nothing', async () => {
  const world = new World()
  world.wish('hr:1')
  const report = await world.settle(await world.plan(), { signal: AbortSignal.abort() })
  expect(report.obligations).toEqual([])
  expect(world.platform.accounts.size).toBe(0)
})

test('a worker that is stopped while it looks hands everything back: nothing counts as tried, the next one has it at once', async () => {
  const world = new World()
  world.wish('hr:1')
  const stop = new AbortController()
  const pointers = await world.plan()
  const observe = () => {
    stop.abort(new KeyturnError('stopped', 'stopped by SIGINT'))
    return Promise.reject(stop.signal.reason as KeyturnError)
  }
  expect((await world.settle(pointers, { signal: stop.signal, observe })).obligations).toEqual([])
  expect(world.ledger.rows.get('hr:1')).toMatchObject({ tries: 0, claim: null })
  await world.settle(pointers)
  expect(world.platform.events).toEqual(['create hr:1'])
})

test('a worker that is stopped before it writes begins no write, and leaves it due at once', async () => {
  const world = new World()
  world.wish('hr:1')
  const stop = new AbortController()
  const observe = () => {
    stop.abort()
    return world.observe()
  }
  const report = await world.settle(await world.plan(), { signal: stop.signal, observe })
  expect(report.obligations).toMatchObject([{ state: 'retry', error: { code: 'stopped' }, nextTryAt: world.now }])
  expect(world.platform.accounts.size).toBe(0)
})

test('a worker that is stopped in the middle of a revocation still reads back and proves what it has written', async () => {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.wish('hr:1', { state: 'shut' })
  const stop = new AbortController()
  const refusing = new Proxy(world.platform, {
    get: (platform, key) =>
      key === 'read'
        ? (scope: Parameters<Connector['read']>[0], signal: AbortSignal) => {
            signal.throwIfAborted()
            return platform.read(scope)
          }
        : Reflect.get(platform, key),
  })
  world.platform.hook = async (what) => {
    if (what.startsWith('disable')) stop.abort()
  }
  const report = await world.settle(await world.plan(), { signal: stop.signal, connector: refusing })
  expect(report.obligations).toMatchObject([{ state: 'settled', proof: { grade: 'refused' } }])
})
