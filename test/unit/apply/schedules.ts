// A deterministic scheduler: every step of every actor is a choice, and all orders up to a number of preemptions are tried
// (context bounding: Musuvathi and Qadeer, "Iterative context bounding for systematic testing", PLDI 2007).
import { setImmediate as settled } from 'node:timers/promises'

/** Something that happens by itself and may be chosen at any time while it is possible. */
export interface Happening {
  readonly name: string
  isPossible(): boolean
  happen(): Promise<void>
}

/** One worker. It waits at every call to the outside; what it asked for happens when it is chosen. */
export class Actor {
  readonly name: string
  pending: { readonly what: string; go(): void } | null = null
  isDead = false
  isDone = false

  constructor(name: string) {
    this.name = name
  }

  /** Resolves when this step is chosen; never, once the actor is dead. */
  turn(what: string): Promise<void> {
    if (this.isDead) return new Promise(() => undefined)
    return new Promise((go) => {
      this.pending = { what, go }
    })
  }

  /** What was asked for may still arrive; nothing is answered any more. */
  die(): void {
    this.isDead = true
  }

  /** Nothing that was asked for arrives any more. */
  forget(): void {
    if (this.isDead) this.pending = null
  }

  run(work: () => Promise<void>): void {
    void work().then(() => {
      this.isDone = true
    })
  }

  step(): void {
    const pending = this.pending
    this.pending = null
    pending?.go()
  }
}

export interface Play {
  /** Told whose step comes next: whatever is called until the step after it is called by that actor. */
  readonly onStep: (actor: Actor | null) => void
  readonly actors: readonly Actor[]
  readonly happenings: readonly Happening[]
  /** At the end of a schedule: throws or returns what is wrong. */
  judge(): Promise<readonly string[]>
}

export interface Explored {
  readonly schedules: number
  /** The first schedule that ended wrong. */
  readonly wrong: { readonly schedule: readonly string[]; readonly problems: readonly string[] } | null
}

interface Choice {
  /** How many there were to choose from, and which was taken. */
  readonly costs: readonly number[]
  readonly taken: number
  readonly spent: number
}

/** Tries all orders with at most so many preemptions, each from the beginning; ends with the first wrong one. */
export async function explore(begin: () => Promise<Play>, preemptions: number): Promise<Explored> {
  let prefix: readonly number[] | null = []
  for (let schedules = 1; ; schedules += 1) {
    const { choices, schedule, problems } = await follow(await begin(), prefix, preemptions)
    if (problems.length > 0) return { schedules, wrong: { schedule, problems } }
    prefix = nextPrefix(choices, preemptions)
    if (prefix === null) return { schedules, wrong: null }
  }
}

async function follow(play: Play, prefix: readonly number[], preemptions: number) {
  const choices: Choice[] = []
  const schedule: string[] = []
  let current: Actor | null = null
  let spent = 0
  await settled()
  for (;;) {
    const options = optionsOf(play, current)
    if (options.length === 0) break
    const affordable = options.filter(({ cost }) => spent + cost <= preemptions)
    const taken = prefix[choices.length] ?? 0
    const chosen = affordable[taken]
    if (chosen === undefined) throw new Error('a schedule could not be repeated: something is not deterministic')
    choices.push({ costs: affordable.map(({ cost }) => cost), taken, spent })
    spent += chosen.cost
    schedule.push(chosen.name)
    current = chosen.actor
    await chosen.act()
    await settled()
  }
  return { choices, schedule, problems: await play.judge() }
}

/** The current actor goes on at no cost; whoever interrupts it costs one. What it does not come to by itself is last. */
function optionsOf({ actors, happenings, onStep }: Play, current: Actor | null) {
  const canGoOn = current !== null && current.pending !== null && !current.isDead
  const ready = actors.filter(({ pending }) => pending !== null)
  const ordered = canGoOn ? [current, ...ready.filter((actor) => actor !== current)] : ready
  const living = ordered.filter(({ isDead }) => !isDead)
  const late = ordered.filter(({ isDead }) => isDead)
  const interrupts = canGoOn ? 1 : 0
  const act = (actor: Actor, cost: number) => ({
    name: `${actor.name} ${actor.pending?.what ?? ''}`,
    actor: actor.isDead ? current : actor,
    cost,
    act: async () => {
      onStep(actor)
      actor.step()
    },
  })
  return [
    ...living.map((actor) => act(actor, actor === current ? 0 : interrupts)),
    ...happenings
      .filter((one) => one.isPossible())
      .map((one) => ({
        name: one.name,
        actor: null,
        cost: interrupts,
        act: () => {
          onStep(null)
          return one.happen()
        },
      })),
    ...(living.length > 0 ? late.map((actor) => act(actor, 1)) : []),
  ]
}

function nextPrefix(choices: readonly Choice[], preemptions: number): readonly number[] | null {
  for (let at = choices.length - 1; at >= 0; at -= 1) {
    const { costs, taken, spent } = choices[at] ?? { costs: [], taken: 0, spent: 0 }
    const next = costs.findIndex((cost, index) => index > taken && spent + cost <= preemptions)
    if (next >= 0) return [...choices.slice(0, at).map((choice) => choice.taken), next]
  }
  return null
}
