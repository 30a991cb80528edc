import { expect, test } from 'vitest'
import type { Lane } from '../../../src/model/change.ts'
import { sparingly } from '../../../src/server/owing.ts'

class Books {
  asked = 0
  now = 1
  isOwedThere = false
  dueThere = 0
  readonly due = sparingly({
    version: () => `${this.now}`,
    isOwed: async () => this.isOwedThere,
    due: async (platform: string, lane: Lane, _now: number, most: number) => {
      this.asked += 1
      return Array.from({ length: Math.min(most, this.dueThere) }, (_, index) => ({
        identity: `hr:${index}`,
        platform,
        lane,
      }))
    },
  })
  ask = async (lane: Lane = 'revoke') => (await this.due('ad', lane, 0, 10)).length
}

test('where nothing is owed on a lane, the ledger is asked again when it has changed', async () => {
  const books = new Books()
  expect([await books.ask(), await books.ask(), books.asked]).toEqual([0, 0, 1])
  // The other lane is another matter.
  expect([await books.ask('change'), books.asked]).toEqual([0, 2])
  books.now = 2
  books.dueThere = 3
  books.isOwedThere = true
  expect([await books.ask(), books.asked]).toEqual([3, 3])
})

test('what is owed and not due yet becomes due by time alone: the ledger is asked every time', async () => {
  const books = new Books()
  books.isOwedThere = true
  expect([await books.ask(), await books.ask(), books.asked]).toEqual([0, 0, 2])
  books.dueThere = 1
  expect(await books.ask()).toBe(1)
})

test('what changes while the question is asked is asked for again', async () => {
  const books = new Books()
  const asking = books.ask()
  books.now = 2
  expect(await asking).toBe(0)
  books.dueThere = 1
  expect(await books.ask()).toBe(1)
})
