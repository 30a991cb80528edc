import fc from 'fast-check'
import { expect, test } from 'vitest'
import { healthOf } from '../../../src/apply/health.ts'
import { givesUp, nextTry } from '../../../src/apply/retry.ts'
import type { ErrorCode } from '../../../src/model/errors.ts'
import { MINUTE, SECOND } from '../../../src/model/instant.ts'
import { World } from './world.ts'

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

/** One joiner and one leaver, whose platform has this trouble with every change. */
async function inTrouble(code: ErrorCode) {
  const world = new World()
  world.wish('hr:1')
  await world.quiesce()
  world.wish('hr:1', { state: 'shut' })
  world.wish('hr:2')
  const pointers = await world.plan()
  world.platform.trouble = () => ({ result: 'retry', error: { code, message: 'the server said no' } })
  return { world, pointers }
}

test('an outage is no try of a person: what waited for its end is due soon, however long it lasted', async () => {
  const { world, pointers } = await inTrouble('platform-unreachable')
  for (let i = 0; i < 20; i += 1) {
    const report = await world.settle(pointers)
    expect(healthOf(report)).toMatchObject({ outage: { code: 'platform-unreachable' } })
    for (const { nextTryAt } of report.obligations) expect((nextTryAt ?? 0) - world.now).toBeLessThanOrEqual(SECOND)
    world.now += SECOND
  }
  expect(world.ledger.settlements.slice(-2)).toMatchObject([{ outage: true }, { outage: true }])
  expect([...world.ledger.rows.values()].map(({ tries }) => tries)).toEqual([0, 0])
})

test('trouble with one person is a try, and says that the platform is there', async () => {
  const { world, pointers } = await inTrouble('unexpected')
  const report = await world.settle(pointers)
  expect(healthOf(report)).toBe('fine')
  expect(world.ledger.settlements.slice(-2).map(({ outage }) => outage)).toEqual([undefined, undefined])
  expect([...world.ledger.rows.values()].map(({ tries }) => tries)).toEqual([1, 1])
})

test('trouble of our own, and nothing to do, tell nothing about the platform', async () => {
  const { world, pointers } = await inTrouble('ledger-busy')
  expect(healthOf(await world.settle(pointers))).toBe('nothing')
  expect(healthOf({ obligations: [] })).toBe('nothing')
})
