import { expect, test } from 'vitest'
import { finder } from '../../../src/server/worker.ts'
import { account, want } from '../plan/world.ts'

const folded = (_attribute: string, value: string) => value.trim().toLowerCase()

const ann = account('Ann', { attributes: { employeeNumber: ['A1'], mail: ['ann@example'] } })
const bob = account('bob', { attributes: { employeeNumber: ['b2', 'a1'] } })
const strong = want('1', { matches: [{ attribute: 'employeeNumber', value: ' a1 ', then: 'link' }] })
const weak = want('2', { matches: [{ attribute: 'mail', value: 'ann@example', then: 'propose' }] })
const find = finder([ann, bob], [strong, weak], folded)

test('the linked account is found by its native id, and nothing else is', () => {
  expect([find.byId('id-Ann'), find.byId('id-gone')]).toEqual([[ann], []])
})

test('accounts are found by a strong key as the platform compares it, all of them', () => {
  expect(find.others(strong, undefined)).toEqual([ann, bob])
})

test('a weak key finds nobody', () => {
  expect(find.others(weak, undefined)).toEqual([])
})

test('an account stands under the name that was claimed, in whatever case, and is found once', () => {
  expect(find.others(weak, 'ANN')).toEqual([ann])
  expect(find.others(strong, 'bob')).toEqual([bob, ann])
})
