import { chmod, copyFile, mkdir, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import * as s from './samples.ts'

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

/** A closed ledger with some people. */
async function finishedLedger() {
  const place = await s.temporaryLedger()
  await using ledger = await openLedger(place.url)
  await ledger.saveIntake(s.intake(s.people(50)), 'c')
  return place
}

async function failureOf(work: Promise<unknown>): Promise<KeyturnError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(KeyturnError)
  return error as KeyturnError
}

/** Opens and reads all of it: damage in the middle shows itself only where it is read. */
async function useAll(url: string): Promise<void> {
  await using ledger = await openLedger(url)
  await ledger.identities()
}

describe('a new ledger', () => {
  test('is its owner’s alone: folder 0700, every file 0600', async () => {
    const { url, path } = await s.temporaryLedger()
    await using ledger = await openLedger(url)
    await ledger.audit([s.record('p1')])
    expect(await modeOf(dirname(path))).toBe(0o700)
    const files = await readdir(dirname(path))
    expect(files.toSorted()).toEqual(['keyturn.db', 'keyturn.db-shm', 'keyturn.db-wal', 'keyturn.db.witness'])
    for (const file of files) expect(await modeOf(`${dirname(path)}/${file}`)).toBe(0o600)
  })

  test('one that others could read is closed to them', async () => {
    const { url, path } = await finishedLedger()
    await chmod(path, 0o644)
    await using ledger = await openLedger(url)
    await ledger.audit([s.record('p1')])
    expect(await Promise.all([path, `${path}-wal`].map(modeOf))).toEqual([0o600, 0o600])
  })

  test('keeps what it was told when it is opened again', async () => {
    const { url } = await finishedLedger()
    await using ledger = await openLedger(url)
    expect(await ledger.identities()).toHaveLength(50)
  })

  test('may be made by several at once', async () => {
    const { url, path } = await s.temporaryLedger()
    const ledgers = await Promise.all(Array.from({ length: 5 }, () => openLedger(url)))
    await Promise.all(ledgers.map((ledger, index) => ledger.audit([s.record(`p${index}`)])))
    expect(await Promise.all(ledgers.map((ledger) => ledger.allocate('n', 1, 1)))).toHaveLength(5)
    for (const ledger of ledgers) await ledger[Symbol.asyncDispose]()
    expect(await readdir(dirname(path))).toEqual(['keyturn.db', 'keyturn.db.witness'])
  })

  test('in memory lives as long as it is open', async () => {
    await using ledger = await openLedger('sqlite::memory:')
    await ledger.saveIntake(s.intake(s.people(1)), 'c')
    expect(await ledger.identities()).toHaveLength(1)
  })

  test('in a place where nothing can be made is refused in words', async () => {
    const { folder } = await s.temporaryLedger()
    await writeFile(`${folder}/file`, '')
    const error = await failureOf(openLedger(`sqlite:${folder}/file/keyturn.db`))
    expect(error.code).toBe('ledger-unavailable')
  })
})

describe('opened for reading only', () => {
  test('a ledger that is not there looks empty, and is not made', async () => {
    const { url, folder } = await s.temporaryLedger()
    await using ledger = await openLedger(url, { readOnly: true })
    expect(await ledger.identities()).toEqual([])
    expect(await ledger.openCounts()).toEqual([])
    expect((await failureOf(ledger.audit([s.record('p1')]))).code).toBe('ledger-unavailable')
    expect(await readdir(folder)).toEqual([])
  })

  test('one that is there is read, and left as it was', async () => {
    const { url, path } = await finishedLedger()
    const before = await readFile(path)
    {
      await using ledger = await openLedger(url, { readOnly: true })
      expect(await ledger.identities()).toHaveLength(50)
      expect((await failureOf(ledger.allocate('n', 1, 1))).code).toBe('ledger-unavailable')
    }
    expect(await readdir(dirname(path))).toEqual(['keyturn.db', 'keyturn.db.witness'])
    expect(await readFile(path)).toEqual(before)
  })

  test('one that is being written is read as it was last committed', async () => {
    const { url } = await finishedLedger()
    await using writer = await openLedger(url)
    await using reader = await openLedger(url, { readOnly: true })
    await writer.saveIntake(s.intake([s.person('new')]), 'c')
    expect(await reader.identitiesById(['hr:new'])).toHaveLength(1)
  })
})

describe('a damaged ledger', () => {
  const damages: readonly [string, (path: string) => Promise<void>][] = [
    ['is empty', (path) => truncate(path, 0)],
    ['has only 1 bytes', (path) => truncate(path, 1)],
    ['was cut', (path) => truncate(path, 8_192)],
    ['is not an SQLite database', (path) => writeFile(path, 'garbage '.repeat(1_000))],
    [
      'is not a file',
      (path) =>
        rm(path)
          .then(() => mkdir(path))
          .then(() => undefined),
    ],
    ['is missing, but', (path) => writeFile(`${path}-wal`, 'something').then(() => rm(path))],
  ]
  test.each(damages)('that %s is refused with what to do, and is not touched', async (words, damage) => {
    const { url, path } = await finishedLedger()
    await damage(path)
    for (const readOnly of [false, true]) {
      const error = await failureOf(openLedger(url, { readOnly }))
      expect(error).toMatchObject({ code: 'ledger-unavailable', message: expect.stringContaining(words) })
      expect(error.message).toContain(path)
      expect(error.hint).toContain('backup')
      expect(error.message).not.toMatch(/\n|\bat /)
    }
  })

  test('in the middle is told of when it is met', async () => {
    const { url, path } = await finishedLedger()
    const bytes = await readFile(path)
    await writeFile(path, bytes.fill(0x5a, 4_096))
    const error = await failureOf(useAll(url))
    expect(error.code).toBe('ledger-unavailable')
  })

  test('by a newer program is refused with what to do', async () => {
    const { url, path } = await finishedLedger()
    const raw = new DatabaseSync(path)
    raw.exec(`insert into migration values (99, 'future', 0)`)
    raw.close()
    for (const readOnly of [false, true]) {
      const error = await failureOf(openLedger(url, { readOnly }))
      expect(error).toMatchObject({ code: 'ledger-unavailable', message: expect.stringContaining('version 99') })
    }
  })

  test('a copy of a ledger is as good', async () => {
    const { path } = await finishedLedger()
    await copyFile(path, `${path}.copy`)
    await using ledger = await openLedger(`sqlite:${path}.copy`)
    expect(await ledger.identities()).toHaveLength(50)
  })
})

test('a ledger that another program keeps locked for a moment is waited for, without blocking', async () => {
  const { url, path } = await finishedLedger()
  await using ledger = await openLedger(url)
  const other = new DatabaseSync(path)
  onTestFinished(() => other.close())
  other.exec('begin immediate')
  let turns = 0
  const counting = setInterval(() => turns++, 5)
  setTimeout(() => other.exec('commit'), 400)
  expect(await ledger.allocate('n', 1, 1)).toBe(1)
  clearInterval(counting)
  expect(turns).toBeGreaterThan(5)
})
