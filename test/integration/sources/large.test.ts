import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import type { SourceSettings } from '../../../src/model/settings.ts'
import { openSource } from '../../../src/sources/index.ts'

const rows = 400_000
const MiB = 1024 * 1024

function* lines(): Generator<string> {
  yield 'Id,Name,Status,Start,End,Department,Title,Manager,Note\n'
  for (let id = 0; id < rows; id++) {
    yield `${id},"Person, Number ${id}",Active,1-${(id % 28) + 1}-2010,,Department ${id % 50},Title ${id % 99},,${'note '.repeat(12)}${id}\n`
  }
}

test('a feed of several hundred thousand rows is read in flat memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-large-'))
  try {
    const path = join(folder, 'people.csv')
    await pipeline(Readable.from(lines(), { highWaterMark: 1_000 }), createWriteStream(path))
    const settings = { id: 'hr', kind: 'csv', path, key: 'Id', content: 'full', csv: { finalNewline: 'required' } }
    const reader = openSource(settings as SourceSettings, Date.now).read(new AbortController().signal)
    let count = 0
    let early = 0
    let peak = 0
    for (;;) {
      const step = await reader.next()
      if (step.done === true) {
        expect(step.value).toMatchObject({ complete: true, count: rows })
        break
      }
      count += step.value.length
      const { rss } = process.memoryUsage()
      // By then the caches are warm: what grows from here on grows with the file.
      if (count < rows / 4) early = Math.max(early, rss)
      else peak = Math.max(peak, rss)
    }
    expect(count).toBe(rows)
    // The records of the rest would be 300 MiB and more.
    expect((peak - early) / MiB).toBeLessThan(100)
  } finally {
    await rm(folder, { recursive: true })
  }
})
