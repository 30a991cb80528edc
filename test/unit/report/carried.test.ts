import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { Role } from '../../../src/model/running.ts'
import { renderOwed } from '../../../src/report/carried.ts'
import type { CarriedWord } from '../../../src/report/carried.ts'
import { noon, obligation, planOf } from './samples.ts'

const word: CarriedWord = {
  plan: planOf([]),
  blind: [],
  obligations: [],
  links: [],
  forgotten: [],
  audit: [],
  since: noon,
}

function said(running: readonly Role[], more: Partial<CarriedWord>): string {
  return stripVTControlCharacters(renderOwed({ ...word, ...more }, new Set(running)))
}

test('a daemon counts only where it does what is still to be done', () => {
  const obligations = [obligation('7', { state: 'owed', lane: 'revoke' })]
  expect(said(['intake', 'server'], { obligations })).toMatch(
    /\(wiki\)\. No running daemon has the role workers, so NOBODY tries on: start "keyturn run --only workers", or give/,
  )
  expect(said(['workers'], { obligations })).toContain('The running daemon tries on until it is done')
  expect(said([], { obligations })).toContain('No daemon runs, so NOBODY tries on: start "keyturn run", or')
  expect(said(['intake'], {})).toBe('')
})

test('what could not be looked at must also be planned', () => {
  expect(said(['workers'], { blind: ['wiki'] })).toMatch(/role intake, so NOBODY plans what could not be looked at/)
  expect(said(['server'], { blind: ['wiki'] })).toMatch(
    /role workers or intake, so NOBODY tries on: start "keyturn run --only workers,intake"/,
  )
  expect(said(['intake', 'workers'], { blind: ['wiki'] })).toContain('The running daemon tries on')
})
