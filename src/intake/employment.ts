import { didYouMean } from '../expression/near.ts'
import type { SourceRecord } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Place, Problem } from '../model/place.ts'
import type { DateMapping, SourceSettings } from '../model/settings.ts'
import { dateReader, isZone } from './dates.ts'
import type { Employment } from './state.ts'

type Column<T> = (record: SourceRecord, problems: Problem[]) => T

/** What a record says about employment, understood. */
export interface EmploymentFacts extends Employment {
  readonly zone: string
  /** Such as `EmploymentStatus "Active"`. */
  readonly statusText: string
}

/** Compiles status, dates and zone. The reader adds what it cannot understand to the problems; then its answer means nothing. */
export function employmentReader(settings: SourceSettings): Column<EmploymentFacts> {
  const { identity } = settings
  const zoneOf = zoneReader(settings)
  const starts = dateColumn(identity.startsAt)
  const ends = dateColumn(identity.endsAt)
  const accessEnds = dateColumn(identity.accessEndsAt)
  const statusOf = statusReader(settings)
  return (record, problems) => {
    const zone = zoneOf(record, problems)
    return {
      ...statusOf(record, problems),
      zone,
      startsAt: starts(record, zone, problems),
      endsAt: ends(record, zone, problems),
      accessEndsAt: accessEnds(record, zone, problems),
    }
  }
}

function zoneReader({ identity, timezone }: SourceSettings): Column<string> {
  const { zone: mapping } = identity
  if (mapping === undefined) return () => timezone
  const known = new Map<string, boolean>()
  return ({ row, place }, problems) => {
    const text = (row[mapping.column] ?? '').trim()
    if (text === '') return timezone
    const zone = mapping.values === undefined ? text : own(mapping.values, text)
    const isKnown = zone !== undefined && (known.get(zone) ?? isZone(zone))
    if (zone !== undefined) known.set(zone, isKnown)
    if (zone !== undefined && isKnown) return zone
    const allowed =
      mapping.values === undefined
        ? 'allowed are names of the IANA database, such as Europe/Zurich'
        : `allowed are ${quoted(Object.keys(mapping.values))}`
    problems.push(problem(place, mapping.column, `"${text}" is no time zone; ${allowed}`))
    return timezone
  }
}

function dateColumn(
  mapping: DateMapping | undefined,
): (record: SourceRecord, zone: string, problems: Problem[]) => Instant | null {
  if (mapping === undefined) return () => null
  const { column } = mapping
  const read = dateReader(mapping)
  return ({ row, place }, zone, problems) => {
    const reading = read(row[column] ?? '', zone)
    if (reading === null || typeof reading === 'number') return reading
    const hint = 'Correct it in the feed; a text that means "no date" belongs into `none`.'
    problems.push({ ...problem(place, column, reading.problem), hint })
    return null
  }
}

function statusReader({ identity }: SourceSettings): Column<Pick<EmploymentFacts, 'status' | 'statusText'>> {
  const { column, values, otherwise } = identity.state
  return ({ row, place }, problems) => {
    const word = (row[column] ?? '').trim()
    const status = own(values, word) ?? otherwise
    const statusText = `${column} "${word}"`
    if (status !== 'page') return { status, statusText }
    const words = Object.keys(values)
    problems.push({
      ...problem(place, column, `the status word "${word}" is not in the mapping; it knows ${quoted(words)}`),
      ...didYouMean(word, words),
    })
    return { status: 'left', statusText }
  }
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(', ')
}

function problem(place: Place, path: string, message: string): Problem {
  return { severity: 'error', place, path, message }
}
