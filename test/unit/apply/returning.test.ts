// Somebody who was being shut comes back before that is over: nobody stays shut, or is let in with a password that nobody knows.
import { expect, test } from 'vitest'
import { ShutFirst } from '../../../src/apply/shut-first.ts'
import { World } from './world.ts'

const person = 'hr:1'

async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Somebody who works here, and is to be shut. */
async function leaving() {
  const world = new World()
  world.wish(person, { groups: ['staff'] })
  await world.quiesce()
  world.wish(person, { state: 'shut' })
  const pointers = await world.plan()
  world.platform.events.length = 0
  return { world, pointers }
}

/** For longer than the lease nothing is heard of who works on it; meanwhile the person is back. */
async function comeBack(world: World): Promise<void> {
  world.now += 6_000
  world.wish(person, { state: 'open' })
  await world.quiesce()
}

function expectSignsIn(world: World): void {
  const [account] = world.accountOf(person)
  expect(account).toMatchObject({ enabled: true, password: world.handedOver.get('person1') })
}

test('a worker that stood still between the first lock and the rest of the protocol does nothing more', async () => {
  const { world, pointers } = await leaving()
  const shutFirst = new ShutFirst({ hangs: 60_000, patience: 60_000 })
  const othersAreShut = shutFirst.begin()
  const frozen = world.settle(pointers, { shutFirst })
  await someTurns()
  await comeBack(world)
  const events = ['disable n1', 'issue-credential n1', 'enable n1']
  expect(world.platform.events).toEqual(events)
  othersAreShut()
  expect((await frozen).obligations).toMatchObject([{ state: 'lost' }])
  expect(world.platform.events).toEqual(events)
  await world.quiesce()
  expectSignsIn(world)
})

test('who is shut by a write that was on its way for too long is let in again', async () => {
  const { world, pointers } = await leaving()
  const arrives = Promise.withResolvers<void>()
  world.platform.hook = async (what) => {
    if (what === 'disable n1') await arrives.promise
  }
  const frozen = world.settle(pointers)
  await someTurns()
  await comeBack(world)
  expectSignsIn(world)
  arrives.resolve()
  expect((await frozen).obligations).toMatchObject([{ state: 'lost' }])
  expect(world.accountOf(person)[0]?.enabled).toBe(false)
  await world.quiesce()
  expectSignsIn(world)
})

test.for([0, 1, 2, 3, 4, 5, 6, 7])(
  'nobody is let in with what a worker has set that was killed at step %i',
  async (at) => {
    const { world, pointers } = await leaving()
    let step = 0
    world.platform.hook = () => (step++ >= at ? new Promise(() => undefined) : Promise.resolve())
    void world.settle(pointers)
    await someTurns()
    world.platform.hook = async () => undefined
    await comeBack(world)
    expectSignsIn(world)
  },
)

test('a suspended person keeps the password, also when the worker is killed before it has recorded that it shut', async () => {
  const { world } = await leaving()
  world.wish(person, { state: 'closed' })
  const pointers = await world.plan()
  world.platform.hook = async (what) => {
    if (what === 'read' && world.platform.events.length > 0) await new Promise(() => undefined)
  }
  void world.settle(pointers)
  await someTurns()
  expect(world.platform.events).toEqual(['disable n1'])
  world.platform.hook = async () => undefined
  await comeBack(world)
  expectSignsIn(world)
})
