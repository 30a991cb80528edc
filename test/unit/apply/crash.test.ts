import { expect, test } from 'vitest'
import type { SettlePorts } from '../../../src/apply/ports.ts'
import { World } from './world.ts'

type Moment = 'before' | 'after'

/** A process that dies at its n-th call to the outside: from then on nothing that it asks for happens or is answered. */
class Mortal {
  calls = 0
  readonly died: Promise<'died'>
  private dead = false
  private die: () => void = () => undefined
  private readonly at: number
  private readonly moment: Moment

  constructor(at: number, moment: Moment) {
    this.at = at
    this.moment = moment
    this.died = new Promise((resolve) => {
      this.die = () => {
        this.dead = true
        resolve('died')
      }
    })
  }

  async call<T>(act: () => Promise<T>): Promise<T> {
    if (this.dead) return await forever()
    const mine = this.calls
    this.calls += 1
    if (mine === this.at && this.moment === 'before') this.die()
    if (this.dead) return await forever()
    const result = await act()
    if (mine === this.at) this.die()
    return this.dead ? await forever() : result
  }

  /** Every method of the object goes through `call`. */
  wrap<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key)
        const pure = ['canonical', 'within', 'adapt'].includes(String(key))
        if (typeof value !== 'function' || pure) return value
        return (...args: unknown[]) => this.call(async () => (await Reflect.apply(value, object, args)) as unknown)
      },
    })
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined)
}

/** The ports of a worker that dies; the platform counts each of its writes as a call, too. */
function mortalPorts(world: World, mortal: Mortal): Partial<SettlePorts> {
  world.platform.hook = () => mortal.call(async () => undefined)
  const { deliveries } = world.ports
  return {
    ledger: mortal.wrap(world.ledger),
    connector: mortal.wrap(world.platform),
    observe: () => mortal.call(() => world.observe()),
    deliveries: deliveries && {
      isFinished: (...args) => mortal.call(() => deliveries.isFinished(...args)),
      prepare: (handOver) =>
        mortal.call(async () => {
          const prepared = await deliveries.prepare(handOver)
          return {
            finish: () => mortal.call(() => prepared.finish()),
            discard: () => mortal.call(() => prepared.discard()),
          }
        }),
    },
  }
}

interface Story {
  readonly name: string
  readonly before: (world: World) => void
  readonly thereafter: (world: World) => void
  readonly strongKey?: boolean
}

const stories: readonly Story[] = [
  {
    name: 'a joiner with two groups and a manager',
    before: (world) => world.wish('hr:9'),
    thereafter: (world) => world.wish('hr:1', { groups: ['staff', 'board'], manager: 'hr:9' }),
  },
  {
    name: 'a joiner where no strong key is configured',
    before: () => undefined,
    thereafter: (world) => world.wish('hr:1', { groups: ['staff'] }),
    strongKey: false,
  },
  {
    name: 'a mover',
    before: (world) => world.wish('hr:1', { groups: ['staff', 'old'] }),
    thereafter: (world) => world.wish('hr:1', { title: 'Chief', groups: ['staff', 'new'] }),
  },
  {
    name: 'a leaver',
    before: (world) => world.wish('hr:1', { groups: ['staff', 'board'] }),
    thereafter: (world) => world.wish('hr:1', { state: 'shut' }),
  },
  {
    name: 'a leave of absence',
    before: (world) => world.wish('hr:1', { groups: ['staff'] }),
    thereafter: (world) => world.wish('hr:1', { state: 'closed' }),
  },
]

async function prepare(story: Story): Promise<World> {
  const world = new World()
  world.strongKey = story.strongKey ?? true
  story.before(world)
  await world.quiesce()
  story.thereafter(world)
  return world
}

async function crashAt(story: Story, at: number, moment: Moment): Promise<{ world: World; died: boolean }> {
  const world = await prepare(story)
  const pointers = await world.plan()
  const mortal = new Mortal(at, moment)
  const end = await Promise.race([world.settle(pointers, mortalPorts(world, mortal)), mortal.died])
  world.platform.hook = async () => undefined
  await world.quiesce()
  expect({ at, moment, unrecorded: world.unrecorded() }).toEqual({ at, moment, unrecorded: [] })
  return { world, died: end === 'died' }
}

/** What a person sees afterwards, without instants and numbers. */
function outcome(world: World) {
  return {
    accounts: [...world.platform.accounts.values()].map(({ name, enabled, attributes, entitlements }) => ({
      name,
      enabled,
      attributes,
      entitlements: [...entitlements].toSorted(),
    })),
    links: [...world.ledger.linkRows.values()].map(({ identity, shutByUs, passwordScrambled }) => ({
      identity,
      shutByUs,
      passwordScrambled,
    })),
    grants: [...world.ledger.grantRows.values()]
      .map(({ identity, entitlement }) => `${identity} ${entitlement}`)
      .toSorted(),
  }
}

for (const story of stories) {
  test(`killed at any call to the outside and run again, it ends as if nothing had happened: ${story.name}`, async () => {
    const calm = await prepare(story)
    await calm.quiesce()
    let crashes = 0
    for (let at = 0; at < 200; at += 1) {
      const ends = await Promise.all([crashAt(story, at, 'before'), crashAt(story, at, 'after')])
      for (const { world } of ends) {
        expect({ at, ...outcome(world) }).toEqual({ at, ...outcome(calm) })
        passwordsAreKnown(world, at)
      }
      if (ends.every(({ died }) => !died)) break
      crashes += 1
    }
    expect(crashes).toBeGreaterThan(8)
    expect(crashes).toBeLessThan(100)
  })
}

/** Whoever may sign in has been told the password that works. */
function passwordsAreKnown(world: World, at: number): void {
  for (const { name, enabled, password } of world.platform.accounts.values()) {
    if (enabled) expect({ at, password }).toEqual({ at, password: world.handedOver.get(name) })
  }
}

test('a return after leaving, killed at any call: never open with a password that nobody was told', async () => {
  const story: Story = {
    name: 'a return',
    before: (world) => world.wish('hr:1', { groups: ['staff'] }),
    thereafter: () => undefined,
  }
  for (let at = 0; at < 60; at += 1) {
    for (const moment of ['before', 'after'] as const) {
      const world = await prepare(story)
      world.wish('hr:1', { state: 'shut' })
      await world.quiesce()
      world.wish('hr:1', { state: 'open' })
      const pointers = await world.plan()
      const mortal = new Mortal(at, moment)
      await Promise.race([world.settle(pointers, mortalPorts(world, mortal)), mortal.died])
      world.platform.hook = async () => undefined
      await world.quiesce()
      expect({ at, accounts: world.accountOf('hr:1') }).toMatchObject({ at, accounts: [{ enabled: true }] })
      passwordsAreKnown(world, at)
    }
  }
})
