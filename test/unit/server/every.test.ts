import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { every } from '../../../src/server/every.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('each is called at its own pace, those of one pace together, and nobody after the end', () => {
  const called: string[] = []
  const quick = every(250, () => called.push('quick'))
  const slow = every(1_000, () => called.push('slow'))
  const other = every(1_000, () => called.push('other'))
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(2_000)
  expect(Object.groupBy(called, (one) => one)).toMatchObject({
    quick: Array(8).fill('quick'),
    slow: ['slow', 'slow'],
    other: ['other', 'other'],
  })
  expect(called.join(' ')).toContain('slow other')
  slow[Symbol.dispose]()
  called.length = 0
  vi.advanceTimersByTime(1_000)
  expect(called.filter((one) => one !== 'quick')).toEqual(['other'])
  quick[Symbol.dispose]()
  other[Symbol.dispose]()
  expect(vi.getTimerCount()).toBe(0)
})

test('one that ends another one, or itself, while it is called', () => {
  const called: string[] = []
  const second: Disposable[] = []
  const first = every(250, () => {
    called.push('first')
    for (const one of [first, ...second]) one[Symbol.dispose]()
  })
  second.push(every(250, () => called.push('second')))
  vi.advanceTimersByTime(1_000)
  expect(called).toEqual(['first'])
})
