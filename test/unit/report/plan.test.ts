import { describe, expect, test } from 'vitest'
import type { Change } from '../../../src/model/change.ts'
import { renderPlan, renderPlanTotals, showChange } from '../../../src/report/plan.ts'
import { change, left, lines, made, noon, planOf, rule } from './samples.ts'

const grant = (key: string) => change(key, { kind: 'grant', entitlement: 'staff' })
const shut = (key: string) => change(key, { kind: 'disable', protocol: 'leaver' }, left)

describe('a plan', () => {
  test('is grouped by the line that causes the changes, with one line for each account', () => {
    const plan = planOf([
      change('ann', { kind: 'create', desired: made }),
      grant('ann'),
      shut('bob'),
      change('bob', { kind: 'revoke', entitlement: 'staff' }, left),
    ])
    expect(lines(renderPlan(plan, 20))).toEqual([
      'wiki  (207 linked accounts)',
      '  role employee  roles/base.yaml:3:5',
      '    ann  hr:ann  +create  +grant staff',
      '  Status "Left"  people.csv:7',
      '    bob  hr:bob  -shut (leaver protocol)  -revoke staff',
    ])
  })

  test('without changes says so for each platform', () => {
    expect(lines(renderPlan(planOf([]), 20))).toEqual(['wiki  (207 linked accounts)', '  Nothing to change.'])
  })

  test('says of a long group how many lines are not shown, and how to see them', () => {
    const keys = ['ann', 'bob', 'cid', 'dan']
    expect(lines(renderPlan(planOf(keys.map(grant)), 2)).slice(2)).toEqual([
      '    ann  hr:ann  +grant staff',
      '    bob  hr:bob  +grant staff',
      '    … and 2 more (--all shows them)',
    ])
  })

  test('shows what is withheld under its reason, and what a person must look at', () => {
    const withheld = { change: shut('bob'), why: 'removals-limit', text: 'wiki: 90 of 207 accounts …' } as const
    const note = { kind: 'shut-by-another-hand', platform: 'wiki', identity: 'hr:cid', account: 'cid' } as const
    const plan = { ...planOf([], [withheld]), notes: [{ ...note, text: 'it stays so.' }] }
    expect(lines(renderPlan(plan, 20))).toEqual([
      'wiki  (207 linked accounts)',
      '  Nothing to change.',
      '  withheld: too many removals.  wiki: 90 of 207 accounts …',
      '    bob  hr:bob  -shut (leaver protocol)',
      '  note  cid  it stays so.',
    ])
  })

  test('is counted by platform and kind, in the order of carrying out', () => {
    const withheld = { change: shut('bob'), why: 'backlog', text: 'later' } as const
    const plan = planOf([grant('ann'), grant('cid'), shut('dan')], [withheld])
    expect(lines(renderPlanTotals(plan))).toEqual([
      'platform  disable  grant  withheld',
      'wiki            1      2         1',
    ])
    expect(renderPlanTotals(planOf([]))).toBe('')
  })
})

describe('a change on one line', () => {
  const cases: readonly (readonly [string, Change])[] = [
    ['=link by employeeNumber "1"', change('ann', { kind: 'link', by: 'employeeNumber "1"' })],
    ['+create', change('ann', { kind: 'create', desired: made })],
    ['+create (no sign-in yet)', change('ann', { kind: 'create', desired: { ...made, enabled: false } })],
    ['+enable', change('ann', { kind: 'enable' })],
    ['-shut (leaver protocol)', change('ann', { kind: 'disable', protocol: 'leaver' })],
    ['-disable (kept for the return)', change('ann', { kind: 'disable', protocol: 'suspend' })],
    ['-delete', change('ann', { kind: 'delete' })],
    ['~rename to ann2', change('ann', { kind: 'rename', from: 'ann', to: 'ann2' })],
    ['~move to ou=leavers', change('ann', { kind: 'move', from: 'ou=people', to: 'ou=leavers' })],
    [
      '~title (none) → "Clerk", "Lead"',
      change('ann', { kind: 'update', field: { attribute: 'title', from: [], to: ['Clerk', 'Lead'] } }),
    ],
    [
      '~manager "cn=bob" → account of hr:7',
      change('ann', { kind: 'update', field: { attribute: 'manager', from: ['cn=bob'], to: { accountOf: 'hr:7' } } }),
    ],
    ['~expires 2026-11-22T12:00:00.000Z', change('ann', { kind: 'expire', from: null, to: noon })],
    ['~never expires', change('ann', { kind: 'expire', from: noon, to: null })],
    ['+grant staff', grant('ann')],
    ['-revoke staff', change('ann', { kind: 'revoke', entitlement: 'staff' })],
    ['+new password', change('ann', { kind: 'issue-credential', credential: 'password' }, rule)],
  ]
  test.each(cases)('%s', (text, one) => {
    expect(lines(showChange(one))).toEqual([text])
  })
})
