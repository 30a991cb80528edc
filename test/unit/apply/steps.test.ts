import { expect, test } from 'vitest'
import { openSteps } from '../../../src/apply/steps.ts'
import type { StepRecord } from '../../../src/model/ledger.ts'

function stepOf(token: string): StepRecord {
  const audit = { at: 1, correlation: 'c', identity: 'hr:1', platform: 'corp', account: null, action: 'step' }
  const more = {
    reason: null,
    operator: 'o',
    before: null,
    after: 'disable',
    askedAt: null,
    result: 'done',
    detail: '',
  }
  return { token, step: { step: 'disable', at: 1, detail: '' }, audit: { ...audit, ...more }, counts: true }
}

test('steps of one turn are written together, later ones for themselves, and who was overtaken is told', async () => {
  const calls: string[][] = []
  const steps = openSteps({
    stepsDone: async (some) => {
      calls.push(some.map(({ token }) => token))
      return new Set(['b'])
    },
  })
  expect(await Promise.all(['a', 'b', 'c'].map((token) => steps.record(stepOf(token))))).toEqual([true, false, true])
  await steps.record(stepOf('d'))
  expect(calls).toEqual([['a', 'b', 'c'], ['d']])
})

test('a ledger that cannot be written is told to all of them', async () => {
  const steps = openSteps({ stepsDone: () => Promise.reject(new Error('the disk is full')) })
  const ends = await Promise.allSettled([steps.record(stepOf('a')), steps.record(stepOf('b'))])
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})
