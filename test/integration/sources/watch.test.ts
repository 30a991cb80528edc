import { mkdir, open, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Arrival } from '../../../src/model/ports.ts'
import { watchFiles } from '../../../src/sources/index.ts'
import { replace, temporaryFolder } from './files.ts'

const settle = 300

interface Told {
  readonly how: Arrival
  readonly content: string
}

/** Watches a path and remembers what it was told. */
async function watching(path: string, { during = async () => {} }: { during?: () => Promise<void> } = {}) {
  const told: Told[] = []
  const problems: string[] = []
  const running = { now: 0, most: 0 }
  const note = (message: string) => problems.push(message)
  const logger = { debug() {}, info() {}, change() {}, warn: note, error: note }
  const watcher = watchFiles([{ path, settle }], {
    logger,
    async onChange(changed, how) {
      running.most = Math.max(running.most, ++running.now)
      try {
        await during()
        told.push({ how, content: await readFile(changed, 'utf8') })
      } finally {
        running.now--
      }
    },
  })
  await watcher.ready
  return {
    told,
    problems,
    running,
    /** Waits until the last that was told is this. */
    until: (last: Partial<Told>) => expect.poll(() => told.at(-1), { timeout: 10_000 }).toMatchObject(last),
    [Symbol.asyncDispose]: () => watcher[Symbol.asyncDispose](),
  }
}

async function withFeed() {
  const folder = await temporaryFolder()
  const path = join(folder.path, 'people.csv')
  await writeFile(path, 'start')
  return { path, folder: folder.path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

/** Long enough for anything wrong to be told. */
const longer = 3 * settle

describe('a watched file', () => {
  test('that is there is no news', async () => {
    await using feed = await withFeed()
    await using watch = await watching(feed.path)
    await sleep(longer)
    expect(watch.told).toEqual([])
  })

  test('that is replaced by rename is told as such, each time', async () => {
    await using feed = await withFeed()
    await using watch = await watching(feed.path)
    for (const content of ['one', 'two', 'three']) {
      await replace(feed.path, content)
      await watch.until({ how: 'renamed', content })
    }
    await sleep(longer)
    expect(watch.told).toHaveLength(3)
  })

  test('that is written in place, piece by piece, is told once, when it is whole', async () => {
    await using feed = await withFeed()
    await using watch = await watching(feed.path)
    const file = await open(feed.path, 'w')
    for (const piece of ['one ', 'two ', 'three']) {
      await file.write(piece)
      await sleep(20)
    }
    await file.close()
    await watch.until({ how: 'written' })
    expect(watch.told).toEqual([{ how: 'written', content: 'one two three' }])
  })

  test('that is removed and slowly written anew is not taken for a renamed one', async () => {
    await using feed = await withFeed()
    await using watch = await watching(feed.path)
    await rm(feed.path)
    await sleep(20)
    const file = await open(feed.path, 'w')
    await file.write('half ')
    await sleep(20)
    await file.write('whole')
    await file.close()
    await watch.until({ how: 'written', content: 'half whole' })
    expect(watch.told).toHaveLength(1)
  })

  test('that is renamed into place and still written to is told again when it is quiet', async () => {
    await using feed = await withFeed()
    await using watch = await watching(feed.path)
    const file = await open(`${feed.path}.new`, 'w')
    await file.write('half ')
    await rename(`${feed.path}.new`, feed.path)
    await watch.until({ how: 'renamed', content: 'half ' })
    await file.write('whole')
    await file.close()
    await watch.until({ how: 'written', content: 'half whole' })
  })

  test('that vanishes is not told, and told when it comes back', async () => {
    await using feed = await withFeed()
    await using watch = await watching(feed.path)
    await rename(feed.path, `${feed.path}.away`)
    await sleep(longer)
    expect(watch.told).toEqual([])
    await rename(`${feed.path}.away`, feed.path)
    await watch.until({ how: 'renamed', content: 'start' })
  })

  test('that an editor saves with a backup is told', async () => {
    await using feed = await withFeed()
    await using watch = await watching(feed.path)
    await rename(feed.path, `${feed.path}~`)
    await writeFile(feed.path, 'edited')
    await watch.until({ how: 'written', content: 'edited' })
  })

  test('may stand in folders that are made later, and made again', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'feeds', 'hr', 'people.csv')
    await using watch = await watching(path)
    for (const content of ['first', 'second']) {
      await mkdir(join(folder.path, 'feeds', 'hr'), { recursive: true })
      await writeFile(path, content)
      await watch.until({ content })
      await replace(path, `${content} renamed`)
      await watch.until({ how: 'renamed', content: `${content} renamed` })
      await rm(join(folder.path, 'feeds', 'hr'), { recursive: true })
      await sleep(settle)
    }
    await rename(join(folder.path, 'feeds'), join(folder.path, 'old'))
    await mkdir(join(folder.path, 'feeds', 'hr'), { recursive: true })
    await replace(path, 'third')
    await watch.until({ content: 'third' })
    expect(watch.problems).toEqual([])
  })

  test('behind symbolic links is told when a link is swapped, as Kubernetes does, and when it is written to there', async () => {
    await using folder = await temporaryFolder()
    const at = (...names: string[]) => join(folder.path, ...names)
    const publish = async (version: string) => {
      await mkdir(at(version))
      await writeFile(at(version, 'people.csv'), version)
      await symlink(version, at('..data_tmp'))
      await rename(at('..data_tmp'), at('..data'))
    }
    await publish('..1')
    await symlink('..data/people.csv', at('people.csv'))
    await using watch = await watching(at('people.csv'))
    for (const [old, version] of [
      ['..1', '..2'],
      ['..2', '..3'],
    ] as const) {
      await publish(version)
      await watch.until({ how: 'renamed', content: version })
      await rm(at(old), { recursive: true })
    }
    await writeFile(at('..3', 'people.csv'), 'in place')
    await watch.until({ how: 'written', content: 'in place' })
  })

  test('beside which others come and go is no news', async () => {
    await using feed = await withFeed()
    await using watch = await watching(feed.path)
    for (let index = 0; index < 50; index++) await replace(join(feed.folder, `other-${index}.csv`), 'other')
    await sleep(longer)
    expect(watch.told).toEqual([])
  })

  test('that is rewritten again and again is told as it is at last, and never twice at once', async () => {
    await using feed = await withFeed()
    await using watch = await watching(feed.path, { during: () => sleep(30) })
    for (let index = 1; index <= 100; index++) {
      await replace(feed.path, String(index))
      await sleep(5)
    }
    await watch.until({ how: 'renamed', content: '100' })
    for (let index = 1; index <= 100; index++) {
      await writeFile(feed.path, `in place ${index}`)
      await sleep(5)
    }
    await watch.until({ how: 'written', content: 'in place 100' })
    expect(watch.running.most).toBe(1)
    expect(watch.told.length).toBeLessThan(150)
  })

  test('is told again after what was told could not be handled', async () => {
    await using feed = await withFeed()
    let isBroken = true
    await using watch = await watching(feed.path, {
      during: async () => {
        if (isBroken) throw new Error('no space left')
      },
    })
    await replace(feed.path, 'one')
    await expect.poll(() => watch.problems).toHaveLength(1)
    isBroken = false
    await replace(feed.path, 'two')
    await watch.until({ content: 'two' })
  })

  test('is not told any more when watching has ended', async () => {
    await using feed = await withFeed()
    const watch = await watching(feed.path)
    await watch[Symbol.asyncDispose]()
    await replace(feed.path, 'late')
    await sleep(longer)
    expect(watch.told).toEqual([])
  })
})
