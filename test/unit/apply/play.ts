// One leaver, or one who stays, and the workers around that person: what `schedules.ts` tries in all orders.
import type { SettlePorts } from '../../../src/apply/ports.ts'
import type { Lane } from '../../../src/model/change.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import { Actor, type Happening, type Play } from './schedules.ts'
import { World } from './world.ts'

export type Story = 'joins' | 'comes back' | 'returns from leave'
export type Accident = 'killed' | 'cut off'

export interface Scene {
  readonly story: Story
  readonly leaves: boolean
  /** Workers besides the first one, which changes: each works on its lane until nothing is owed there. */
  readonly others: readonly Lane[]
  readonly accident?: Accident
  /** Whom it may befall: the first worker, or one of the others by its place among them. */
  readonly victim?: number
  readonly mistake?: 'intends-always' | 'forgets-intents' | 'settles-always' | 'sends-blindly'
}

const person = 'hr:1'
const lease = 5_000
const scheduledCalls = ['claim', 'intend', 'settle', 'adopt']

export async function stage(scene: Scene): Promise<Play> {
  const world = new World()
  world.ledger.steals = true
  world.ledger.note = (what) => world.platform.events.push(what)
  await prepare(world, scene.story)
  if (scene.mistake === 'sends-blindly') world.platform.asksBeforeSending = false
  else if (scene.mistake !== undefined) world.ledger.mistakes.add(scene.mistake)
  const first = new Actor('first')
  let current: Actor | null = first
  world.platform.hook = (what) => current?.turn(what) ?? Promise.resolve()
  const others = scene.others.map((lane, index) => ({ lane, actor: new Actor(`${lane} ${index + 1}`) }))
  const life = { hasLeft: !scene.leaves, isCut: false, ticks: 0 }
  const victim = scene.victim === undefined ? first : (others[scene.victim]?.actor ?? first)
  const isCut = (actor: Actor) => actor === victim && life.isCut
  first.run(async () => {
    await world.settle(world.pointers(), portsOf(world, first, isCut)).catch(() => undefined)
  })
  const asleep = new Map<Actor, () => void>()
  for (const { actor, lane } of others) {
    actor.run(async () => {
      await actor.turn('begins')
      for (let round = 0; round < 5; round += 1) {
        const mine = world.pointers().filter((pointer) => pointer.lane === lane)
        if (life.hasLeft && world.pointers().length === 0) return
        if (mine.length > 0) {
          const settling = world.settle(mine, portsOf(world, actor, isCut))
          await (actor === victim ? settling.catch(() => undefined) : settling)
        }
        await new Promise<void>((wake) => asleep.set(actor, wake))
      }
    })
  }
  return {
    onStep: (actor) => {
      current = actor
    },
    actors: [first, ...others.map(({ actor }) => actor)],
    happenings: [
      ...(scene.leaves ? [leaving(world, life)] : []),
      ...(scene.accident === undefined ? [] : [accident(scene.accident, victim, life)]),
      timeGoesOn(world, life, asleep, scene.accident === undefined ? null : victim),
    ],
    judge: () => judge(world, scene),
  }
}

interface Life {
  hasLeft: boolean
  isCut: boolean
  ticks: number
}

async function prepare(world: World, story: Story): Promise<void> {
  if (story !== 'joins') {
    world.wish(person, { groups: ['staff'] })
    await world.quiesce()
    world.wish(person, { state: story === 'comes back' ? 'shut' : 'closed' })
    await world.quiesce()
  }
  world.wish(person, { state: 'open', groups: story === 'joins' ? ['staff'] : ['staff', 'board'] })
  await world.plan()
  world.platform.events.length = 0
}

function leaving(world: World, life: Life): Happening {
  return {
    name: 'the person leaves',
    isPossible: () => !life.hasLeft,
    happen: async () => {
      life.hasLeft = true
      world.wish(person, { state: 'shut' })
      await world.plan()
      world.platform.events.push('admitted')
    },
  }
}

function accident(kind: Accident, victim: Actor, life: Life): Happening {
  let happened = false
  return {
    name: `${victim.name} is ${kind}`,
    isPossible: () => !happened && !victim.isDone,
    happen: async () => {
      happened = true
      if (kind === 'killed') victim.die()
      else life.isCut = true
    },
  }
}

/**
 * Leases end and next tries are due, once the others have nothing to do before that; the first worker may be in the middle of
 * anything: it is frozen, and what it has asked for may arrive at any later time. Where an accident befalls a worker besides,
 * what that one has sent arrives before the lease ends, or never will: against two faults at once there is only the leaver lock
 * (docs/decisions/013).
 */
function timeGoesOn(world: World, life: Life, asleep: Map<Actor, () => void>, unlucky: Actor | null): Happening {
  const isOnItsWay = () => unlucky?.isDead === false && /^(create|grant|enable|issue)/.test(unlucky.pending?.what ?? '')
  return {
    name: 'a lease ends',
    isPossible: () =>
      life.ticks < 4 && asleep.size > 0 && life.hasLeft && !isOnItsWay() && world.ledger.owed().length > 0,
    happen: async () => {
      life.ticks += 1
      world.now += lease + 1_000
      if (unlucky?.isDead === true) unlucky.forget()
      for (const [actor, wake] of asleep) {
        asleep.delete(actor)
        wake()
      }
    },
  }
}

function portsOf(world: World, actor: Actor, isCut: (actor: Actor) => boolean): Partial<SettlePorts> {
  const ledger = new Proxy(world.ledger, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        if (scheduledCalls.includes(String(key))) await actor.turn(String(key))
        if (isCut(actor)) throw new KeyturnError('ledger-unavailable', 'the network is split')
        const result = (await Reflect.apply(value, target, args)) as unknown
        return actor.isDead ? await new Promise(() => undefined) : result
      }
    },
  })
  return { ledger, worker: actor.name }
}

/** Nobody plans for everybody here: only what is owed is worked on, and only who is marked is planned for. */
async function finish(world: World): Promise<void> {
  world.platform.hook = async () => undefined
  world.ledger.mistakes.clear()
  for (let round = 0; round < 8; round += 1) {
    world.now += 120_000
    if (world.ledger.marked.size > 0) {
      world.ledger.marked.clear()
      await world.plan()
    }
    const owed = world.pointers()
    if (owed.length === 0) return
    await world.settle(owed)
  }
}

async function judge(world: World, scene: Scene): Promise<readonly string[]> {
  await finish(world)
  const problems = world.ledger.owed().length > 0 ? ['something is still owed'] : []
  return [...problems, ...(scene.leaves ? ofLeaver(world) : ofStayer(world))]
}

function ofLeaver(world: World): readonly string[] {
  const link = world.ledger.linkRows.get(person)
  const problems: string[] = []
  for (const account of world.platform.accounts.values()) {
    if (account.enabled) problems.push('the account is open')
    if (account.entitlements.size > 0) problems.push(`it holds ${[...account.entitlements].join()}`)
    if (account.password === world.handedOver.get(account.name)) problems.push('its password is known')
    if (link?.shutByUs !== 'leaver' || !link.passwordScrambled) problems.push(`the link says ${JSON.stringify(link)}`)
  }
  const { events } = world.platform
  if (events.slice(events.indexOf('admitted')).some((event) => event.startsWith('intent '))) {
    problems.push('something began to be opened after the revocation was admitted')
  }
  const shut = events.findLastIndex((event) => event.startsWith('disable '))
  const later = events.slice(shut + 1).filter((event) => /^(create|enable|issue)/.test(event))
  if (shut >= 0 && later.length > 0) problems.push(`opened after it was shut: ${later.join()}`)
  return problems
}

function ofStayer(world: World): readonly string[] {
  const accounts = [...world.platform.accounts.values()]
  const problems = accounts.length === 1 ? [] : [`${accounts.length} accounts`]
  for (const { enabled, password, name, entitlements } of accounts) {
    if (!enabled) problems.push('the account is shut')
    if (password !== world.handedOver.get(name)) problems.push('its password was told to nobody')
    const groups = [...(world.wishes.get(person)?.groups ?? [])]
    if ([...entitlements].toSorted().join() !== groups.toSorted().join()) problems.push('its groups are not right')
  }
  return problems
}
