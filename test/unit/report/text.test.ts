import { expect, test } from 'vitest'
import { count, quoted, showDuration, showInstant, table } from '../../../src/report/text.ts'
import { lines, noon } from './samples.ts'

test('a table has no box, numbers stand to the right, and no line ends in blanks', () => {
  const rows = [
    ['corp-ad', 7],
    ['wiki', 1_200],
  ]
  expect(lines(table(['platform', 'owed'], rows))).toEqual(['platform  owed', 'corp-ad      7', 'wiki      1200'])
  expect(lines(table(['platform', 'owed'], []))).toEqual(['platform  owed'])
})

test('a moment is shown in the zone that is asked for, with its name', () => {
  expect(showInstant(noon, 'America/New_York')).toBe('2026-11-22 07:00 America/New_York')
})

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_000, '1.0 s'],
  [59_940, '59.9 s'],
  [60_000, '1 min'],
  [3_600_000, '1 h'],
  [47 * 3_600_000, '47 h'],
  [48 * 3_600_000, '2 days'],
])('%i ms are shown as %s', (ms, text) => {
  expect(showDuration(ms)).toBe(text)
})

test('one and many are told apart', () => {
  expect([count(0, 'account'), count(1, 'account'), count(12_400, 'person', 'people')]).toEqual([
    '0 accounts',
    '1 account',
    '12,400 people',
  ])
})

test('what somebody typed is shown without what moves a cursor, and no longer than a line', () => {
  expect(quoted('E1\u001B[2J')).toBe('"E1\\u001b[2J"')
  expect(quoted('x'.repeat(5_000))).toBe(`"${'x'.repeat(80)}…"`)
})
