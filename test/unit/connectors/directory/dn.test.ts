import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  canonicalDn,
  childDn,
  escapeRdnValue,
  firstRdn,
  isWithin,
  nameInDn,
  parentDn,
  parseDn,
  sameDn,
} from '../../../../src/connectors/directory/dn.ts'

describe('a DN', () => {
  test.each([
    ['Before After', 'Before After'],
    ['Smith, Ann', String.raw`Smith\, Ann`],
    ['#1', String.raw`\#1`],
    [' both ', String.raw`\ both\ `],
    [' ', String.raw`\ `],
    ['a+b="c";<d>\\', String.raw`a\+b\=\"c\"\;\<d\>` + '\\\\'],
    ["O'Neill", "O'Neill"],
    ['Łukasz 李', 'Łukasz 李'],
    ['nul\0', String.raw`nul\00`],
  ])('escapes %j as RFC 4514 wants it', (value, escaped) => {
    expect(escapeRdnValue(value)).toBe(escaped)
  })

  test('gives back whatever value was put in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ minLength: 1 }), (value, container) => {
        const dn = childDn('cn', value, childDn('ou', container, 'dc=example'))
        expect(parseDn(dn)).toEqual([
          [{ type: 'cn', value }],
          [{ type: 'ou', value: container }],
          [{ type: 'dc', value: 'example' }],
        ])
        expect(nameInDn(dn)).toBe(value)
        expect(parentDn(dn)).toBe(childDn('ou', container, 'dc=example'))
        expect(isWithin(dn, parentDn(dn))).toBe(true)
      }),
    )
  })

  test.each([
    ['UID=Ann,OU=People,DC=Example', 'uid=ann,ou=people,dc=example'],
    ['uid=ann , ou=people, dc=example', 'uid=ann,ou=people,dc=example'],
    [String.raw`cn=Smith\2C Ann,dc=x`, String.raw`cn=smith\, ann,dc=x`],
    ['cn="Smith, Ann",dc=x', String.raw`cn=Smith\, Ann,dc=x`],
    [String.raw`cn=M\C3\BCller,dc=x`, 'cn=müller,dc=x'],
    ['cn=a+uid=b,dc=x', 'uid=B+cn=A,dc=x'],
    [String.raw`cn=a\=b,dc=x`, 'cn=a=b,dc=x'],
    ['cn=two  spaces,dc=x', 'cn=two spaces,dc=x'],
  ])('%s is the same entry as %s', (one, other) => {
    expect(sameDn(one, other)).toBe(true)
    expect(canonicalDn(one)).toBe(canonicalDn(other))
  })

  test.each([
    [String.raw`cn=a\,dc=x`, 'cn=a,dc=x'],
    ['cn=a，dc=x', 'cn=a,dc=x'],
    ['cn=ann,dc=x', 'cn=anna,dc=x'],
  ])('%s is another entry than %s', (one, other) => {
    expect(sameDn(one, other)).toBe(false)
  })

  test('is not inside a container whose name only ends alike', () => {
    expect(isWithin('uid=ann,ou=my-people,dc=x', 'ou=people,dc=x')).toBe(false)
    expect(isWithin('uid=ann,ou=deep,OU=People, dc=x', 'ou=people,dc=x')).toBe(true)
    expect(isWithin('ou=people,dc=x', 'ou=people,dc=x')).toBe(true)
    expect(isWithin('uid=ann,dc=x', '')).toBe(true)
  })

  test('is split at the first separator that is not escaped', () => {
    expect(firstRdn(String.raw`cn=Smith\, Ann,ou=a\+b,dc=x`)).toBe(String.raw`cn=Smith\, Ann`)
    expect(parentDn(String.raw`cn=Smith\, Ann,ou=a\+b,dc=x`)).toBe(String.raw`ou=a\+b,dc=x`)
  })

  test.each(['ann', 'uid=ann,people', 'cn="open', 'cn=a\\', '=x'])('%j is refused', (text) => {
    expect(() => parseDn(text)).toThrow(SyntaxError)
  })
})
