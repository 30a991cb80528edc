import { expect, test } from 'vitest'
import { openBucket } from '../../../src/queue/bucket.ts'

const signal = new AbortController().signal

test('what is within the rate begins at once, the rest waits its turn', async () => {
  let now = 0
  const waits: number[] = []
  const bucket = openBucket(
    100,
    () => now,
    async (ms) => void waits.push(ms),
  )
  await bucket.take(100, signal)
  await bucket.take(50, signal)
  await bucket.take(1, signal)
  expect(waits).toEqual([1_000, 1_500])
  now = 60_000
  waits.length = 0
  // Long idle: one second's worth at once, and no more.
  await bucket.take(100, signal)
  await bucket.take(100, signal)
  await bucket.take(1, signal)
  expect(waits).toEqual([1_000])
})

test('without a rate nothing waits', async () => {
  const bucket = openBucket(
    undefined,
    () => 0,
    () => Promise.reject(new Error('waited')),
  )
  await expect(bucket.take(1_000_000, signal)).resolves.toBeUndefined()
})
