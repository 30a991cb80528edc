import { describe, expect, test } from 'vitest'
import { canonicalValue, checkAttribute, tidyValues } from '../../../../src/connectors/active-directory/attributes.ts'

describe('values that the domain would refuse', () => {
  test('are refused with both lengths in the sentence', () => {
    expect(() => checkAttribute('title', ['x'.repeat(128)])).not.toThrow()
    expect(() => checkAttribute('Title', ['x'.repeat(129)])).toThrow(/129 characters.*allows 128/)
  })

  test.each(['sAMAccountName', 'userAccountControl', 'unicodePwd', 'memberOf', 'cn', 'objectGUID'])(
    '%s is not for accounts.attributes, and the sentence says what decides it',
    (attribute) => {
      expect(() => checkAttribute(attribute, ['x'])).toThrow(expect.objectContaining({ code: 'value-refused' }))
    },
  )

  test('attributes that nothing is known of are left to the domain', () => {
    expect(() => checkAttribute('extensionAttribute1', ['x'.repeat(5_000)])).not.toThrow()
  })
})

describe('values that mean the same', () => {
  test('names of other objects are compared as DNs', () => {
    const spellings = ['CN=Ann Lee,OU=Staff,DC=corp,DC=example', 'cn=ann lee, ou=staff,dc=CORP,dc=example']
    expect(new Set(spellings.map((one) => canonicalValue('manager', one))).size).toBe(1)
  })

  test('mail addresses are the same in capitals; titles are not, so that a correction is written', () => {
    expect(canonicalValue('mail', 'Ann@Corp.Example')).toBe(canonicalValue('mail', 'ann@corp.example'))
    expect(canonicalValue('title', 'it engineer')).not.toBe(canonicalValue('title', 'IT Engineer'))
  })

  test('an accent written as one character or as two is the same', () => {
    expect(canonicalValue('displayName', 'Rene\u0301')).toBe(canonicalValue('displayName', 'Ren\u00e9'))
    expect(tidyValues(['Rene\u0301', 'Ren\u00e9', ''])).toEqual(['Ren\u00e9'])
  })
})
