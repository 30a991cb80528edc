import fc from 'fast-check'
import { expect, test } from 'vitest'
import { givesUp, nextTry } from '../../../src/apply/retry.ts'
import { MINUTE, SECOND } from '../../../src/model/instant.ts'

const retry = {
  revoke: { first: SECOND, most: MINUTE },
  change: { first: 5 * SECOND, most: 10 * MINUTE, attempts: 4 },
}

test('the delay doubles with every try up to the longest, and its last half is left to chance', () => {
  const delays = [0, 1, 2, 3, 10, 100].map((tries) =>
    [0, 1].map((random) => nextTry('revoke', tries, 0, retry, () => random)),
  )
  expect(delays).toEqual([
    [500, 1_000],
    [1_000, 2_000],
    [2_000, 4_000],
    [4_000, 8_000],
    [30_000, 60_000],
    [30_000, 60_000],
  ])
})

test('the next try is always in the future and never beyond the longest delay', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (tries, random) => {
      const at = nextTry('change', tries, 1_000, retry, () => random)
      expect(at).toBeGreaterThan(1_000)
      expect(at).toBeLessThanOrEqual(1_000 + retry.change.most)
    }),
  )
})

test('changes give up after the stated number of tries, revocations and outages of the platform never', () => {
  expect(givesUp('change', 2, 'unexpected', retry)).toBe(false)
  expect(givesUp('change', 3, 'unexpected', retry)).toBe(true)
  expect(givesUp('revoke', 1_000, 'unexpected', retry)).toBe(false)
  expect(givesUp('change', 1_000, 'platform-unreachable', retry)).toBe(false)
})
