import { expect, test } from 'vitest'
import { newsOf } from '../../../../src/server/daemon/news.ts'

test('is news: the first look, another version, and every so often the passing of time', () => {
  let version = 'a'
  const isNews = newsOf({ version: () => version }, 3)
  expect([isNews(), isNews(), isNews(), isNews(), isNews()]).toEqual([true, false, false, true, false])
  version = 'b'
  expect([isNews(), isNews()]).toEqual([true, false])
})

test('a ledger that cannot be read is looked at, and does not end the daemon by an error in a timer', () => {
  const isNews = newsOf(
    {
      version: () => {
        throw new Error('disk I/O error')
      },
    },
    3,
  )
  expect([isNews(), isNews()]).toEqual([true, true])
})
