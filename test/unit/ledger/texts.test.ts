import { describe, expect, test } from 'vitest'
import { pathOf } from '../../../src/ledger/open.ts'

describe('the URL of a ledger', () => {
  test('names an absolute path, or memory', () => {
    expect(pathOf('sqlite:/var/lib/keyturn/keyturn.db')).toBe('/var/lib/keyturn/keyturn.db')
    expect(pathOf('sqlite::memory:')).toBe(':memory:')
  })

  test.each(['sqlite:keyturn.db', 'sqlite:', 'keyturn.db', 'postgres://keyturn:secret@db/keyturn'])(
    '%s is refused',
    (url) => {
      expect(() => pathOf(url)).toThrowError(expect.objectContaining({ code: 'config-invalid' }))
    },
  )

  test('is never repeated with its password', () => {
    expect(() => pathOf('postgres://keyturn:secret@db/keyturn')).not.toThrow(/secret/)
  })
})
