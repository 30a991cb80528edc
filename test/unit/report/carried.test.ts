import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { Role } from '../../../src/model/running.ts'
import { openByHand, renderCarried, renderOwed } from '../../../src/report/carried.ts'
import type { CarriedWord } from '../../../src/report/carried.ts'
import { person } from '../policy/company.ts'
import { change, lines, noon, obligation, planOf } from './samples.ts'

const word: CarriedWord = {
  plan: planOf([]),
  blind: [],
  holds: [],
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

const disable = change('ann', { kind: 'disable', protocol: 'leaver' })
const ann = person('ann')
const carriedOut = (more: Partial<CarriedWord>) => lines(renderCarried(ann, { ...word, ...more }))

test('a protected account that was said to be shut and is open is told, and nobody else’s', () => {
  const plan = { ...planOf([]), doneByHand: [disable, change('bob', { kind: 'disable', protocol: 'leaver' })] }
  expect(openByHand('hr:ann', plan)).toEqual([disable])
  expect(carriedOut({ plan })).toEqual([
    'hr:ann',
    'wiki',
    '  protected: ann is STILL OPEN, as seen just now, whatever was recorded: shut it there',
  ])
})

test('what is withheld is told with the command that releases it for this person alone', () => {
  const text = 'Look with "keyturn holds show ID", release with "keyturn holds approve ID --reason TEXT".'
  const items = [{ fingerprint: 'f', identity: 'hr:ann', summary: 'disable ann (leaver)', status: 'open' } as const]
  const decided = { decidedAt: null, decidedBy: null, reason: null }
  const hold = {
    id: 7,
    platform: 'wiki',
    why: 'backlog',
    text,
    status: 'open',
    madeAt: noon,
    items,
    ...decided,
  } as const
  const plan = planOf([], [{ change: disable, why: 'backlog', text }])
  expect(carriedOut({ plan, holds: [hold] })[2]).toBe(
    '  withheld: -shut (leaver protocol): Look with "keyturn holds show 7", release with "keyturn holds approve 7 --person hr:ann --reason TEXT".',
  )
  expect(carriedOut({ plan, holds: [{ ...hold, platform: 'git' }] })[2]).toContain('holds approve ID --reason')
})

test('where everything is withheld, what was settled before is no news', () => {
  const plan = planOf([], [{ change: change('ann', { kind: 'enable' }), why: 'frozen', text: 'hr:ann is frozen' }])
  expect(carriedOut({ plan, obligations: [obligation('ann')] })).toEqual([
    'hr:ann',
    'wiki',
    '  withheld: +enable: hr:ann is frozen',
  ])
})
