import { describe, expect, test } from 'vitest'
import { dateFormatMistake } from '../../../src/config/dates.ts'
import { isWithin, looksLikeDn } from '../../../src/config/dn.ts'
import { parseListen } from '../../../src/config/listen.ts'
import { isMailbox } from '../../../src/config/mailbox.ts'
import {
  durationPattern,
  growthPattern,
  milliseconds,
  percentagePattern,
  rate,
  share,
} from '../../../src/config/units.ts'
import { isZone } from '../../../src/config/zones.ts'
import { DAY, HOUR } from '../../../src/model/instant.ts'

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['26h', 26 * HOUR],
  ['3d', 3 * DAY],
  ['2w', 14 * DAY],
  ['0d', 0],
])('%s are %i milliseconds', (text, expected) => {
  expect(durationPattern.test(text)).toBe(true)
  expect(milliseconds(text)).toBe(expected)
})

test.each(['1', '1 h', '-1h', '1.5h', 'h', '1y'])('%j is no duration', (text) => {
  expect(durationPattern.test(text)).toBe(false)
})

test('shares and rates', () => {
  expect([share('2.5%'), share('400%')]).toEqual([0.025, 4])
  expect(['100%', '324.3%'].map((text) => [percentagePattern.test(text), growthPattern.test(text)])).toEqual([
    [true, true],
    [false, true],
  ])
  expect([rate('50/s'), rate('600/m'), rate('7200/h')]).toEqual([50, 10, 2])
})

test.each(['yyyy-MM-dd', 'M-d-yyyy', 'dd.MM.yyyy', 'yyyyMMdd', "yyyy-MM-dd'T'HH:mm:ssXXX", 'd/M/yyyy HH:mm'])(
  'the date format %s can be used',
  (format) => {
    expect(dateFormatMistake(format)).toBeNull()
  },
)

test.each([
  '',
  'yyyy',
  'MM-dd',
  'yyyy-MM-dd MM',
  'yyyy-MM-M-dd',
  'yyyyMd',
  'dMMyyyy',
  'yyyy-MM-ddXXX',
  'yy-MM-dd',
  'yyyy-MM-ddTHH',
])('the date format %j cannot be used', (format) => {
  expect(dateFormatMistake(format)).not.toBeNull()
})

describe('distinguished names', () => {
  test.each(['OU=Staff,DC=corp', 'cn=Smith\\, Ann , ou = people', '2.5.4.3=x', 'cn=a+uid=b,dc=x'])(
    '%s is one',
    (text) => {
      expect(looksLikeDn(text)).toBe(true)
    },
  )

  test.each(['', 'corp.example', 'OU=,DC=x', 'OU=Staff,', '=x'])('%j is none', (text) => {
    expect(looksLikeDn(text)).toBe(false)
  })

  test.each([
    ['OU=Staff,DC=corp', 'dc=CORP', true],
    ['OU=Staff , DC = corp', 'ou=staff,dc=corp', true],
    ['OU=Staff,DC=mycorp', 'DC=corp', false],
    ['DC=corp', 'OU=Staff,DC=corp', false],
    ['cn=a\\,dc=corp', 'dc=corp', false],
  ])('%s within %s: %s', (dn, base, expected) => {
    expect(isWithin(dn, base)).toBe(expected)
  })
})

test.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['US/Eastern', true],
  ['Europe/Berln', false],
  ['+01:00', false],
  ['', false],
])('the zone %j exists: %s', (name, expected) => {
  expect(isZone(name)).toBe(expected)
})

test.each([
  ['127.0.0.1:9464', '127.0.0.1', 9464],
  ['0.0.0.0:80', '0.0.0.0', 80],
  ['[::1]:9464', '::1', 9464],
  ['localhost:0', 'localhost', 0],
  ['keyturn.corp.example:65535', 'keyturn.corp.example', 65_535],
])('%s is a place to listen', (text, host, port) => {
  expect(parseListen(text)).toEqual({ host, port })
})

test.each([
  '',
  '9464',
  ':9464',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '300.0.0.1:1',
  '::1:9464',
  '[::1:1',
  '[x]:1',
  'a b:1',
])('%j is no place to listen', (text) => {
  expect(parseListen(text)).toBeNull()
})

test.each([
  'a@b.example',
  'root@localhost',
  "o'brien+it@mail.corp.example",
  'Keyturn <k@b.example>',
  'Köln IT <k@b.example>',
])('%j is plausibly a mail address', (text) => {
  expect(isMailbox(text)).toBe(true)
})

test.each([
  '',
  'oncall',
  '@b.example',
  'a@',
  'a@b@c.example',
  'a b@c.example',
  'a@b..example',
  'a@b.example, c@d.example',
  'X, Y <a@b.example>',
  'Keyturn <a@b.example',
  'a@b.example\r\nBcc: x@y.example',
  'Keyturn\r\nBcc: x <a@b.example>',
])('%j is no mail address', (text) => {
  expect(isMailbox(text)).toBe(false)
})
