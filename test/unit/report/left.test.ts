import { expect, test } from 'vitest'
import { renderLeft, renderPlan } from '../../../src/report/plan.ts'
import { visible } from '../../../src/report/text.ts'
import { account, field, grantOf, leaver, want, World } from '../plan/world.ts'

const lines = (text: string) => text.replaceAll(/\u001b\[\d+m/g, '').split('\n')

test('apply tells what it has left as it is: entitlements that do not exist, doors that another hand has shut', () => {
  const world = new World().has('ann').has('bob', { enabled: false })
  expect(lines(renderLeft(world.plan(want('ann', { gives: ['editors'] }), want('bob')), 20))).toEqual([
    'wiki',
    expect.stringMatching(/^ {2}withheld: no such entitlement\. {2}wiki has no entitlement "editors"/),
    '    ann  hr:ann  +grant editors',
    expect.stringMatching(/^ {2}note {2}bob {2}bob is disabled, but not by Keyturn/),
  ])
})

test('what waits in a hold is not told twice, and where nothing was left nothing is said', () => {
  const world = new World().has('ann')
  const plan = world.plan(leaver('ann', { backlog: true }))
  expect(plan.withheld.map(({ why }) => why)).toEqual(['backlog'])
  expect(renderLeft(plan, 20)).toBe('')
})

test('one sentence is said once, though it is a note and the reason of what is withheld', () => {
  const world = new World()
  world.accounts = ['x1', 'x2'].map((name) => account(name, { attributes: { employeeNumber: ['ann'] } }))
  const plan = world.plan(want('ann'))
  const text = plan.withheld[0]?.text ?? ''
  expect(plan.notes.map((note) => note.text)).toEqual([text])
  for (const page of [renderLeft(plan, 20), renderPlan(plan, 20)]) expect(page.split(text)).toHaveLength(2)
})

test('accounts that are matched by one attribute stand in one group, however many they are', () => {
  const world = new World()
  world.grants = [grantOf('p0', 'x')]
  const keys = Array.from({ length: 30 }, (_, at) => `p${at}`)
  world.accounts = keys.map((key) => account(key, { attributes: { employeeNumber: [key], title: ['x'] } }))
  const plan = world.plan(...keys.map((key) => want(key, { fields: [field('title', 'x')] })))
  const page = lines(renderPlan(plan, 20))
  expect(page[1]).toBe('  matched by employeeNumber')
  expect(page[2]).toContain('=link by employeeNumber "p0"')
  expect(page).toContain('    … and 10 more (--all shows them)')
})

test('a name that would colour the terminal, forge a line or turn the writing is spelt out', () => {
  expect(visible('\u001b[31mRed\u001b[0m\nhr:1  left \u202eevil O’Brien 李')).toBe(
    '\\u001b[31mRed\\u001b[0m\\u000ahr:1  left \\u202eevil O’Brien 李',
  )
})
