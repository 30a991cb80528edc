// A small invented feed: settings, records and reads as tests need them.
import { openFeed } from '../../../src/intake/index.ts'
import type { AcceptedRead, Identity, IntakeResult, SourceRecord } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { Instant } from '../../../src/model/instant.ts'
import type { IdentityMapping, SourceSettings } from '../../../src/model/settings.ts'
import type { ReadEnd } from '../../../src/model/snapshot.ts'

/** Monday 15 June 2026, 12:00 UTC. */
export const noon = Date.UTC(2026, 5, 15, 12)
const place = { file: 'keyturn.yaml', line: 1, column: 1 }

export const column = (name: string) => ({ from: { column: name }, trim: true, place })
export const expression = (text: string) => ({ from: { expr: { text, place } }, trim: true, place })
export const dateColumn = (name: string) => ({
  column: name,
  format: 'yyyy-MM-dd',
  at: 'start-of-day' as const,
  none: [],
  place,
})

const identity: IdentityMapping = {
  attributes: {
    displayName: expression('person.givenName + " " + person.surname'),
    givenName: column('First'),
    surname: column('Last'),
    department: column('Department'),
  },
  references: { manager: { ...column('Manager'), reference: 'displayName', unresolved: 'keep' } },
  startsAt: dateColumn('Start'),
  endsAt: dateColumn('End'),
  state: {
    column: 'Status',
    values: { Active: 'active', Leave: 'suspended', Gone: 'left', Archived: 'archived' },
    otherwise: 'page',
    place,
  },
  version: 'v1',
}

export function settingsWith(
  some: Partial<SourceSettings> & { mapping?: Partial<IdentityMapping> } = {},
): SourceSettings {
  const { mapping, ...rest } = some
  return {
    id: 'hr',
    kind: 'csv',
    path: 'people.csv',
    every: 60_000,
    key: 'Id',
    content: 'full',
    timezone: 'UTC',
    csv: { finalNewline: 'required' },
    identity: { ...identity, ...mapping },
    contract: { required: ['Id', 'Status'], rows: { min: 1, maxChange: 10 } },
    vanished: { after: 3 * DAY, then: 'hold' },
    settle: 500,
    place,
    ...rest,
  }
}

export type Row = Readonly<Record<string, string>>

const blank = { Status: 'Active', First: '', Last: '', Department: '', Manager: '', Start: '', End: '' }

/** A row of the feed; what is left out is empty, and the status is Active. */
export function recordOf(row: Row, line: number): SourceRecord {
  const full = { ...blank, First: `First${row['Id']}`, Last: 'Last', ...row }
  return {
    source: 'hr',
    key: row['Id'] ?? null,
    row: full,
    place: { file: 'people.csv', line },
    hash: JSON.stringify(full),
  }
}

export const recordsOf = (rows: readonly Row[]) => rows.map((row, index) => recordOf(row, index + 2))

interface Known {
  readonly identities: readonly Identity[]
  readonly accepted: AcceptedRead | null
}

const nothing: Known = { identities: [], accepted: null }

/** Reads records against what an earlier read left behind. */
export function read(
  records: readonly SourceRecord[],
  {
    settings = settingsWith(),
    after = nothing,
    now = noon,
    end,
  }: {
    settings?: SourceSettings
    after?: Known
    now?: Instant
    end?: ReadEnd
  } = {},
): IntakeResult {
  const feed = openFeed({ settings, previous: after.identities, lastRead: after.accepted, now })
  feed.take(records)
  return feed.close(end ?? { complete: true, takenAt: now, count: records.length, modifiedAt: now })
}

/** The person with this key. */
export function person(result: { readonly identities: readonly Identity[] }, key: string): Identity {
  const found = result.identities.find((one) => one.key === key)
  if (found === undefined) throw new Error(`nobody has the key ${key}`)
  return found
}
