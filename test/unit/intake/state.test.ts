import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isShut, stateAt } from '../../../src/intake/state.ts'
import type { StateQuestion } from '../../../src/intake/state.ts'
import { DAY } from '../../../src/model/instant.ts'
import { stateTable } from './state-table.ts'
import type { StateCase } from './state-table.ts'

const now = Date.UTC(2026, 5, 15, 12)
const at = (days: number | undefined) => (days === undefined ? null : now + days * DAY)

function questionOf(one: StateCase): StateQuestion {
  const dates = { startsAt: at(one.start), endsAt: at(one.end), accessEndsAt: at(one.accessEnd) }
  const datesBefore = one.corrected === true ? { ...dates, endsAt: at(-5) } : dates
  const status = one.statusBefore ?? 'active'
  return {
    status: one.status,
    ...dates,
    now,
    previous:
      one.before === undefined ? null : { ...datesBefore, state: one.before, status, leftAt: at(one.leftBefore) },
    overdue: one.overdue ?? null,
  }
}

describe('the state table', () => {
  test.for(stateTable)('$status, start $start, end $end, access end $accessEnd, before $before: $why', (one) => {
    const answer = stateAt(questionOf(one))
    expect(answer.state).toBe(one.state)
    expect(answer.next).toEqual(one.next === undefined ? null : { at: at(one.next[0]), state: one.next[1] })
    expect(answer.leftAt).toBe(at(one.left))
    expect(answer.held).toBe(one.held ?? null)
  })
})

test('of a contradiction nobody knew before, nothing is said but that it is held', () => {
  const question = questionOf({ status: 'archived', start: 10, state: 'pre-hire', why: '' })
  expect(stateAt(question)).toMatchObject({ held: 'contradiction', leftAt: null, state: 'pre-hire' })
})

const date = fc.option(fc.integer({ min: -5, max: 5 }).map((days) => now + days * DAY))
const anything: fc.Arbitrary<StateQuestion> = fc.record({
  status: fc.constantFrom('active', 'suspended', 'left', 'archived'),
  startsAt: date,
  endsAt: date,
  accessEndsAt: date,
  now: fc.constant(now),
  previous: fc.option(
    fc.record({
      state: fc.constantFrom('pre-hire', 'active', 'suspended', 'left', 'archived'),
      status: fc.constantFrom('active', 'suspended', 'left', 'archived'),
      leftAt: date,
      startsAt: date,
      endsAt: date,
      accessEndsAt: date,
    }),
  ),
  overdue: fc.constantFrom(null, 'hold', 'suspend'),
})

// What vanished has only what was known before.
const question = anything.map((one): StateQuestion => {
  if (one.overdue === null || one.previous === null) return { ...one, overdue: null }
  const { status, startsAt, endsAt, accessEndsAt } = one
  const { state, leftAt } = stateAt({ ...one, now: now - 10 * DAY, overdue: null })
  return { ...one, previous: { status, startsAt, endsAt, accessEndsAt, state, leftAt } }
})

describe('whatever status and dates say', () => {
  test('the next change lies ahead, happens then, and not before', () => {
    fc.assert(
      fc.property(question, (one) => {
        const { state, next, leftAt } = stateAt(one)
        const later = (at: number) => stateAt({ ...one, previous: { ...one, state, leftAt }, now: at }).state
        if (next === null) {
          expect(later(now + 100 * DAY)).toBe(state)
          return
        }
        expect(next.at).toBeGreaterThan(now)
        expect(next.state).not.toBe(state)
        expect(later(next.at)).toBe(next.state)
        expect(later(next.at - 1)).toBe(state)
      }),
      { numRuns: 2_000 },
    )
  })

  test('whom the source calls left, the clock alone never opens', () => {
    fc.assert(
      fc.property(question, (one) => {
        const { state, leftAt } = stateAt({ ...one, status: 'left' })
        const previous = { ...one, status: 'left' as const, state, leftAt }
        for (let day = 1; day <= 10 && isShut(state); day++) {
          expect(isShut(stateAt({ ...previous, previous, now: now + day * DAY, overdue: null }).state)).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('access is shut since a moment that is not ahead, and only when the state is shut', () => {
    fc.assert(
      fc.property(question, (one) => {
        const { state, leftAt, held } = stateAt(one)
        if (held !== null) return
        expect(leftAt !== null).toBe(isShut(state))
        if (leftAt !== one.previous?.leftAt) expect(leftAt ?? now).toBeLessThanOrEqual(now)
      }),
      { numRuns: 2_000 },
    )
  })

  test('what vanished is neither opened nor ended', () => {
    fc.assert(
      fc.property(question, (one) => {
        const there = stateAt({ ...one, overdue: null })
        const gone = stateAt(one)
        if (one.overdue === null || isShut(there.state)) return
        if (gone.held === null) expect(['suspended', 'pre-hire']).toContain(gone.state)
        else expect(gone.state).toBe(one.previous?.state ?? 'pre-hire')
      }),
      { numRuns: 2_000 },
    )
  })
})
