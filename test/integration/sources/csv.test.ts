import { appendFile, mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SourceRecord } from '../../../src/model/identity.ts'
import type { CsvSettings, SourceSettings } from '../../../src/model/settings.ts'
import type { ReadEnd } from '../../../src/model/snapshot.ts'
import { openSource } from '../../../src/sources/index.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-sources-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

function settingsOf(path: string, csv: Partial<CsvSettings> = {}, content: 'full' | 'delta' = 'full'): SourceSettings {
  return {
    id: 'hr',
    kind: 'csv',
    path,
    key: 'Id',
    content,
    csv: { finalNewline: 'required', ...csv },
    settle: 500,
  } as SourceSettings
}

async function readAll(
  settings: SourceSettings,
  { signal = new AbortController().signal, between = async () => {} } = {},
): Promise<{ records: SourceRecord[]; end: ReadEnd }> {
  const records: SourceRecord[] = []
  const reader = openSource(settings, () => 1_000).read(signal)
  for (;;) {
    const step = await reader.next()
    if (step.done === true) return { records, end: step.value }
    records.push(...step.value)
    await between()
  }
}

/** Writes a feed that has been quiet for a minute, as an export of last night has. */
async function feed(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  const minuteAgo = new Date(Date.now() - 60_000)
  await utimes(path, minuteAgo, minuteAgo)
  return path
}

const table = 'Id;Name;Status\r\n1;"Zoë\r\nO’Brien";Active\r\n2;Bob;Gone\r\n'

describe('a whole feed', () => {
  test('is read with its number of records and the time of its writing', async () => {
    const { records, end } = await readAll(settingsOf(await feed('whole.csv', table)))
    expect(end).toMatchObject({ complete: true, takenAt: 1_000, count: 2 })
    expect(end.complete && Math.abs(Date.now() - 60_000 - end.modifiedAt)).toBeLessThan(10_000)
    expect(records.map(({ key, place, row }) => [key, place.line, row['Name']])).toEqual([
      ['1', 2, 'Zoë\r\nO’Brien'],
      ['2', 4, 'Bob'],
    ])
  })

  test('with a byte-order mark, in UTF-16 and with old line endings is the same', async () => {
    const plain = table.replaceAll('\r\n', '\r')
    for (const content of [`\ufeff${table}`, Buffer.from(`\ufeff${table}`, 'utf16le'), plain]) {
      const { records, end } = await readAll(settingsOf(await feed('other.csv', content)))
      expect(end.complete).toBe(true)
      expect(records.map(({ key }) => key)).toEqual(['1', '2'])
    }
  })

  test('may lack the last line ending where that is configured', async () => {
    const path = await feed('open.csv', table.trimEnd())
    expect((await readAll(settingsOf(path, { finalNewline: 'optional' }))).end.complete).toBe(true)
    expect((await readAll(settingsOf(path))).end.complete).toBe(false)
  })

  test('that was written this moment is looked at once more and then believed', async () => {
    const path = join(folder, 'fresh.csv')
    await writeFile(path, table)
    expect((await readAll(settingsOf(path))).end.complete).toBe(true)
  })

  test('of changes may have none', async () => {
    const path = await feed('nothing.csv', 'Id,Name\n')
    expect((await readAll(settingsOf(path, {}, 'delta'))).end).toMatchObject({ complete: true, count: 0 })
  })

  test('with one broken row gives the others', async () => {
    const { records, end } = await readAll(settingsOf(await feed('one.csv', 'Id,Name\n1,a "b" c\n2,B\n3\n')))
    expect(end.complete).toBe(true)
    expect(records.map(({ key, problem }) => [key, problem !== undefined])).toEqual([
      [null, true],
      ['2', false],
      ['3', true],
    ])
  })

  test('may be left in the middle, and its file is closed', async () => {
    const path = await feed('long.csv', `Id\n${'1\n'.repeat(200_000)}`)
    for await (const batch of openSource(settingsOf(path), Date.now).read(new AbortController().signal)) {
      expect(batch.length).toBeGreaterThan(0)
      break
    }
    await rm(path)
  })
})

describe('a feed that proves nothing', () => {
  test.for<[string, string, string, Partial<CsvSettings>]>([
    ['is empty', '', 'is empty', {}],
    ['has blank lines only', '\n \n', 'is empty', {}],
    ['has a header only', 'Id,Name\n', 'has a header and no rows', {}],
    ['has a header only, and spreadsheet leftovers', 'Id,Name\n,\n,\n', 'has a header and no rows', {}],
    ['lacks its last line ending', 'Id,Name\n1,A', 'ends in the middle of a line', {}],
    ['lacks the second half of its last line ending', 'Id,Name\r\n1,A\r', 'ends in the middle of a line', {}],
    ['lacks fields in its last row', 'Id,Name,Status\n1,A', 'its last row lacks fields', { finalNewline: 'optional' }],
    ['ends in a broken row', 'Id,Name\n1,A\n2,B"b', 'its last row lacks fields', { finalNewline: 'optional' }],
    ['ends inside quotes', 'Id,Name\n1,"A\n2,B\n', 'ends inside quotes', {}],
    ['has columns of one name', 'Id,Name,Name\n1,A,B\n', 'more than one column "Name"', {}],
    ['has no key column', 'EmpID,Name\n1,A\n', 'has no column "Id"', {}],
    ['has a header that does not end', `Id,"${'x'.repeat(1_200_000)}`, 'more than 1 MiB', {}],
    ['has a field that does not end', `Id,N\n1,"${'x\n'.repeat(700_000)}`, 'more than 1 MiB', {}],
    ['has another delimiter than stated', 'Id;Name\n1;A\n', 'has no column "Id"', { delimiter: ',' }],
  ])('because it %s', async ([name, content, what, csv]) => {
    const { end } = await readAll(settingsOf(await feed(`${name}.csv`, content), csv))
    expect(end).toMatchObject({
      complete: false,
      takenAt: 1_000,
      cause: {
        code: 'source-incomplete',
        message: expect.stringContaining(what) as string,
        hint: expect.any(String) as string,
      },
    })
  })

  test('because it is not there, is a folder, or a pipe', async () => {
    await mkdir(join(folder, 'sub'))
    const causes = await Promise.all(
      ['none.csv', 'sub', 'other.csv/none.csv', '/dev/null'].map(async (name) => {
        const { end } = await readAll(settingsOf(name.startsWith('/') ? name : join(folder, name)))
        return end.complete ? null : end.cause.message.slice(end.cause.message.indexOf(' ') + 1)
      }),
    )
    expect(causes).toEqual([
      'does not exist',
      'is a folder',
      'does not exist: a part of the path is no folder',
      'is not a regular file',
    ])
  })

  test('because it grows while it is read', async () => {
    const path = await feed('growing.csv', table)
    const { end } = await readAll(settingsOf(path), { between: () => appendFile(path, '3;Carl;Active\r\n') })
    expect(end).toMatchObject({
      complete: false,
      cause: { message: expect.stringContaining('changed while') as string },
    })
  })

  test('because it is still being written when it was read to its end', async () => {
    const path = join(folder, 'writing.csv')
    await writeFile(path, table)
    const writer = setTimeout(() => void appendFile(path, '3;Carl;Active\r\n'), 200)
    const { end } = await readAll(settingsOf(path))
    clearTimeout(writer)
    expect(end).toMatchObject({
      complete: false,
      cause: { message: expect.stringContaining('it grew from') as string },
    })
  })

  test('because another took its place, or it is gone, or was written over with as many bytes', async () => {
    const replace = async (path: string) => rename(await feed('new.csv', table), path)
    const overwrite = (path: string) => writeFile(path, table.replace('Gone', 'Here'))
    for (const [what, change] of [
      ['another file took its place', replace],
      ['ENOENT', (path: string) => rm(path, { force: true })],
      ['it was written to', overwrite],
    ] as const) {
      const path = await feed('changing.csv', table)
      const { end } = await readAll(settingsOf(path), { between: () => change(path) })
      expect(end).toMatchObject({ complete: false, cause: { message: expect.stringContaining(what) as string } })
    }
  })

  test('because Keyturn was asked to stop', async () => {
    const path = await feed('stopped.csv', `Id\n${'1\n'.repeat(200_000)}`)
    const before = AbortSignal.abort()
    expect((await readAll(settingsOf(path), { signal: before })).end).toMatchObject({ complete: false, count: 0 })
    const during = new AbortController()
    const { end } = await readAll(settingsOf(path), { signal: during.signal, between: async () => during.abort() })
    expect(end).toMatchObject({
      complete: false,
      cause: { message: expect.stringContaining('asked to stop') as string },
    })
    expect(end.count).toBeGreaterThan(0)
  })
})
