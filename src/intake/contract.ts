import { nearest } from '../expression/near.ts'
import type { AcceptedRead, RefusedRead } from '../model/identity.ts'
import { DAY, HOUR, MINUTE } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { SourceSettings } from '../model/settings.ts'

/** What the contract is asked about: one whole read and what it would change. */
export interface Measured {
  readonly now: Instant
  readonly rows: number
  readonly modifiedAt: Instant
  /** Columns that are needed and not there, and those that are there. */
  readonly columns: { readonly missing: readonly string[]; readonly found: readonly string[] }
  readonly lastRead: AcceptedRead | null
  readonly turnover: Turnover
}

/** Of the people who are active at the last accepted read or now, those who are not both. Dates that were known are no surprise. */
export interface Turnover {
  /** Active before, not in the feed any more. */
  readonly absent: number
  /** Active before, in the feed, and not active. */
  readonly ended: number
  /** Active now and not before. */
  readonly added: number
}

interface Objection {
  readonly why: string
  readonly hint: string
}

/** Holds one read against the feed's contract. Returns why it is refused, with all the numbers, or null. */
export function refusal(settings: SourceSettings, measured: Measured): RefusedRead | null {
  const objections = [
    ...columnObjections(measured),
    ...rowObjections(settings, measured),
    ...turnoverObjections(settings, measured),
    ...ageObjections(settings, measured),
  ]
  if (objections.length === 0) return null
  return {
    source: settings.id,
    at: measured.now,
    why: objections.map(({ why }) => why).join('; '),
    hint: [...new Set(objections.map(({ hint }) => hint))].join(' '),
  }
}

function columnObjections({ columns: { missing, found } }: Measured): Objection[] {
  if (missing.length === 0) return []
  const names = missing.map((name) => {
    const near = nearest(name, found)
    return near === undefined ? `"${name}"` : `"${name}" (there is "${near}")`
  })
  const hint = `The feed has ${found.map((name) => `"${name}"`).join(', ')}. Correct the export, or the mapping in the configuration.`
  return [{ why: `the feed lacks ${names.length === 1 ? 'the column' : 'the columns'} ${names.join(', ')}`, hint }]
}

function rowObjections({ contract: { rows } }: SourceSettings, measured: Measured): Objection[] {
  const before = measured.lastRead === null ? '' : ` (the last accepted read had ${measured.lastRead.rows})`
  if (measured.rows < rows.min) {
    return [
      {
        why: `the feed has ${counted(measured.rows)}${before}, fewer than rows.min ${rows.min}`,
        hint: 'Look whether the export ran to its end; if so many people are right, lower rows.min.',
      },
    ]
  }
  if (rows.max === undefined || measured.rows <= rows.max) return []
  return [
    {
      why: `the feed has ${counted(measured.rows)}${before}, more than rows.max ${rows.max}`,
      hint: 'Look whether the export lists too much; if so many people are right, raise rows.max.',
    },
  ]
}

/** The first read of a source has nothing to be compared with. */
function turnoverObjections({ contract: { rows } }: SourceSettings, { lastRead, turnover }: Measured): Objection[] {
  const base = lastRead?.active ?? 0
  if (base === 0) return []
  // One person is always allowed: a tenth of nine people would be nobody.
  const most = Math.max(1, Math.floor(base * rows.maxChange))
  const allowed = `rows.max-change ${percent(rows.maxChange)} allows ${most}`
  const hint =
    'Compare the feed with the last good one. If this many changes are right, raise rows.max-change, apply, and set it back.'
  const objections: Objection[] = []
  const lost = turnover.absent + turnover.ended
  if (lost > most) {
    const parts = `${turnover.absent} are not in the feed, ${turnover.ended} are no longer active`
    objections.push({
      why: `${lost} of ${base} active people (${percent(lost / base)}) would be lost: ${parts}; ${allowed}`,
      hint,
    })
  }
  if (turnover.added > most) {
    const share = percent(turnover.added / base)
    objections.push({ why: `${turnover.added} people would become active beside ${base} (${share}); ${allowed}`, hint })
  }
  return objections
}

function ageObjections({ contract: { maxAge } }: SourceSettings, { now, modifiedAt }: Measured): Objection[] {
  const age = now - modifiedAt
  if (maxAge === undefined || age <= maxAge) return []
  return [
    {
      why: `the feed was written ${duration(age)} ago, longer than max-age ${duration(maxAge)}`,
      hint: 'Look whether the export still runs.',
    },
  ]
}

function counted(rows: number): string {
  return rows === 1 ? '1 row' : `${rows} rows`
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10}%`
}

function duration(ms: number): string {
  if (ms >= 2 * DAY) return `${Math.floor(ms / DAY)}d`
  if (ms >= 2 * HOUR) return `${Math.floor(ms / HOUR)}h`
  return `${Math.floor(ms / MINUTE)}m`
}
