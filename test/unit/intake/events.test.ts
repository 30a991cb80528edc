import { describe, expect, test } from 'vitest'
import type { LifecycleEvent } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import { noon, read, recordsOf } from './feed.ts'
import type { Row } from './feed.ts'

const later = noon + DAY

/** The events of a person's second read. */
function between(before: Row | null, after: Row): readonly LifecycleEvent[] {
  const other = { Id: '0' }
  const first = read(recordsOf(before === null ? [other] : [other, { Id: '1', ...before }]))
  return read(recordsOf([other, { Id: '1', ...after }]), { after: first, now: later }).events
}

const summary = (events: readonly LifecycleEvent[]) =>
  events.map(({ kind, effectiveAt }) => [kind, new Date(effectiveAt).toISOString().slice(0, 10)])

const past = { Start: '2020-01-01' }

describe('what happened to a person', () => {
  test.for<[string, Row | null, Row, string, string]>([
    ['somebody new', null, {}, 'joiner', '2026-06-16'],
    ['somebody new with a start', null, past, 'joiner', '2020-01-01'],
    ['somebody new who is to start', null, { Start: '2026-09-01' }, 'joiner', '2026-09-01'],
    ['the start is reached', { Start: '2026-06-16' }, { Start: '2026-06-16' }, 'joiner', '2026-06-16'],
    ['the status word ends it', past, { ...past, Status: 'Gone' }, 'leaver', '2026-06-16'],
    ['a date ends it', past, { ...past, End: '2026-06-10' }, 'leaver', '2026-06-10'],
    ['a hire is rescinded', { Start: '2026-09-01' }, { Start: '2026-09-01', Status: 'Gone' }, 'leaver', '2026-06-16'],
    ['leave of absence', past, { ...past, Status: 'Leave' }, 'suspension', '2026-06-16'],
    ['back from it', { Status: 'Leave' }, {}, 'return', '2026-06-16'],
    ['the start moves into the future', past, { Start: '2026-09-01' }, 'suspension', '2026-06-16'],
    ['rehired with a start', { Status: 'Gone', End: '2021-01-01' }, { Start: '2026-06-01' }, 'rehire', '2026-06-01'],
    ['rehired without', { Status: 'Gone', End: '2021-01-01' }, {}, 'rehire', '2026-06-16'],
    ['the exit was a mistake', { ...past, Status: 'Gone' }, past, 'rehire', '2026-06-16'],
    ['another department', {}, { Department: 'IT' }, 'mover', '2026-06-16'],
    ['another name', {}, { Last: 'New' }, 'attribute-change', '2026-06-16'],
    ['notice given', {}, { End: '2026-09-01' }, 'attribute-change', '2026-06-16'],
    ['archived after leaving', { Status: 'Gone' }, { Status: 'Archived' }, 'attribute-change', '2026-06-16'],
  ])('%s', ([, before, after, kind, day]) => {
    expect(summary(between(before, after))).toEqual([[kind, day]])
  })

  test('is nothing for whoever had left before Keyturn came', () => {
    expect(between(null, { Status: 'Gone', End: '2020-01-01' })).toEqual([])
  })

  test('names every attribute that changed, beside the change of state', () => {
    const [event] = between({}, { Status: 'Leave', Department: 'IT', Last: 'New' })
    expect(event).toMatchObject({
      kind: 'suspension',
      changed: ['surname', 'displayName', 'department', 'status'],
      observedAt: later,
      reason: { text: 'Status "Leave"' },
    })
  })

  test('names the change of state between two that are both shut', () => {
    const [event] = between({ Status: 'Gone' }, { Status: 'Archived' })
    expect(event?.changed).toEqual(['status', 'state'])
  })
})
