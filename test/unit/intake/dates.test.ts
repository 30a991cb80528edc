import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dateReader, isZone, showDate, showInstant } from '../../../src/intake/dates.ts'
import { HOUR } from '../../../src/model/instant.ts'
import type { DateMapping } from '../../../src/model/settings.ts'

const mapping: DateMapping = {
  column: 'Start',
  format: 'M/d/yyyy',
  at: 'start-of-day',
  none: ['-', 'open'],
  place: { file: 'keyturn.yaml', line: 7, column: 3 },
}

const iso = (reading: unknown) => (typeof reading === 'number' ? new Date(reading).toISOString() : reading)
const readIn = (some: Partial<DateMapping>, text: string, zone = 'UTC') =>
  iso(dateReader({ ...mapping, ...some })(text, zone))

describe('a date of the feed', () => {
  test.for([
    ['7/4/2026', '2026-07-04T00:00:00.000Z'],
    ['07/04/2026', '2026-07-04T00:00:00.000Z'],
    [' 12/31/2026 ', '2026-12-31T00:00:00.000Z'],
    ['2/29/2028', '2028-02-29T00:00:00.000Z'],
    ['12/31/9999', '9999-12-31T00:00:00.000Z'],
    ['', null],
    ['-', null],
    [' open', null],
  ])('reads %j', ([text, expected]) => {
    expect(readIn({}, text ?? '')).toBe(expected)
  })

  test.for([
    ['13/13/2020', 'no such day'],
    ['2/29/2026', 'no such day'],
    ['0/0/0000', 'no such day'],
    ['4/31/2026', 'no such day'],
    ['2026-07-04', 'no date of the form M/d/yyyy'],
    ['7/4/26', 'no date of the form'],
    ['7/4/2026 10:00', 'no date of the form'],
    ['soon', 'no date of the form'],
  ] as const)('refuses %j and never takes the next best day', ([text, what]) => {
    expect(dateReader(mapping)(text, 'UTC')).toEqual({ problem: expect.stringContaining(what) as string })
    expect(dateReader(mapping)(text, 'UTC')).toEqual({ problem: expect.stringContaining(`"${text}"`) as string })
  })

  test('MM and dd want two digits', () => {
    expect(readIn({ format: 'yyyy-MM-dd' }, '2026-07-04')).toBe('2026-07-04T00:00:00.000Z')
    expect(readIn({ format: 'yyyy-MM-dd' }, '2026-7-4')).toEqual({ problem: expect.any(String) as string })
  })

  test('times, offsets and quoted letters are understood', () => {
    const format = "yyyy-MM-dd'T'HH:mm:ssXXX"
    expect(readIn({ format, at: 'exact' }, '2026-07-04T17:30:00+02:00', 'Asia/Tokyo')).toBe('2026-07-04T15:30:00.000Z')
    expect(readIn({ format, at: 'exact' }, '2026-07-04T17:30:00Z', 'Asia/Tokyo')).toBe('2026-07-04T17:30:00.000Z')
    expect(readIn({ format: 'yyyyMMdd HHmm', at: 'exact' }, '20260704 1730', 'Europe/Zurich')).toBe(
      '2026-07-04T15:30:00.000Z',
    )
    expect(readIn({ format: 'yyyyMMdd HHmm', at: 'exact' }, '20260704 2530')).toEqual({
      problem: expect.any(String) as string,
    })
  })

  test('an instant with an offset belongs to the day that it is in the zone', () => {
    const format = 'yyyy-MM-dd HH:mmXXX'
    expect(readIn({ format }, '2026-07-04 23:00Z', 'Asia/Tokyo')).toBe('2026-07-04T15:00:00.000Z')
  })

  test('exact without a time of day is the start of the day', () => {
    expect(readIn({ at: 'exact' }, '7/4/2026', 'America/New_York')).toBe('2026-07-04T04:00:00.000Z')
  })
})

describe('a day in a zone', () => {
  test('begins and ends when it does there: a leaver in Auckland goes 19 hours before one in Los Angeles', () => {
    const at = 'end-of-day'
    expect(readIn({ at }, '6/30/2026', 'Pacific/Auckland')).toBe('2026-06-30T12:00:00.000Z')
    expect(readIn({ at }, '6/30/2026', 'America/Los_Angeles')).toBe('2026-07-01T07:00:00.000Z')
  })

  test('has 23 or 25 hours when the clocks change', () => {
    const length = (text: string) => {
      const start = dateReader(mapping)(text, 'Europe/Zurich')
      const end = dateReader({ ...mapping, at: 'end-of-day' })(text, 'Europe/Zurich')
      return (Number(end) - Number(start)) / HOUR
    }
    expect([length('3/29/2026'), length('10/25/2026'), length('6/1/2026')]).toEqual([23, 25, 24])
  })

  test('begins at one in the morning where midnight is skipped', () => {
    // Chile moves its clocks at midnight: 6 September 2026 begins at 01:00.
    expect(readIn({}, '9/6/2026', 'America/Santiago')).toBe('2026-09-06T04:00:00.000Z')
    expect(readIn({ at: 'end-of-day' }, '9/5/2026', 'America/Santiago')).toBe('2026-09-06T04:00:00.000Z')
  })

  test('never ends before it begins, and the next begins as it ends', () => {
    const zones = ['America/Santiago', 'Asia/Kathmandu', 'Europe/Lisbon', 'Pacific/Apia', 'Africa/Cairo', 'UTC']
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1990-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        fc.constantFrom(...zones),
        (date, zone) => {
          const day = (offset: number) => new Date(date.getTime() + offset * 24 * HOUR).toISOString().slice(0, 10)
          const format = 'yyyy-MM-dd'
          const start = dateReader({ ...mapping, format })(day(0), zone)
          const end = dateReader({ ...mapping, format, at: 'end-of-day' })(day(0), zone)
          expect(dateReader({ ...mapping, format })(day(1), zone)).toBe(end)
          expect(Number(end)).toBeGreaterThanOrEqual(Number(start))
        },
      ),
    )
  })
})

describe('a format', () => {
  test.for(['yyyy-MM', 'dd.MM.yy', 'yyyy-MM-dd EEE', 'yyyy-MM-dd-dd', ''])('%j is refused with its place', (format) => {
    expect(() => dateReader({ ...mapping, format })).toThrow('keyturn.yaml:7:3: the date format')
  })
})

test('what was read is remembered, but not without end', () => {
  const read = dateReader({ ...mapping, format: "yyyy-MM-dd'T'HH:mm:ss", at: 'exact' })
  const text = (second: number) => new Date(second * 1_000).toISOString().slice(0, 19)
  for (let second = 0; second <= 50_000; second++) expect(read(text(second), 'UTC')).toBe(second * 1_000)
  expect(read(text(1), 'UTC')).toBe(1_000)
})

test('zones are known by their names', () => {
  expect([isZone('Europe/Zurich'), isZone('Zurich'), isZone('')]).toEqual([true, false, false])
})

test('moments are shown as the feed meant them', () => {
  const midnight = Date.UTC(2026, 6, 1, 4)
  expect(showInstant(midnight, 'America/New_York')).toBe('2026-07-01 00:00 America/New_York')
  expect(showDate(midnight, 'America/New_York', 'exact')).toBe('2026-07-01 00:00 America/New_York')
  expect(showDate(midnight, 'America/New_York', 'start-of-day')).toBe('start of 2026-07-01 America/New_York')
  expect(showDate(midnight, 'America/New_York', 'end-of-day')).toBe('end of 2026-06-30 America/New_York')
})
