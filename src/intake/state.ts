// What a status word and three dates mean together, at one moment. docs/lifecycle.md has the table; tests run the same one.
import type { Identity, LifecycleState } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'

/** What a record says about employment. */
export type Employment = Pick<Identity, 'status' | 'startsAt' | 'endsAt' | 'accessEndsAt'>

/** What an earlier evaluation left behind. */
type Evaluated = Employment & Pick<Identity, 'state' | 'leftAt'>

/** What decided: the source's word, one of its dates, or the record's absence. */
export type Because = 'status' | 'startsAt' | 'endsAt' | 'accessEndsAt' | 'vanished'

export interface StateQuestion extends Employment {
  readonly now: Instant
  /** The last evaluation; null for somebody new. */
  readonly previous: Evaluated | null
  /** What to do about a record that vanished too long ago; null while there is nothing to do. */
  readonly overdue: 'hold' | 'suspend' | null
}

export interface StateAnswer {
  readonly state: LifecycleState
  readonly because: Because
  /** When the clock alone changes the state next; never at or before `now`. */
  readonly next: Identity['next']
  /** Since when access shall be shut; null unless the state is left or archived. */
  readonly leftAt: Instant | null
  /** Why nothing is decided. Then the state is the previous one (of somebody new: `pre-hire`, and nobody should use it). */
  readonly held: 'contradiction' | 'vanished' | null
}

type Decision =
  | { readonly state: LifecycleState; readonly because: Because; readonly shutAt: Instant | null }
  | { readonly held: 'contradiction' | 'vanished' }

interface End {
  readonly name: 'endsAt' | 'accessEndsAt'
  readonly at: Instant
}

/** The lifecycle state at `now`, and when the clock alone changes it. Pure; the same question has the same answer. */
export function stateAt(question: StateQuestion): StateAnswer {
  const { now, previous } = question
  const decision = decide(question, now)
  const state = stateOf(decision, question)
  if ('held' in decision) {
    const leftAt = previous?.leftAt ?? null
    return { state, because: 'status', next: nextOf(question, state, leftAt), leftAt, held: decision.held }
  }
  const leftAt = isShut(state) ? (decision.shutAt ?? previous?.leftAt ?? now) : null
  return { state, because: decision.because, next: nextOf(question, state, leftAt), leftAt, held: null }
}

/** Has this person no access any more? */
export function isShut(state: LifecycleState): boolean {
  return state === 'left' || state === 'archived'
}

function stateOf(decision: Decision, { previous }: StateQuestion): LifecycleState {
  return 'held' in decision ? (previous?.state ?? 'pre-hire') : decision.state
}

/** The first date ahead at which the same record, evaluated again, has another state. */
function nextOf(question: StateQuestion, state: LifecycleState, leftAt: Instant | null): Identity['next'] {
  const { status, startsAt, endsAt, accessEndsAt, now } = question
  const ahead = [startsAt, endsAt, accessEndsAt].filter((at) => at !== null).filter((at) => at > now)
  if (ahead.length === 0) return null
  const later = { ...question, previous: { status, startsAt, endsAt, accessEndsAt, state, leftAt } }
  for (const at of ahead.toSorted((a, b) => a - b)) {
    const then = stateOf(decide(later, at), later)
    if (then !== state) return { at, state: then }
  }
  return null
}

function decide(question: StateQuestion, at: Instant): Decision {
  const decision = byRecord(question, at)
  if (question.overdue === null || 'held' in decision) return decision
  // An end that the record announced still counts; but nothing is opened for somebody whom the feed no longer has.
  if (isShut(decision.state)) return decision
  if (question.overdue === 'hold') return { held: 'vanished' }
  return decision.state === 'pre-hire' ? decision : { state: 'suspended', because: 'vanished', shutAt: null }
}

function byRecord(question: StateQuestion, at: Instant): Decision {
  const { startsAt, status } = question
  const isAhead = startsAt !== null && startsAt > at
  const ends = endsOf(question)
  // An end that is not later than the start belongs to an earlier employment. (An end of day is the next midnight, so
  // somebody who ends on the 31st and starts on the 1st has the same instant twice, and is employed without a gap.)
  const stale = ends.filter((end) => startsAt !== null && end.at <= startsAt)
  if (stale.some((end) => end.at > at)) return { held: 'contradiction' }
  const end = ends.find((one) => !stale.includes(one))
  switch (status) {
    case 'active':
    case 'suspended':
      if (isAhead) return { state: 'pre-hire', because: 'startsAt', shutAt: null }
      if (end !== undefined && end.at <= at) return { state: 'left', because: end.name, shutAt: end.at }
      return { state: status, because: 'status', shutAt: null }
    case 'left':
      return isAhead ? rescinded(stale.at(-1)) : leaving(question, end, at)
    case 'archived':
      if (isAhead || (end !== undefined && end.at > at)) return { held: 'contradiction' }
      return { state: 'archived', because: 'status', shutAt: end?.at ?? null }
  }
}

/** The earlier one first: of two ends the earlier shuts access. */
function endsOf({ endsAt, accessEndsAt }: Employment): End[] {
  const ends: End[] = []
  if (endsAt !== null) ends.push({ name: 'endsAt', at: endsAt })
  if (accessEndsAt !== null) ends.push({ name: 'accessEndsAt', at: accessEndsAt })
  return ends.toSorted((a, b) => a.at - b.at)
}

/** Status left with a start ahead: whoever was to come does not come; whoever had left before has left since then. */
function rescinded(earlier: End | undefined): Decision {
  return { state: 'left', because: 'status', shutAt: earlier?.at ?? null }
}

/** Status left: at once, or notice given with a last day that is still ahead. */
function leaving(question: StateQuestion, end: End | undefined, at: Instant): Decision {
  if (end === undefined) return { state: 'left', because: 'status', shutAt: null }
  if (end.at <= at) return { state: 'left', because: end.name, shutAt: end.at }
  const { previous } = question
  // Time alone opens nothing for whom the source calls left, such as a rescinded hire with a fixed term whose start is
  // reached. A corrected end does.
  if (previous?.status === 'left' && isShut(previous.state) && sameDates(previous, question)) {
    return { state: 'left', because: 'status', shutAt: null }
  }
  // Notice given during a leave of absence opens nothing either.
  const stays = previous?.status === 'suspended' || (previous?.status === 'left' && previous.state === 'suspended')
  return { state: stays ? 'suspended' : 'active', because: end.name, shutAt: null }
}

function sameDates(a: Employment, b: Employment): boolean {
  return a.startsAt === b.startsAt && a.endsAt === b.endsAt && a.accessEndsAt === b.accessEndsAt
}
