import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fromFiletime,
  fromInterval,
  guidBytes,
  guidText,
  memberSid,
  passwordBytes,
  relativeId,
  toFiletime,
} from '../../../../src/connectors/active-directory/values.ts'

describe('FILETIME', () => {
  test('a known instant has the number that Windows gives it', () => {
    // 1,735,689,600 s since 1970 and 11,644,473,600 s before it, in units of 100 ns
    expect(toFiletime(Date.UTC(2025, 0, 1))).toBe('133801632000000000')
  })

  test('every instant survives there and back, to the millisecond', () => {
    const instants = fc.integer({ min: Date.UTC(1601, 0, 2), max: Date.UTC(9999, 11, 31) })
    fc.assert(fc.property(instants, (at) => fromFiletime(toFiletime(at)) === at))
  })

  test.each(['0', '9223372036854775807', undefined, '', 'soon', '00'])('%s means never', (text) => {
    expect(fromFiletime(text)).toBeNull()
  })

  test('never is the number that means never', () => {
    expect(fromFiletime(toFiletime(null))).toBeNull()
  })
})

describe('durations', () => {
  test('are negative numbers of 100 ns', () => {
    expect(fromInterval('-36288000000000')).toBe(42 * 24 * 3_600_000)
  })

  test.each(['0', '-9223372036854775808', undefined, 'x'])('%s is none', (text) => {
    expect(fromInterval(text)).toBeNull()
  })
})

describe('GUIDs', () => {
  test('the first three groups are little-endian', () => {
    const bytes = Buffer.from('c6f1008c82550c4dac3286f6c772d533', 'hex')
    expect(guidText(bytes)).toBe('8c00f1c6-5582-4d0c-ac32-86f6c772d533')
  })

  test('every GUID survives there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) =>
        guidBytes(guidText(Buffer.from(bytes)))?.equals(Buffer.from(bytes)),
      ),
    )
  })

  test.each(['', 'CN=x', '8c00f1c6-5582-4d0c-ac32-86f6c772d53', '8c00f1c655824d0cac3286f6c772d533'])(
    '"%s" is none',
    (text) => {
      expect(guidBytes(text)).toBeUndefined()
    },
  )

  test('other lengths than 16 bytes are refused', () => {
    expect(() => guidText(Buffer.alloc(15))).toThrow(RangeError)
  })
})

test('the relative id of a member of a domain is the last number of its SID', () => {
  // S-1-5-21-1-2-3
  const domain = Buffer.from('010400000000000515000000010000000200000003000000', 'hex')
  const sid = memberSid(domain, 513)
  expect(sid.readUInt8(1)).toBe(5)
  expect(relativeId(sid)).toBe(513)
  expect(() => relativeId(Buffer.alloc(0))).toThrow(RangeError)
})

test('a password goes in quotation marks, in UTF-16', () => {
  expect(passwordBytes('aé').toString('hex')).toBe('22006100e9002200')
})
