import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkAccountName,
  commonName,
  commonNameWith,
  dnsDomain,
} from '../../../../src/connectors/active-directory/names.ts'

describe('sAMAccountName', () => {
  test.each(['a', 'ann.lee', 'o-brien_2', 'x'.repeat(20), 'j.müller'])('"%s" is allowed', (name) => {
    expect(() => checkAccountName(name)).not.toThrow()
  })

  test.each([
    ['', 'empty'],
    ['x'.repeat(21), '21 characters'],
    ['a/b', '"/"'],
    ['a@b', '"@"'],
    ['a"b', String.raw`"\""`],
    ['a\u0000b', String.raw`"\u0000"`],
    ['ann.', 'full stop'],
    [' ann', 'blank'],
    ['ann ', 'blank'],
    ['. .', 'full stop'],
  ])('"%s" is refused, and the sentence says why', (name, why) => {
    expect(() => checkAccountName(name)).toThrow(expect.objectContaining({ code: 'value-refused' }))
    expect(() => checkAccountName(name)).toThrow(why)
  })
})

describe('the common name', () => {
  test('is the display name, or the account name where there is none', () => {
    expect(commonName('Ann Lee', 'ann')).toBe('Ann Lee')
    expect(commonName(undefined, 'ann')).toBe('ann')
    expect(commonName('  ', 'ann')).toBe('ann')
  })

  test('has no control characters and no double blanks', () => {
    expect(commonName(' Ann\n\u0000 Lee ', 'ann')).toBe('Ann Lee')
  })

  test('never has more than 64 characters, is never empty, and never breaks a character in two', () => {
    const names = fc.string({ unit: 'grapheme', minLength: 0, maxLength: 90 })
    const account = fc.stringMatching(/^[a-z]{1,20}$/)
    fc.assert(
      fc.property(names, account, (display, name) => {
        for (const common of [commonName(display, name), commonNameWith(commonName(display, name), name)]) {
          expect(common.length).toBeGreaterThan(0)
          expect(common.length).toBeLessThanOrEqual(64)
          expect(common.isWellFormed()).toBe(true)
        }
        expect(commonNameWith(commonName(display, name), name).endsWith(` (${name})`)).toBe(true)
      }),
    )
  })
})

test('the DNS name of a domain is made of the DC parts of its DN', () => {
  expect(dnsDomain('OU=Staff, dc=corp ,DC=example')).toBe('corp.example')
  expect(dnsDomain('OU=DCs,O=example')).toBe('')
})
