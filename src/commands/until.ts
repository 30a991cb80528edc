import { Temporal } from 'temporal-polyfill'
import { KeyturnError } from '../model/errors.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { quoted, showInstant } from '../report/text.ts'
import type { Keyturn } from '../server/context.ts'

/** A hundred years: nobody means more, and a calendar ends somewhere. */
const longest = 36_500 * DAY
const units: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY }

/**
 * When an operator's word ends: a date (the end of that day), a date and time, both in the organisation's zone, an instant
 * with an offset, or a time from now such as 7d. Null where nothing is given. Throws KeyturnError `usage`.
 */
export function untilOf(text: string | undefined, { clock, settings }: Keyturn): Instant | null {
  if (text === undefined) return null
  const { timezone } = settings.organisation
  const at = fromNow('--until', text, clock()) ?? parsed(text, timezone)
  if (at === null) {
    throw new KeyturnError('usage', `--until ${quoted(text)} is no time`, {
      hint: `Allowed are 2026-12-31 (the end of that day in ${timezone}), 2026-12-31T18:00, 2026-12-31T18:00Z, or a time from now: 90m, 12h, 7d.`,
    })
  }
  if (at > clock()) return at
  throw new KeyturnError('usage', `--until ${quoted(text)} is ${showInstant(at, timezone)}, which has passed`)
}

function fromNow(option: string, text: string, now: Instant): Instant | null {
  const span = spanOf(option, text)
  return span === null ? null : now + span
}

/** A length of time such as 90s or 5m, ms. Throws KeyturnError `usage`, which names the option. */
export function durationOf(option: string, text: string): number {
  const span = spanOf(option, text)
  if (span !== null && span > 0) return span
  const what = span === 0 ? 'is too short: at least 1s is needed' : 'is no length of time'
  throw new KeyturnError('usage', `${option} ${quoted(text)} ${what}`, { hint: 'Allowed are 10s, 5m, 12h, 7d.' })
}

/** Null where it is none. Throws KeyturnError `usage` for one that is too long. */
function spanOf(option: string, text: string): number | null {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text.trim()) ?? []
  if (count === undefined) return null
  const span = Number(count) * (units[unit] ?? 0)
  if (span <= longest) return span
  throw new KeyturnError('usage', `${option} ${quoted(text)} is too long: at most ${longest / DAY}d are allowed`)
}

function parsed(text: string, zone: string): Instant | null {
  try {
    if (/(?:Z|[+-]\d\d:\d\d)$/.test(text)) return Temporal.Instant.from(text).epochMilliseconds
    if (!text.includes('T')) {
      return Temporal.PlainDate.from(text).add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds
    }
    return Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
