import { Temporal } from 'temporal-polyfill'
import { KeyturnError } from '../model/errors.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Keyturn } from '../server/context.ts'

const units: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY }

/**
 * When an operator's word ends: a date (the end of that day), a date and time, both in the organisation's zone, an instant
 * with an offset, or a time from now such as 7d. Null where nothing is given. Throws KeyturnError `usage`.
 */
export function untilOf(text: string | undefined, { clock, settings }: Keyturn): Instant | null {
  if (text === undefined) return null
  const { timezone } = settings.organisation
  const at = fromNow(text, clock()) ?? parsed(text, timezone)
  if (at === null) {
    throw new KeyturnError('usage', `--until "${text}" is no time`, {
      hint: `Allowed are 2026-12-31 (the end of that day in ${timezone}), 2026-12-31T18:00, 2026-12-31T18:00Z, or a time from now: 90m, 12h, 7d.`,
    })
  }
  if (at > clock()) return at
  throw new KeyturnError('usage', `--until "${text}" is ${new Date(at).toISOString()}, which has passed`)
}

function fromNow(text: string, now: Instant): Instant | null {
  const span = spanOf(text)
  return span === null ? null : now + span
}

/** A length of time such as 90s or 5m, ms. Throws KeyturnError `usage`, which names the option. */
export function durationOf(option: string, text: string): number {
  const span = spanOf(text)
  if (span !== null && span > 0) return span
  throw new KeyturnError('usage', `${option} "${text}" is no length of time`, { hint: 'Allowed are 10s, 5m, 12h, 7d.' })
}

function spanOf(text: string): number | null {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text.trim()) ?? []
  return count === undefined ? null : Number(count) * (units[unit] ?? 0)
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
