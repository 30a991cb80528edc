import { describe, expect, test } from 'vitest'
import { overdue, vanishedSince } from '../../../src/intake/vanish.ts'
import { DAY } from '../../../src/model/instant.ts'
import { noon, person, read, recordOf, recordsOf, settingsWith } from './feed.ts'
import type { Row } from './feed.ts'

const rows: Row[] = [{ Id: '1' }, { Id: '2' }, { Id: '3', Status: 'Gone' }]
const without2 = recordsOf([{ Id: '1' }, { Id: '3', Status: 'Gone' }])
const vanishing = (then: 'hold' | 'keep' | 'suspend') => settingsWith({ vanished: { after: 3 * DAY, then } })
const first = read(recordsOf(rows))
const unreadable = { complete: false as const, takenAt: noon, count: 0, cause: new Error('cut') }

function gone(then: 'hold' | 'keep' | 'suspend') {
  const settings = vanishing(then)
  const second = read(without2, { after: first, settings })
  const early = read(without2, { after: second, settings, now: noon + 3 * DAY - 1 })
  const late = read(without2, { after: early, settings, now: noon + 3 * DAY })
  return { settings, second, early, late }
}

describe('a record that a complete read no longer has', () => {
  test('gets a timer, an event and one warning; nothing else changes', () => {
    const { second } = gone('suspend')
    expect(person(second, '2')).toMatchObject({ state: 'active', vanishedAt: noon, held: null, next: null })
    expect(second.events).toMatchObject([{ kind: 'vanished', identity: 'hr:2', effectiveAt: noon }])
    expect(second.problems).toMatchObject([
      {
        severity: 'warning',
        message: '1 person is not in the feed any more: 2',
        place: { file: 'people.csv', line: 0 },
      },
    ])
  })

  test('is told once: the next read without it writes nothing', () => {
    const { early } = gone('suspend')
    expect([early.changed, early.events]).toEqual([[], []])
    expect(early.problems).toHaveLength(1)
  })

  test('is held when the time is over', () => {
    const { late, settings } = gone('hold')
    expect(person(late, '2')).toMatchObject({
      state: 'active',
      held: 'vanished: not in the feed since 2026-06-15 12:00 UTC',
    })
    expect(late.events).toMatchObject([{ kind: 'attribute-change', changed: ['held'] }])
    expect(read(without2, { after: late, settings, now: noon + 9 * DAY }).changed).toEqual([])
  })

  test('is suspended where configured, and never left', () => {
    const { late, settings } = gone('suspend')
    expect(person(late, '2')).toMatchObject({
      state: 'suspended',
      leftAt: null,
      reason: { text: 'Status "Active"; vanished since 2026-06-15 12:00 UTC' },
    })
    expect(late.events).toMatchObject([{ kind: 'suspension', effectiveAt: noon + 3 * DAY }])
    const years = read(without2, { after: late, settings, now: noon + 999 * DAY })
    expect(person(years, '2').state).toBe('suspended')
    expect(years.changed).toEqual([])
  })

  test('is kept where configured', () => {
    const { late } = gone('keep')
    expect(person(late, '2')).toMatchObject({ state: 'active', held: null })
    expect(late.changed).toEqual([])
  })

  test('may be somebody who left: that is no news', () => {
    const second = read(recordsOf([{ Id: '1' }, { Id: '2' }]), { after: first })
    expect(person(second, '3')).toMatchObject({ state: 'left', vanishedAt: noon })
    expect([second.events, second.problems]).toEqual([[], []])
    const back = read(recordsOf(rows), { after: second, now: noon + DAY })
    expect(person(back, '3').vanishedAt).toBeNull()
    expect(back.events).toEqual([])
  })

  test('of many people is one warning with the first few keys', () => {
    const many = Array.from({ length: 14 }, (_, index) => ({ Id: `${index}` }))
    const second = read(recordsOf(many.slice(0, 2)), { after: read(recordsOf(many)) })
    expect(second.problems.map(({ message }) => message)).toEqual([
      '12 people are not in the feed any more: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 …',
    ])
  })

  test('still ends on the day that it announced', () => {
    const notice = { Id: '2', Status: 'Gone', End: '2026-06-30' }
    const announced = read(recordsOf([{ Id: '1' }, notice]))
    const settings = vanishing('hold')
    const second = read(recordsOf([{ Id: '1' }]), { after: announced, settings })
    const held = read(recordsOf([{ Id: '1' }]), { after: second, settings, now: noon + 5 * DAY })
    expect(person(held, '2')).toMatchObject({ state: 'active', next: { at: Date.UTC(2026, 5, 30), state: 'left' } })
    const over = read([], { after: held, settings, now: noon + 20 * DAY, end: unreadable })
    expect(person(over, '2')).toMatchObject({ state: 'left', held: null, leftAt: Date.UTC(2026, 5, 30) })
    expect(over.events).toMatchObject([{ kind: 'leaver', changed: ['held'] }])
  })
})

describe('a record that comes back', () => {
  test('before the time is over is only told', () => {
    const { early, settings } = gone('suspend')
    const back = read(recordsOf(rows), { after: early, settings, now: noon + 3 * DAY })
    expect(person(back, '2')).toMatchObject({ state: 'active', vanishedAt: null })
    expect(back.events).toMatchObject([{ kind: 'reappeared', identity: 'hr:2' }])
  })

  test('after a suspension returns', () => {
    const { late, settings } = gone('suspend')
    const back = read(recordsOf(rows), { after: late, settings, now: noon + 4 * DAY })
    expect(person(back, '2')).toMatchObject({ state: 'active', reason: { text: 'Status "Active"' } })
    expect(back.events.map(({ kind }) => kind)).toEqual(['return', 'reappeared'])
  })

  test('after a hold is free again, even where its row is broken', () => {
    const { late, settings } = gone('hold')
    const broken = { ...recordOf({ Id: '2' }, 3), problem: 'the row has 3 fields' }
    const back = read([...without2, broken], { after: late, settings, now: noon + 4 * DAY })
    expect(person(back, '2')).toMatchObject({ vanishedAt: null, held: null })
  })
})

describe('a read that proves no absence', () => {
  test('starts no timer: it was cut, or lists only changes', () => {
    const cut = read(without2, { after: first, end: unreadable })
    expect(person(cut, '2').vanishedAt).toBeNull()
    const delta = read(without2, { after: first, settings: settingsWith({ content: 'delta' }) })
    expect(person(delta, '2').vanishedAt).toBeNull()
  })

  test('suspends nobody whose time is over, and lifts no suspension', () => {
    const { early, late, settings } = gone('suspend')
    const after = noon + 10 * DAY
    expect(person(read([], { after: early, settings, now: after, end: unreadable }), '2').state).toBe('active')
    expect(person(read([], { after: late, settings, now: after, end: unreadable }), '2').state).toBe('suspended')
  })
})

test('a suspension by leave of absence is not taken for one by absence', () => {
  const leave = read(recordsOf([{ Id: '1' }, { Id: '2', Status: 'Leave' }]))
  const previous = person(leave, '2')
  expect(overdue(noon, previous, { after: DAY, then: 'suspend' }, noon + 2 * DAY, null)).toBeNull()
  expect(vanishedSince(previous, null)).toBeNull()
})
