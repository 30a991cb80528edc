import { createHash } from 'node:crypto'
import { appendFile, chmod, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { SourceSettings } from '../../../src/model/settings.ts'
import type { ReadEnd } from '../../../src/model/snapshot.ts'
import { look, openSource, remember } from '../../../src/sources/index.ts'
import type { FeedMemory } from '../../../src/sources/index.ts'
import { replace, settingsOf, temporaryFolder, writeQuiet } from './files.ts'

const { signal } = new AbortController()
const people = Array.from({ length: 3000 }, (_, index) => `${index},"Näme ${index}",Active`)
const text = `Id,Name,Status\n${people.join('\n')}\n`
const gone = text.replace('2000,"Näme 2000",Active', '2000,"Näme 2000",Gone')

async function known(settings: SourceSettings): Promise<FeedMemory> {
  const memory = await remember(settings, signal)
  if (memory === null) throw new Error('the feed cannot be remembered')
  return memory
}

async function endOf(reader: AsyncGenerator<unknown, ReadEnd>): Promise<ReadEnd> {
  for (;;) {
    const step = await reader.next()
    if (step.done === true) return step.value
  }
}

function digestOf(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

describe('a remembered feed', () => {
  test('has the digest of its bytes, as a whole read has', async () => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'))
    await writeQuiet(settings.path, text)
    const memory = await known(settings)
    expect(await endOf(openSource(settings, Date.now).read(signal))).toMatchObject({
      complete: true,
      digest: memory.digest,
    })
    expect(memory).toMatchObject({ rows: 3000, digest: digestOf(text) })
  })

  test('that is replaced by one with a different row shows that row, and again from there', async () => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'))
    await writeQuiet(settings.path, text)
    const before = await known(settings)
    await replace(settings.path, gone)
    const found = await look(settings, before, signal, 'renamed')
    expect(found).toMatchObject({
      kind: 'changed',
      rows: 3000,
      before: [{ key: '2000', row: { Status: 'Active' }, place: { line: 2002 } }],
      after: [{ key: '2000', row: { Status: 'Gone' }, place: { line: 2002 } }],
    })
    const memory = found.kind === 'changed' ? found.memory : before
    expect(memory.digest).toBe(digestOf(gone))
    await replace(settings.path, text)
    expect(await look(settings, memory, signal, 'renamed')).toMatchObject({ after: [{ row: { Status: 'Active' } }] })
  })

  test('is the same with other times, other rights, or under another encoding', async () => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'))
    await writeQuiet(settings.path, text)
    const memory = await known(settings)
    expect((await look(settings, memory, signal)).kind).toBe('same')
    await chmod(settings.path, 0o600)
    expect((await look(settings, memory, signal)).kind).toBe('same')
    for (const bytes of [text, `\ufeff${text}`, Buffer.from(`\ufeff${text}`, 'utf16le')]) {
      await replace(settings.path, bytes)
      const found = await look(settings, memory, signal, 'renamed')
      if (found.kind !== 'same') throw new Error(found.kind)
      expect(found.memory.digest).toBe(digestOf(bytes))
    }
  })

  test('shows rows in other encodings, too', async () => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'), {
      csv: { finalNewline: 'required', encoding: 'latin1' },
    })
    await writeQuiet(settings.path, Buffer.from(text, 'latin1'))
    const memory = await known(settings)
    await replace(settings.path, Buffer.from(gone, 'latin1'))
    expect(await look(settings, memory, signal, 'renamed')).toMatchObject({
      after: [{ row: { Name: 'Näme 2000', Status: 'Gone' } }],
    })
  })

  test('is read as a whole where it is gone, cut, not of its encoding, or read in another way', async () => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'))
    await writeQuiet(settings.path, text)
    const memory = await known(settings)
    const other = { ...settings, csv: { finalNewline: 'optional' as const } }
    expect(await look(other, memory, signal)).toMatchObject({ kind: 'whole' })
    await truncate(settings.path, text.length - 20)
    expect(await look(settings, memory, signal)).toMatchObject({ kind: 'whole' })
    await replace(settings.path, Buffer.from(text, 'latin1'))
    expect(await look(settings, memory, signal, 'renamed')).toMatchObject({ kind: 'whole' })
    await replace(settings.path, text.replace('7', '\0'))
    expect(await look(settings, memory, signal, 'renamed')).toMatchObject({ kind: 'whole' })
    await rm(settings.path)
    expect(await look(settings, memory, signal)).toMatchObject({ kind: 'whole' })
    expect(await look(settings, memory, AbortSignal.abort())).toMatchObject({ kind: 'whole' })
  })

  test('that is still written to is not believed', async () => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'))
    await writeQuiet(settings.path, text)
    const memory = await known(settings)
    await writeFile(settings.path, gone)
    const writer = setTimeout(() => void appendFile(settings.path, '3000,New,Active\n'), 150)
    const found = await look(settings, memory, signal)
    clearTimeout(writer)
    expect(found).toMatchObject({ kind: 'whole', why: expect.stringContaining('it grew') as string })
  })

  test.for<[string, string]>([
    ['does not exist', ''],
    ['is cut', 'Id,Name\n1,An'],
    ['has no key column', 'Nr,Name\n1,Ann\n'],
  ])('is none where it %s', async ([, content]) => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'))
    if (content !== '') await writeQuiet(settings.path, content)
    expect(await remember(settings, signal)).toBeNull()
  })
})

describe('waiting for a file to be quiet', () => {
  /** Longer than any test may take: only who does not wait reads at all. */
  const forever = 3_600_000

  test('is needed where it may have been written in place', async () => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'))
    for (const arrival of ['written', undefined] as const) {
      await rm(settings.path, { force: true })
      await writeFile(settings.path, text)
      const writer = setTimeout(() => void appendFile(settings.path, '3000,New,Active\n'), 150)
      const end = await endOf(openSource(settings, Date.now).read(signal, arrival))
      clearTimeout(writer)
      expect(end).toMatchObject({ complete: false, cause: { code: 'source-incomplete' } })
    }
  })

  test('is not needed where a rename was seen', async () => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'), { settle: forever })
    await replace(settings.path, text)
    expect(await endOf(openSource(settings, Date.now).read(signal, 'renamed'))).toMatchObject({ complete: true })
  })

  test('is not needed where another file took the place of the one that was read before', async () => {
    await using folder = await temporaryFolder()
    const settings = settingsOf(join(folder.path, 'people.csv'), { settle: forever })
    await replace(settings.path, text)
    const source = openSource(settings, Date.now)
    await endOf(source.read(signal, 'renamed'))
    await writeFile(`${settings.path}.new`, gone)
    // The rename has to fall into a later tick of the file system's clock than the last write.
    await sleep(30)
    await rename(`${settings.path}.new`, settings.path)
    expect(await endOf(source.read(signal))).toMatchObject({ complete: true, digest: digestOf(gone) })
  })
})
