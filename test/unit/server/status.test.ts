import { expect, test } from 'vitest'
import type { RevocationTiming } from '../../../src/model/running.ts'
import { timesOf } from '../../../src/server/status.ts'

function timing(took: number, more: Partial<RevocationTiming> = {}): RevocationTiming {
  const base = { id: 1, identity: 'hr:1', platform: 'ad', lane: 'revoke', grade: 'refused' } as const
  const provenAt = 1_000_000
  const times = { effectiveAt: null, receivedAt: provenAt - took, admittedAt: provenAt - took / 2, provenAt }
  return { ...base, ...times, ...more }
}

test('of nothing there are no percentiles', () => {
  expect(timesOf([])).toEqual([])
})

test('one revocation is every percentile, and counts from an effective date only where there is one', () => {
  expect(timesOf([timing(80)])).toEqual([
    { from: 'received', count: 1, p50: 80, p95: 80, p99: 80, worst: 80 },
    { from: 'admitted', count: 1, p50: 40, p95: 40, p99: 40, worst: 40 },
  ])
  const [effective] = timesOf([timing(80), timing(60, { effectiveAt: 999_000 })])
  expect(effective).toEqual({ from: 'effective', count: 1, p50: 1_000, p95: 1_000, p99: 1_000, worst: 1_000 })
})

test('percentiles are those of the nearest rank, in whatever order they come', () => {
  const timings = Array.from({ length: 200 }, (_, index) => timing(((index * 37) % 200) + 1))
  expect(timesOf(timings)[0]).toEqual({ from: 'received', count: 200, p50: 100, p95: 190, p99: 198, worst: 200 })
})

test('a proof before the effective moment took no time', () => {
  expect(timesOf([timing(5, { effectiveAt: 2_000_000 })])[0]).toMatchObject({ from: 'effective', worst: 0 })
})
