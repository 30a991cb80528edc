import { expect, test } from 'vitest'
import { setTimeout } from 'node:timers/promises'
import { openLedger } from '../../../src/ledger/index.ts'
import type { RunningLedger } from '../../../src/model/running.ts'
import { isOnServer, temporaryLedger } from './raw.ts'

/** Asked for the first time, a server begins to tell of others, and until then the seconds are counted. */
async function listening(ledger: RunningLedger): Promise<string> {
  ledger.version()
  if (isOnServer()) await setTimeout(200)
  return ledger.version()
}

test('the version of a ledger is another one after anybody wrote, and the same while everybody only reads', async () => {
  const { url } = await temporaryLedger()
  await using ours = await openLedger(url)
  await using theirs = await openLedger(url)
  const first = await listening(ours)
  await ours.openCounts()
  await theirs.openCounts()
  expect(ours.version()).toBe(first)
  await theirs.tick('a schedule', 1, 1)
  // A server tells of others by itself, a moment later.
  if (isOnServer()) await setTimeout(200)
  const second = ours.version()
  expect(second).not.toBe(first)
  await ours.tick('a schedule', 2, 2)
  expect(ours.version()).not.toBe(second)
})
