import Table from 'cli-table3'
import colours from 'picocolors'
import type { Instant } from '../model/instant.ts'

/** A plain table: headings, rows, no box, so that it can be cut and pasted. Numbers go to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const right = headings.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
  const grid = new Table({
    head: headings.map((heading) => colours.dim(heading)),
    chars: noBorders,
    style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [] },
    colAligns: right.map((numeric) => (numeric ? 'right' : 'left')),
  })
  for (const row of rows) grid.push(row.map(String))
  return grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const noBorders = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
    .map((name) => [name, '']),
)

/** `2026-11-22 17:05 Europe/Berlin`. */
export function showInstant(instant: Instant, zone: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  }).format(instant)
  return `${parts} ${zone}`
}

/** `2026-11-22 17:05:09 Europe/Berlin`: for records, in which the order of what happened within a minute counts. */
export function showMoment(instant: Instant, zone: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(instant)
  return `${parts} ${zone}`
}

/** When an operator's word ends: `until 2026-11-22 17:05 Europe/Berlin`, or by hand. */
export function showEnd(until: Instant | null, zone: string): string {
  return until === null ? 'until it is ended' : `until ${showInstant(until, zone)}`
}

/** The same text with the instants in it (`2026-11-22T16:05:09.000Z`) in this zone, as everything else on the page is. */
export function localInstants(text: string, zone: string): string {
  return text.replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/gu, (found) => {
    const instant = Date.parse(found)
    return Number.isNaN(instant) ? found : showInstant(instant, zone)
  })
}

/** `850 ms`, `12.3 s`, `4 min`, `3 h`, `9 days`. */
export function showDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 48 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} days`
}

/** `1 account`, `3 accounts`, `12,400 people`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? one : many}`
}

/** What somebody gave, in an answer about it: in quotes, fit for a terminal, and no longer than a line. */
export function quoted(text: string): string {
  return `"${visible(text.length <= mostQuoted ? text : `${text.slice(0, mostQuoted)}…`)}"`
}

const mostQuoted = 80

/** A text from a feed or a platform, fit for a terminal: what would move its cursor, colour it or turn its direction is spelt out. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (sign) => {
    const code = sign.codePointAt(0) ?? 0
    return `\\u${code.toString(16).padStart(4, '0')}`
  })
}
