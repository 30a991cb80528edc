import { expect, test } from 'vitest'
import { ShutFirst } from '../../../src/apply/shut-first.ts'
import { World } from './world.ts'

const never = new AbortController().signal
const nothing = async () => undefined

/** True as soon as it is over; nothing is waited for. */
function watched(promise: Promise<unknown>): { isOver: boolean } {
  const state = { isOver: false }
  void promise.then(() => {
    state.isOver = true
  })
  return state
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('nobody waits where nobody is still to be shut', async () => {
  await new ShutFirst().afterwards(never, nothing)
})

test('the last one who is shut lets all go on, and saying it twice counts once', async () => {
  const order = new ShutFirst()
  const [one, two] = [order.begin(), order.begin()]
  const [first, second] = [watched(order.afterwards(never, nothing)), watched(order.afterwards(never, nothing))]
  one()
  one()
  await turn()
  expect([first.isOver, second.isOver]).toEqual([false, false])
  two()
  await turn()
  expect([first.isOver, second.isOver]).toEqual([true, true])
})

test('whoever leaves while the rest is worked on comes before what is not begun yet', async () => {
  const order = new ShutFirst()
  const { promise, resolve } = Promise.withResolvers<void>()
  const running = Array.from({ length: 2 }, () => order.afterwards(never, () => promise))
  const next = watched(order.afterwards(never, nothing))
  const shut = order.begin()
  resolve()
  await Promise.all(running)
  await turn()
  expect(next.isOver).toBe(false)
  shut()
  await turn()
  expect(next.isOver).toBe(true)
})

test('what fails gives its place to the next', async () => {
  const order = new ShutFirst()
  const failing = Array.from({ length: 5 }, () => order.afterwards(never, () => Promise.reject(new Error('no'))))
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  await order.afterwards(never, nothing)
})

test('whoever is asked to stop waits no more', async () => {
  const order = new ShutFirst()
  const shut = order.begin()
  const stop = new AbortController()
  const stopped = watched(order.afterwards(stop.signal, nothing))
  stop.abort()
  await turn()
  expect(stopped.isOver).toBe(true)
  shut()
})

test('an account that hangs, and leavers without end, keep nobody waiting for ever', async () => {
  const hanging = new ShutFirst({ hangs: 20, patience: 60_000 })
  hanging.begin()
  await hanging.afterwards(never, nothing)
  const endless = new ShutFirst({ hangs: 60_000, patience: 20 })
  const shut = endless.begin()
  await endless.afterwards(never, nothing)
  shut()
})

test('who could not be shut is told at once, whoever else is still to be shut', async () => {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.wish('hr:1', { state: 'shut' })
  const shutFirst = new ShutFirst()
  const other = shutFirst.begin()
  world.platform.trouble = ({ kind }) =>
    kind === 'disable' ? { result: 'retry', error: { code: 'platform-busy', message: 'busy' } } : undefined
  const report = await world.settle(await world.plan(), { shutFirst })
  expect(report.obligations).toMatchObject([{ state: 'retry' }])
  other()
})

test('of two jobs of leavers, both shut their accounts before anything else is done for either', async () => {
  const world = new World()
  world.wish('hr:1', { groups: ['staff'] })
  world.wish('hr:2', { groups: ['staff'] })
  await world.quiesce()
  world.wish('hr:1', { state: 'shut' })
  world.wish('hr:2', { state: 'shut' })
  const pointers = await world.plan()
  world.platform.events.length = 0
  const shutFirst = new ShutFirst()
  const { promise: late, resolve: goOn } = Promise.withResolvers<void>()
  const fast = world.settle(pointers.slice(0, 1), { shutFirst })
  const slow = world.settle(pointers.slice(1), {
    shutFirst,
    observe: async () => {
      await late
      return world.observe()
    },
  })
  await turn()
  expect(world.platform.events).toEqual(['disable n1'])
  goOn()
  await Promise.all([fast, slow])
  const kinds = world.platform.events.map((event) => event.split(' ')[0])
  expect(kinds.slice(0, 2)).toEqual(['disable', 'disable'])
  expect(new Set(kinds.slice(2))).toEqual(new Set(['scramble', 'revoke']))
})

test('asked to stop while it waits, a job begins nothing more: the accounts are shut, and the rest is due at once', async () => {
  const world = new World()
  world.wish('hr:1', { groups: ['staff'] })
  await world.quiesce()
  world.wish('hr:1', { state: 'shut' })
  const pointers = await world.plan()
  world.platform.events.length = 0
  const stop = new AbortController()
  const shutFirst = new ShutFirst()
  shutFirst.begin()
  const waiting = world.settle(pointers, { shutFirst, signal: stop.signal })
  await turn()
  await turn()
  stop.abort()
  const { obligations } = await waiting
  expect(obligations).toMatchObject([{ state: 'retry', error: { code: 'stopped' }, nextTryAt: world.now }])
  expect(world.platform.events).toEqual(['disable n1'])
  await world.quiesce()
  expect(world.platform.events).toEqual(['disable n1', 'scramble n1', 'revoke n1'])
})

test('a job that fails before it has shut anybody keeps nobody waiting', async () => {
  const world = new World()
  world.wish('hr:1', { groups: ['staff'] })
  world.wish('hr:2')
  await world.quiesce()
  world.wish('hr:1', { state: 'shut' })
  world.wish('hr:2', { state: 'shut' })
  const pointers = await world.plan()
  const shutFirst = new ShutFirst()
  const failing = world.settle(pointers.slice(1), {
    shutFirst,
    observe: () => Promise.reject(new Error('the platform is away')),
  })
  const report = await world.settle(pointers.slice(0, 1), { shutFirst })
  await failing
  expect(report.obligations).toMatchObject([{ state: 'settled' }])
})
