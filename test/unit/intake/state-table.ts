// The state table: unit tests run it, docs/lifecycle.md shows it, and an integration test holds the two together.
import type { Identity, LifecycleState } from '../../../src/model/identity.ts'

/** Dates are days from now; 0 is now. */
export interface StateCase {
  readonly status: Identity['status']
  readonly start?: number
  readonly end?: number
  readonly accessEnd?: number
  /** The state before; somebody unknown where it is left out. */
  readonly before?: LifecycleState
  readonly statusBefore?: Identity['status']
  readonly leftBefore?: number
  /** The dates were others before. */
  readonly corrected?: true
  /** What is to be done about a record that vanished too long ago. */
  readonly overdue?: 'hold' | 'suspend'
  readonly state: LifecycleState
  readonly next?: readonly [number, LifecycleState]
  /** Days from now since when access is shut; `observed` is now. */
  readonly left?: number
  readonly held?: 'contradiction' | 'vanished'
  readonly why: string
}

export const stateTable: readonly StateCase[] = [
  { status: 'active', state: 'active', why: 'no dates' },
  { status: 'active', start: -10, state: 'active', why: 'employed' },
  { status: 'active', start: 0, state: 'active', why: 'the start is reached' },
  { status: 'active', start: 10, state: 'pre-hire', next: [10, 'active'], why: 'future start' },
  { status: 'active', start: 10, end: 30, state: 'pre-hire', next: [10, 'active'], why: 'fixed term that lies ahead' },
  { status: 'active', end: 10, state: 'active', next: [10, 'left'], why: 'notice given' },
  { status: 'active', end: 0, state: 'left', left: 0, why: 'the end is reached' },
  { status: 'active', start: -30, end: -10, state: 'left', left: -10, why: 'past end, however late the status word' },
  { status: 'active', start: -10, end: -30, state: 'active', why: 'rehire: the start is later than the end' },
  { status: 'active', start: -10, end: -10, state: 'active', why: 'rehire without a gap' },
  { status: 'active', start: 10, end: -30, state: 'pre-hire', next: [10, 'active'], why: 'rehire that lies ahead' },
  {
    status: 'active',
    start: 30,
    end: 10,
    before: 'active',
    state: 'active',
    next: [10, 'pre-hire'],
    held: 'contradiction',
    why: 'employed until the end and back at the start, or wrong dates?',
  },
  { status: 'active', end: 20, accessEnd: -5, state: 'left', left: -5, why: 'garden leave: employed, without access' },
  { status: 'active', end: 20, accessEnd: 5, state: 'active', next: [5, 'left'], why: 'garden leave that lies ahead' },
  { status: 'active', end: 5, accessEnd: 20, state: 'active', next: [5, 'left'], why: 'the earlier end shuts access' },
  { status: 'active', start: -10, end: -30, accessEnd: -40, state: 'active', why: 'ends of an earlier employment' },
  { status: 'suspended', state: 'suspended', why: 'leave of absence' },
  { status: 'suspended', end: 10, state: 'suspended', next: [10, 'left'], why: 'leave of absence until the end' },
  { status: 'suspended', end: -10, state: 'left', left: -10, why: 'past end' },
  { status: 'suspended', start: 10, state: 'pre-hire', next: [10, 'suspended'], why: 'future start' },
  { status: 'left', state: 'left', left: 0, why: 'explicit termination without a date: left when first observed' },
  { status: 'left', before: 'left', leftBefore: -40, state: 'left', left: -40, why: 'and that moment stays' },
  { status: 'left', end: -10, state: 'left', left: -10, why: 'past end' },
  { status: 'left', end: 10, state: 'active', next: [10, 'left'], why: 'notice given: active until the end' },
  {
    status: 'left',
    end: 10,
    before: 'suspended',
    statusBefore: 'suspended',
    state: 'suspended',
    next: [10, 'left'],
    why: 'notice given during a leave of absence opens nothing',
  },
  {
    status: 'left',
    end: 10,
    before: 'suspended',
    statusBefore: 'left',
    state: 'suspended',
    next: [10, 'left'],
    why: 'and stays so',
  },
  { status: 'left', accessEnd: 5, state: 'active', next: [5, 'left'], why: 'notice given' },
  { status: 'left', start: 10, state: 'left', left: 0, why: 'rescinded hire' },
  { status: 'left', start: 10, end: 30, state: 'left', left: 0, why: 'rescinded hire with a fixed term' },
  {
    status: 'left',
    start: -1,
    end: 20,
    before: 'left',
    statusBefore: 'left',
    leftBefore: -5,
    state: 'left',
    left: -5,
    why: 'and stays rescinded when its start is reached',
  },
  {
    status: 'left',
    end: 20,
    before: 'left',
    statusBefore: 'left',
    leftBefore: -5,
    corrected: true,
    state: 'active',
    next: [20, 'left'],
    why: 'the end was corrected: it lies ahead',
  },
  { status: 'left', start: 10, end: -10, state: 'left', left: -10, why: 'left, and no rehire before the word says so' },
  { status: 'left', start: -10, end: -30, state: 'left', left: 0, why: 'left again; its end is not known' },
  {
    status: 'left',
    start: 30,
    end: 10,
    before: 'active',
    state: 'active',
    next: [10, 'left'],
    held: 'contradiction',
    why: 'notice given and rehired, or rescinded?',
  },
  { status: 'archived', state: 'archived', left: 0, why: 'archived' },
  { status: 'archived', end: -10, state: 'archived', left: -10, why: 'archived, left at the end' },
  {
    status: 'archived',
    end: 10,
    before: 'active',
    state: 'active',
    next: [10, 'archived'],
    held: 'contradiction',
    why: 'archived with an end ahead',
  },
  {
    status: 'archived',
    start: 10,
    before: 'left',
    leftBefore: -40,
    state: 'left',
    left: -40,
    next: [10, 'archived'],
    held: 'contradiction',
    why: 'archived with a start ahead',
  },
  {
    status: 'active',
    before: 'active',
    overdue: 'hold',
    state: 'active',
    held: 'vanished',
    why: 'vanished, then: hold',
  },
  {
    status: 'active',
    start: -1,
    before: 'pre-hire',
    overdue: 'hold',
    state: 'pre-hire',
    held: 'vanished',
    why: 'nothing is opened for somebody who vanished',
  },
  {
    status: 'active',
    end: 10,
    before: 'active',
    overdue: 'hold',
    state: 'active',
    next: [10, 'left'],
    held: 'vanished',
    why: 'vanished; the end that was announced still counts',
  },
  { status: 'active', end: -1, before: 'active', overdue: 'hold', state: 'left', left: -1, why: 'and is reached' },
  { status: 'active', before: 'active', overdue: 'suspend', state: 'suspended', why: 'vanished, then: suspend' },
  {
    status: 'active',
    end: 10,
    before: 'active',
    overdue: 'suspend',
    state: 'suspended',
    next: [10, 'left'],
    why: 'vanished; the end that was announced still counts',
  },
  {
    status: 'active',
    start: 10,
    before: 'pre-hire',
    overdue: 'suspend',
    state: 'pre-hire',
    next: [10, 'suspended'],
    why: 'a vanished pre-hire never opens',
  },
]

/** The table as docs/lifecycle.md shows it. */
export function renderStateTable(): string {
  const head = '| status | start | end | access end | before | state now | next | why |'
  const rows = stateTable.map((one) => {
    const before = one.overdue === undefined ? (one.before ?? '') : `${one.before}, vanished: ${one.overdue}`
    const held = one.held === undefined ? '' : ' (held)'
    const since =
      one.left === undefined || one.held !== undefined ? '' : ` since ${one.left === 0 ? 'now' : days(one.left)}`
    const next = one.next === undefined ? '' : `${one.next[1]} ${days(one.next[0])}`
    const dates = one.corrected === undefined ? '' : ', other dates'
    const statusBefore = one.statusBefore === undefined ? '' : ` (status ${one.statusBefore}${dates})`
    const cells = [one.status, days(one.start), days(one.end), days(one.accessEnd)]
    return `| ${[...cells, before + statusBefore, `**${one.state}**${since}${held}`, next, one.why].join(' | ')} |`
  })
  return [head, '|---|---|---|---|---|---|---|---|', ...rows].join('\n')
}

function days(count: number | undefined): string {
  if (count === undefined) return ''
  if (count === 0) return 'now'
  const size = Math.abs(count)
  const amount = size === 1 ? '1 day' : `${size} days`
  return count < 0 ? `${amount} ago` : `in ${amount}`
}
