import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { secrets } from '../../../src/config/secrets.ts'
import { KeyturnError } from '../../../src/model/errors.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-secrets-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function fileWith(content: string): Promise<`file:${string}`> {
  const path = join(folder, 'secret')
  await writeFile(path, content)
  return `file:${path}`
}

describe('a secret is read', () => {
  test('from a variable, as it is', async () => {
    expect(await secrets({ LDAP: ' pass word\n' }).resolve('env:LDAP')).toBe(' pass word\n')
  })

  test.each([
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    ['s3cret\n\n', 's3cret\n'],
    [' s3cret ', ' s3cret '],
    ['pässwörd', 'pässwörd'],
    ['x'.repeat(65_536), 'x'.repeat(65_536)],
  ])('from a file, without its last line end', async (content, expected) => {
    expect(await secrets().resolve(await fileWith(content))).toBe(expected)
  })

  test('anew each time, so that a changed secret needs no restart', async () => {
    const store = secrets()
    expect(await store.resolve(await fileWith('old'))).toBe('old')
    expect(await store.resolve(await fileWith('new'))).toBe('new')
  })
})

describe('a secret that cannot be read is named by its reference, with what to do', () => {
  async function failure(reference: `env:${string}` | `file:${string}`): Promise<KeyturnError> {
    const error: unknown = await secrets({ EMPTY: '' })
      .resolve(reference)
      .catch((reason: unknown) => reason)
    if (!(error instanceof KeyturnError)) throw new Error('it was read')
    expect(error.code).toBe('secret-unavailable')
    expect(error.hint).toBeTruthy()
    return error
  }

  test.each([
    ['env:NOWHERE', 'env:NOWHERE: the variable is not set'],
    ['env:EMPTY', 'env:EMPTY: the variable is empty'],
    ['file:/nowhere/secret', 'file:/nowhere/secret: there is no such file'],
    ['file:/', 'file:/: this is a folder, not a file'],
  ] as const)('%s', async (reference, message) => {
    expect((await failure(reference)).message).toBe(message)
  })

  test('an empty file', async () => {
    expect((await failure(await fileWith('\n'))).message).toContain('the file is empty')
  })

  test('a file that is too large, without a word of it', async () => {
    const { message } = await failure(await fileWith('hunter2 '.repeat(10_000)))
    expect(message).toContain('the file is larger than 65536 bytes')
    expect(message).not.toContain('hunter2')
  })
})
