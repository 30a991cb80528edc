import { describe, expect, test } from 'vitest'
import { parseUrl } from '../../../src/ledger/open.ts'

describe('the URL of a ledger', () => {
  test('names an absolute path, or memory', () => {
    expect(parseUrl('sqlite:/var/lib/keyturn/keyturn.db')).toEqual({ path: '/var/lib/keyturn/keyturn.db' })
    expect(parseUrl('sqlite::memory:')).toEqual({ path: ':memory:' })
  })

  test.each([
    'sqlite:keyturn.db',
    'sqlite:',
    'keyturn.db',
    'postgres://keyturn:secret@db',
    'mysql://keyturn:secret@db/keyturn',
  ])('%s is refused', (url) => {
    expect(() => parseUrl(url)).toThrowError(expect.objectContaining({ code: 'config-invalid' }))
  })

  test('is never repeated with its password', () => {
    for (const url of [
      'mysql://keyturn:secret@db/keyturn',
      'postgres://keyturn:secret@db',
      'postgres://:secret@db/keyturn',
    ])
      expect(() => parseUrl(url)).toThrow(expect.not.stringContaining('secret'))
  })
})
