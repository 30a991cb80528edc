// Urgent plans: whoever must be shut is planned here and at once; everybody else by a pass.
import { summarise } from '../../model/errors.ts'
import type { Identity, IdentityId } from '../../model/identity.ts'
import { SECOND } from '../../model/instant.ts'
import type { ObligationPointer } from '../../model/ledger.ts'
import type { LookAgain } from '../../model/running.ts'
import { admissionOf } from '../admitting.ts'
import { planConcerned } from '../concerned.ts'
import { storyOf } from '../context.ts'
import type { Keyturn } from '../context.ts'
import { overlaid } from '../people.ts'
import { surroundingsOf } from '../surroundings.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Passes } from './passes.ts'
import type { Rescue } from './rescue.ts'
import { tellPlan } from './stories.ts'

export interface PlannerOptions {
  readonly passes: Passes
  /** Shuts people while the ledger cannot be written; null where this process has no workers. */
  readonly rescue: Rescue | null
  /** Platforms that are known not to answer. */
  readonly down: () => ReadonlySet<string>
  /** Hands over what was admitted. */
  readonly onAdmitted: (pointers: readonly ObligationPointer[]) => void
}

/** More people than this at once are no urgent plan: they are read in bulk, in a process of their own. */
const mostUrgent = 200
const mostMarks = 2_000
/** A platform that does not answer within this time is not waited for, ms. */
const patience = 400
/** Marks of other processes (an operator's command) are seen within this time, ms. */
const lookEvery = 250
/** People whom an urgent plan could not finish wait for a pass, and are not planned here again before that, ms. */
const rest = 10 * SECOND

/** Plans at once who must be shut, and leaves everybody else to a pass. */
export class Planner implements AsyncDisposable {
  readonly #keyturn: Keyturn
  readonly #options: PlannerOptions
  readonly #stop = new AbortController()
  readonly #surroundings: ReadonlyMap<string, () => Promise<Surroundings>>
  readonly #resting = new Map<IdentityId, number>()
  readonly #timer: NodeJS.Timeout
  #requestedUpTo = 0
  #looking: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor(keyturn: Keyturn, options: PlannerOptions) {
    this.#keyturn = keyturn
    this.#options = options
    this.#surroundings = new Map(
      [...keyturn.connectors.values()].map((one) => [one.id, surroundingsOf(one, keyturn.clock, this.#stop.signal)]),
    )
    this.#timer = setInterval(() => void this.look(), lookEvery)
  }

  /**
   * Looks for marks now; many calls make few looks, never two at once. Resolves when what was marked before is planned, or
   * left to a pass. Never throws.
   */
  look(): Promise<void> {
    if (this.#looking === null) {
      this.#looking = this.#attempt().finally(() => {
        this.#looking = null
      })
      return this.#looking
    }
    this.#next ??= this.#looking.then(() => {
      this.#next = null
      return this.look()
    })
    return this.#next
  }

  /** Asks now what the first urgent plan would have to ask before it begins. */
  async warm(): Promise<void> {
    await Promise.allSettled([...this.#surroundings.values()].map((ask) => ask()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort()
    await Promise.allSettled([this.#looking, this.#next])
  }

  async #attempt(): Promise<void> {
    if (this.#stop.signal.aborted) return
    try {
      await this.#lookOnce()
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#keyturn.logger.error('an urgent plan failed; it is made again', summarise(error))
    }
  }

  async #lookOnce(): Promise<void> {
    const marks = await this.#keyturn.ledger.marked(mostMarks)
    if (marks.length === 0) return
    const now = performance.now()
    const ids = new Set(marks.flatMap(({ identity }) => identity ?? []))
    const fresh = [...ids].filter((id) => (this.#resting.get(id) ?? 0) <= now)
    const people = fresh.length > mostMarks / 2 ? [] : await urgentOf(this.#keyturn, fresh)
    const together = people.length > mostUrgent ? people : await withHeldTogether(this.#keyturn, people)
    const planned = together.length > mostUrgent ? [] : together
    if (planned.length > 0) await this.#plan(planned, marks)
    const done = new Set(planned.map(({ id }) => id))
    this.#askForPass(marks.filter(({ identity }) => identity === null || !done.has(identity)))
  }

  async #plan(people: readonly Identity[], marks: readonly LookAgain[]): Promise<void> {
    const { down, onAdmitted, rescue } = this.#options
    const ids = new Set(people.map(({ id }) => id))
    const theirs = marks.filter(({ identity }) => identity !== null && ids.has(identity))
    const story = storyOf(this.#keyturn, theirs[0]?.correlation)
    const asking = { signal: this.#stop.signal, patience, down: down(), surroundings: this.#surroundings }
    const { planned, blind } = await planConcerned(story, people, asking)
    story.logger.debug('urgent plan made', { people: people.length, blind, correlation: story.correlation })
    const open = new Set([...(planned.plan.undecided ?? []), ...(blind.length > 0 ? ids : [])])
    const looked = { upTo: theirs.at(-1)?.id ?? 0, people: [...ids].filter((id) => !open.has(id)) }
    const admitting = story.ledger.admit(await admissionOf(story, planned, theirs, looked))
    const admitted = await (rescue === null ? admitting : rescue.inTime(admitting))
    if (admitted === 'unwritable') return rescue?.revoke(people)
    const { pointers, stale = [] } = admitted
    if (pointers.length > 0) onAdmitted(pointers)
    tellPlan(story, 'planned at once', people.length, planned.plan)
    this.#rest(open)
    if (stale.length > 0) void this.look()
  }

  /** What could not be seen is left to a pass, and not planned here again and again meanwhile. */
  #rest(open: ReadonlySet<IdentityId>): void {
    const now = performance.now()
    for (const [id, until] of this.#resting) if (until < now) this.#resting.delete(id)
    for (const id of open) this.#resting.set(id, now + rest)
    if (open.size > 0) this.#options.passes.request()
  }

  /** One request for each new mark: what a pass leaves open, it asks for again by itself. */
  #askForPass(marks: readonly LookAgain[]): void {
    const last = marks.at(-1)?.id ?? 0
    if (last <= this.#requestedUpTo) return
    this.#requestedUpTo = last
    this.#options.passes.look(last)
  }
}

/** Of these people, those who must not be let in: nobody waits for a pass to be shut. */
async function urgentOf(keyturn: Keyturn, ids: readonly IdentityId[]): Promise<readonly Identity[]> {
  if (ids.length === 0) return []
  const people = await overlaid(keyturn, await keyturn.ledger.identitiesById(ids))
  return people.filter(({ state }) => state !== 'active' && state !== 'pre-hire')
}

/** Whom a limit holds together is planned together, urgent or not. */
async function withHeldTogether(keyturn: Keyturn, people: readonly Identity[]): Promise<readonly Identity[]> {
  const ids = new Set(people.map(({ id }) => id))
  const others = (await keyturn.ledger.heldTogether([...ids])).filter((id) => !ids.has(id))
  if (others.length === 0) return people
  const more = await overlaid(keyturn, await keyturn.ledger.identitiesById(others))
  return [...people, ...more].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
