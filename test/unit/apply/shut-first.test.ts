import { expect, test } from 'vitest'
import { ShutFirst } from '../../../src/apply/shut-first.ts'
import { World } from './world.ts'

const never = new AbortController().signal

/** True as soon as it is over; nothing is waited for. */
function watched(promise: Promise<void>): { isOver: boolean } {
  const state = { isOver: false }
  void promise.then(() => {
    state.isOver = true
  })
  return state
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('nobody waits where nobody is still to be shut', async () => {
  await new ShutFirst().others(never)
})

test('the last one who is shut lets all go on, and saying it twice counts once', async () => {
  const order = new ShutFirst()
  const [one, two] = [order.begin(), order.begin()]
  const [first, second] = [watched(order.others(never)), watched(order.others(never))]
  one()
  one()
  await turn()
  expect([first.isOver, second.isOver]).toEqual([false, false])
  two()
  await turn()
  expect([first.isOver, second.isOver]).toEqual([true, true])
})

test('whoever is asked to stop waits no more, and nobody waits for ever', async () => {
  const order = new ShutFirst(20)
  order.begin()
  const stop = new AbortController()
  const stopped = watched(order.others(stop.signal))
  stop.abort()
  await turn()
  expect(stopped.isOver).toBe(true)
  await order.others(never)
})

test('of two jobs of leavers, both shut their accounts before either takes anything else away', async () => {
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
  expect(world.platform.events.filter((event) => event.startsWith('revoke'))).toEqual([])
  goOn()
  await Promise.all([fast, slow])
  const kinds = world.platform.events.map((event) => event.split(' ')[0])
  expect(kinds.filter((kind) => kind === 'disable')).toHaveLength(2)
  expect(kinds.lastIndexOf('disable')).toBeLessThan(kinds.indexOf('revoke'))
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
