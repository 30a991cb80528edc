import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { HOUR, MINUTE } from '../../../src/model/instant.ts'
import { openClock } from '../../../src/server/clock.ts'

/** How far a clock with this file is from the machine's, in whole minutes. */
async function offsets() {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-clock-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'offset')
  const clock = openClock(file)
  const offset = async (text?: string) => {
    if (text !== undefined) await writeFile(file, text)
    // A file is asked again after a moment.
    await sleep(50)
    return Math.round((clock() - Date.now()) / MINUTE) * MINUTE
  }
  return offset
}

test('the clock goes by the file, forwards and back, and by the machine where the file says no number', async () => {
  const offset = await offsets()
  expect(await offset()).toBe(0)
  expect(await offset(`${HOUR}\n`)).toBe(HOUR)
  expect(await offset(`-${HOUR}`)).toBe(-HOUR)
  expect(await offset('soon')).toBe(0)
})

test('without a file it is the machine’s', () => {
  expect(openClock('')).toBe(Date.now)
})
