import { expect, test } from 'vitest'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLedger } from '../../../src/ledger/index.ts'

test('the version of a ledger is another one after anybody wrote, and the same while everybody only reads', async () => {
  const url = `sqlite:${join(await mkdtemp(join(tmpdir(), 'keyturn-version-')), 'keyturn.db')}`
  await using ours = await openLedger(url)
  await using theirs = await openLedger(url)
  const first = ours.version()
  await ours.openCounts()
  await theirs.openCounts()
  expect(ours.version()).toBe(first)
  await theirs.tick('a schedule', 1, 1)
  const second = ours.version()
  expect(second).not.toBe(first)
  await ours.tick('a schedule', 2, 2)
  expect(ours.version()).not.toBe(second)
})
