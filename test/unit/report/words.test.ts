import { expect, test } from 'vitest'
import type { Override } from '../../../src/model/running.ts'
import { renderStanding, renderWords } from '../../../src/report/words.ts'
import { overruled } from '../../../src/policy/index.ts'
import { person } from '../policy/company.ts'
import { lines, noon } from './samples.ts'

const hour = 3_600_000
const base = { identity: 'hr:7', emergency: false, operator: 'jo', madeAt: noon, endedAt: null }
const left: Override = { ...base, id: 1, kind: 'state', state: 'left', until: null, reason: 'gone' }
const freeze: Override = { ...base, id: 2, kind: 'freeze', state: null, until: noon + hour, reason: 'inquiry\u001B[2J' }

test('each word is shown with its own end', () => {
  const identity = { ...overruled(person('7'), [left, freeze], noon), zone: 'Europe/Berlin' }
  expect(lines(renderWords([identity], 5))).toEqual([
    "Operators' words",
    '  hr:7  left  until 2026-11-22 14:00 Europe/Berlin  frozen by jo: inquiry\\u001b[2J',
    '  hr:7  left  until it is ended  override by jo: gone',
  ])
})

test('what still stands is told with the command that ends it', () => {
  expect(lines(renderStanding([left, freeze], 'Europe/Berlin'))).toEqual([
    'Still standing: override to left of hr:7 until it is ended, by jo: gone',
    '  "keyturn override hr:7 --end --reason TEXT" ends it.',
    'Still standing: freeze of hr:7 until 2026-11-22 14:00 Europe/Berlin, by jo: inquiry\\u001b[2J',
    '  "keyturn freeze hr:7 --end --reason TEXT" ends it.',
  ])
  expect(renderStanding([], 'UTC')).toBe('')
})
