// Urgent plans: whoever must be shut is planned here and at once; everybody else by a pass.
import { summarise } from '../../model/errors.ts'
import type { Identity, IdentityId } from '../../model/identity.ts'
import { SECOND } from '../../model/instant.ts'
import type { ObligationPointer } from '../../model/ledger.ts'
import type { LookAgain } from '../../model/running.ts'
import { admissionOf } from '../admitting.ts'
import { storyOf } from '../context.ts'
import type { Keyturn } from '../context.ts'
import { overlaid } from '../people.ts'
import { probe } from '../probe.ts'
import { surroundingsOf } from '../surroundings.ts'
import type { Surroundings } from '../surroundings.ts'
import { every } from '../every.ts'
import { newsOf } from './news.ts'
import type { Passes } from './passes.ts'
import type { Rescue } from './rescue.ts'
import { passes, planSound } from './sound.ts'
import { inTurns } from './turns.ts'
import { tellPlan } from './stories.ts'
import { Suspects } from './suspects.ts'

export interface PlannerOptions {
  readonly passes: Pick<Passes, 'look' | 'request' | 'isUnderWay'>
  /** Shuts people while the ledger cannot be written; null where this process has no workers. */
  readonly rescue: Pick<Rescue, 'inTime' | 'revoke'> | null
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
/** A mark that still stands is asked for again after this time, ms. */
const askAgain = 4_000
/** The same trouble is met with every look: one line a while is enough, ms. */
const quietFor = 10 * SECOND

/** Plans at once who must be shut, and leaves everybody else to a pass. */
export class Planner implements AsyncDisposable {
  readonly #keyturn: Keyturn
  readonly #options: PlannerOptions
  readonly #stop = new AbortController()
  readonly #surroundings: ReadonlyMap<string, () => Promise<Surroundings>>
  /** People whom an urgent plan could not finish, with the last mark that it looked at: they are left to passes. */
  readonly #left = new Map<IdentityId, number>()
  readonly #suspects: Suspects
  readonly #timer: Disposable
  /** So are all whom a pass could not finish. */
  #leftUpTo = 0
  #requestedUpTo = 0
  #askedAt = Number.NEGATIVE_INFINITY
  #isRepeated = false
  #toldAt = Number.NEGATIVE_INFINITY
  readonly #looks = inTurns(() => this.#attempt())

  constructor(keyturn: Keyturn, options: PlannerOptions) {
    this.#keyturn = keyturn
    this.#options = options
    const { signal } = this.#stop
    this.#suspects = new Suspects((platform) => probe(keyturn.connectors.get(platform), signal), signal)
    this.#surroundings = new Map(
      [...keyturn.connectors.values()].map((one) => [one.id, surroundingsOf(one, keyturn.clock, this.#stop.signal)]),
    )
    const isNews = newsOf(keyturn.ledger, 20)
    this.#timer = every(lookEvery, () => {
      if (isNews()) void this.look()
    })
  }

  /**
   * Looks for marks now; many calls make few looks, never two at once. Resolves when what was marked before is planned, or
   * left to a pass. Never throws.
   */
  look(): Promise<void> {
    return this.#looks.ask()
  }

  /** A pass has planned everybody up to this mark, and goes on with whom it could not finish. */
  leave(upTo: number): void {
    this.#leftUpTo = Math.max(this.#leftUpTo, upTo)
  }

  /** Asks now what the first urgent plan would have to ask before it begins. */
  async warm(): Promise<void> {
    await Promise.allSettled([...this.#surroundings.values()].map((ask) => ask()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]()
    this.#stop.abort()
    await this.#looks.idle()
  }

  async #attempt(): Promise<void> {
    if (this.#stop.signal.aborted) return
    try {
      await this.#lookOnce()
    } catch (error) {
      if (this.#stop.signal.aborted || performance.now() - this.#toldAt < quietFor) return
      this.#toldAt = performance.now()
      this.#keyturn.logger.error('an urgent plan failed; it is made again', summarise(error))
    }
  }

  async #lookOnce(): Promise<void> {
    const { ledger } = this.#keyturn
    const found = await ledger.markedUrgently(this.#leftUpTo, mostMarks)
    const marks = this.#withoutLeft(found)
    const people = found.length < mostMarks ? await shutAmong(this.#keyturn, marks) : []
    const planned = await withHeldTogether(this.#keyturn, people)
    if (planned.length > 0) await this.#planOrLeave(planned, marks)
    const done = new Set(planned.map(({ id }) => id))
    const others = marks.findLast(({ identity }) => identity === null || !done.has(identity))
    this.#askForPass(Math.max(others?.id ?? 0, await ledger.lastUnhurriedMark()))
  }

  /** What stays wrong is a pass's to find out, and stands in nobody's way here. */
  async #planOrLeave(people: readonly Identity[], marks: readonly LookAgain[]): Promise<void> {
    try {
      await this.#plan(people, marks)
    } catch (error) {
      if (this.#stop.signal.aborted || passes(error)) throw error
      const ids = new Set(people.map(({ id }) => id))
      this.#keyturn.logger.error('an urgent plan failed; it is left to a pass', {
        identities: [...ids],
        ...summarise(error),
      })
      this.#leaveToPass(ids, marks.at(-1)?.id ?? 0)
    }
  }

  async #plan(people: readonly Identity[], marks: readonly LookAgain[]): Promise<void> {
    const { down, onAdmitted, rescue } = this.#options
    const ids = new Set(people.map(({ id }) => id))
    const theirs = marks.filter(({ identity }) => identity !== null && ids.has(identity))
    const upTo = theirs.at(-1)?.id ?? 0
    const story = storyOf(this.#keyturn, theirs[0]?.correlation)
    const unasked = down().union(this.#suspects.names)
    const asking = { signal: this.#stop.signal, patience, down: unasked, surroundings: this.#surroundings }
    const { planned, blind, unsound } = await planSound(story, people, asking)
    this.#suspects.add(blind.filter((platform) => !unasked.has(platform)))
    story.logger.debug('urgent plan made', { people: people.length, blind, correlation: story.correlation })
    const open = new Set([...(planned.plan.undecided ?? []), ...unsound, ...(blind.length > 0 ? ids : [])])
    const looked = { upTo, people: [...ids].filter((id) => !open.has(id)) }
    const admitting = story.ledger.admit(await admissionOf(story, planned, theirs, looked))
    const admitted = await (rescue === null ? admitting : rescue.inTime(admitting))
    if (admitted === 'unwritable') return rescue?.revoke(people)
    const { pointers, stale = [] } = admitted
    if (pointers.length > 0) onAdmitted(pointers)
    tellPlan(story, 'planned at once', people.length, planned.plan)
    this.#leaveToPass(open, upTo)
    this.#repeat(stale)
  }

  /** Whoever changed while the plan was made is planned again now; who goes on changing, with the next look. */
  #repeat(stale: readonly IdentityId[]): void {
    if (stale.length > 0 && !this.#isRepeated) void this.look()
    this.#isRepeated = stale.length > 0
  }

  /** What could not be seen is left to a pass, and not planned here again before there is something new. */
  #leaveToPass(open: ReadonlySet<IdentityId>, upTo: number): void {
    for (const id of open) this.#left.set(id, upTo)
    if (open.size > 0) this.#options.passes.request()
  }

  #withoutLeft(marks: readonly LookAgain[]): readonly LookAgain[] {
    const marked = new Set(marks.map(({ identity }) => identity))
    for (const id of this.#left.keys()) if (!marked.has(id)) this.#left.delete(id)
    return marks.filter(({ id, identity }) => identity === null || id > (this.#left.get(identity) ?? 0))
  }

  /**
   * One request for each new mark: what a pass leaves open, it asks for again by itself. Should a mark stand all the same
   * while no pass is under way, one is asked for again: whatever went wrong, nobody waits for the next full pass.
   */
  #askForPass(last: number): void {
    const now = performance.now()
    const isAsked = last <= this.#requestedUpTo
    if (last === 0 || (isAsked && (this.#options.passes.isUnderWay || now - this.#askedAt < askAgain))) return
    this.#requestedUpTo = Math.max(last, this.#requestedUpTo)
    this.#askedAt = now
    this.#options.passes.look(last)
  }
}

/** Of the marked people, those who must not be let in still: nobody waits for a pass to be shut. */
async function shutAmong(keyturn: Keyturn, marks: readonly LookAgain[]): Promise<readonly Identity[]> {
  const ids = [...new Set(marks.flatMap(({ identity }) => identity ?? []))]
  if (ids.length === 0) return []
  const people = await overlaid(keyturn, await keyturn.ledger.identitiesById(ids))
  return people.filter(({ state }) => state !== 'active' && state !== 'pre-hire')
}

/** Whom a limit holds together is planned together, urgent or not. Nobody where they are too many. */
async function withHeldTogether(keyturn: Keyturn, people: readonly Identity[]): Promise<readonly Identity[]> {
  if (people.length === 0 || people.length > mostUrgent) return []
  const ids = new Set(people.map(({ id }) => id))
  const others = (await keyturn.ledger.heldTogether([...ids])).filter((id) => !ids.has(id))
  if (others.length === 0) return people
  if (people.length + others.length > mostUrgent) return []
  const more = await overlaid(keyturn, await keyturn.ledger.identitiesById(others))
  return [...people, ...more].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
