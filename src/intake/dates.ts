import { Temporal } from 'temporal-polyfill'
import { KeyturnError } from '../model/errors.ts'
import type { Instant } from '../model/instant.ts'
import { showPlace } from '../model/place.ts'
import type { DateMapping } from '../model/settings.ts'

/** A moment, no date at all, or one sentence about what is wrong with the text. */
export type DateReading = Instant | null | { readonly problem: string }

/** Letters of Unicode TR 35 that a format may use, as patterns. */
const letters: ReadonlyMap<string, string> = new Map([
  ['yyyy', String.raw`(?<year>\d{4})`],
  ['MM', String.raw`(?<month>\d{2})`],
  ['M', String.raw`(?<month>\d{1,2})`],
  ['dd', String.raw`(?<day>\d{2})`],
  ['d', String.raw`(?<day>\d{1,2})`],
  ['HH', String.raw`(?<hour>\d{2})`],
  ['mm', String.raw`(?<minute>\d{2})`],
  ['ss', String.raw`(?<second>\d{2})`],
  ['XXX', String.raw`(?<offset>Z|[+-]\d{2}:\d{2})`],
])

/** Dates repeat: a hundred thousand people start on a few thousand days. */
const mostRemembered = 50_000

/**
 * Makes a reader of one date column: from a cell's text and an IANA zone to a moment. Strict: 13/13/2020 and 29 February of
 * a common year are problems, never the next month. Throws KeyturnError `config-invalid` for a format it does not know.
 */
export function dateReader(mapping: DateMapping): (text: string, zone: string) => DateReading {
  const pattern = patternOf(mapping)
  const remembered = new Map<string, DateReading>()
  return (cell, zone) => {
    const text = cell.trim()
    if (text === '' || mapping.none.includes(text)) return null
    const id = `${zone}\n${text}`
    const before = remembered.get(id)
    if (before !== undefined) return before
    const reading = read(text, zone, pattern, mapping)
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(id, reading)
    return reading
  }
}

/** Is this the name of a zone of the IANA database (or an offset such as +02:00)? */
export function isZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone)
    return true
  } catch {
    return false
  }
}

/** `2026-11-30 00:00 America/New_York`, for people. */
export function showInstant(at: Instant, zone: string): string {
  return `${localOf(at, zone).toString({ smallestUnit: 'minute' }).replace('T', ' ')} ${zone}`
}

/** The same as the feed meant it: `end of 2026-11-30 America/New_York` for the first moment of 1 December. */
export function showDate(at: Instant, zone: string, how: DateMapping['at']): string {
  if (how === 'exact') return showInstant(at, zone)
  const isEnd = how === 'end-of-day'
  const day = localOf(isEnd ? at - 1 : at, zone)
    .toPlainDate()
    .toString()
  return `${isEnd ? 'end' : 'start'} of ${day} ${zone}`
}

function localOf(at: Instant, zone: string): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDateTime()
}

function patternOf({ format, place }: DateMapping): RegExp {
  const source = format.replaceAll(/'([^']*)'|yyyy|XXX|MM?|dd?|HH|mm|ss|[^]/g, (token: string, quoted?: string) => {
    const pattern = quoted === undefined ? letters.get(token) : escaped(quoted)
    if (pattern === undefined && /[a-z]/i.test(token)) throw unknownFormat(format, place, `"${token}" is not known`)
    return pattern ?? escaped(token)
  })
  if (['year', 'month', 'day'].some((part) => source.split(`(?<${part}>`).length !== 2)) {
    throw unknownFormat(format, place, 'it needs year, month and day, once each')
  }
  return new RegExp(`^${source}$`)
}

function escaped(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
}

function unknownFormat(format: string, place: DateMapping['place'], what: string): KeyturnError {
  return new KeyturnError(
    'config-invalid',
    `${showPlace(place)}: the date format "${format}" cannot be used: ${what}`,
    {
      hint: "Use yyyy, MM or M, dd or d, HH, mm, ss and XXX, and quote other letters: yyyy-MM-dd'T'HH:mm:ssXXX.",
    },
  )
}

function read(text: string, zone: string, pattern: RegExp, mapping: DateMapping): DateReading {
  const parts = pattern.exec(text)?.groups
  if (parts === undefined) return { problem: `"${text}" is no date of the form ${mapping.format}` }
  try {
    return momentOf(parts, zone, mapping.at)
  } catch {
    return { problem: `"${text}" is of the form ${mapping.format}, but there is no such day or time` }
  }
}

function momentOf(parts: Record<string, string | undefined>, zone: string, at: DateMapping['at']): Instant {
  const local = Temporal.PlainDateTime.from(
    {
      year: Number(parts['year']),
      month: Number(parts['month']),
      day: Number(parts['day']),
      hour: Number(parts['hour'] ?? 0),
      minute: Number(parts['minute'] ?? 0),
      second: Number(parts['second'] ?? 0),
    },
    { overflow: 'reject' },
  )
  // An hour that a change of clocks skips or doubles: `compatible`, as RFC 5545 reads it.
  const exact = local.toZonedDateTime(zoneOf(parts['offset']) ?? zone).withTimeZone(zone)
  if (at === 'exact' && parts['hour'] !== undefined) return exact.epochMilliseconds
  // The first moment of a day, which is not midnight everywhere. The end of a day is the first moment of the next.
  const day = at === 'end-of-day' ? exact.toPlainDate().add({ days: 1 }) : exact.toPlainDate()
  return day.toZonedDateTime(zone).epochMilliseconds
}

function zoneOf(offset: string | undefined): string | undefined {
  return offset === 'Z' ? 'UTC' : offset
}
