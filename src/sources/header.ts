import { hash } from 'node:crypto'
import { KeyturnError } from '../model/errors.ts'
import type { SourceSettings } from '../model/settings.ts'
import type { Row } from './parser.ts'

/** What the header line says about every row. */
export interface Shape {
  /** Trimmed names by position; "" where a column has none. */
  readonly columns: readonly string[]
  /** Position of the key column. */
  readonly key: number
  /** Goes into every row's hash: the same bytes under another header mean something else. */
  readonly seed: string
}

/** Reads the header row. Throws KeyturnError `source-incomplete` for doubled names and a missing key column. */
export function shapeOf(row: Row | undefined, settings: SourceSettings): Shape {
  if (row === undefined || !('fields' in row)) {
    throw new KeyturnError('source-incomplete', `${settings.path}:1: the header line cannot be read`, {
      hint: 'Its quotes do not match. Open the file and compare it with the last good one.',
    })
  }
  const columns = row.fields.map((name) => name.trim())
  refuseDoubled(columns, settings)
  const key = columns.indexOf(settings.key)
  if (key === -1) {
    const there = columns.map((name) => `"${name}"`).join(', ')
    throw new KeyturnError(
      'source-incomplete',
      `${settings.path} has no column "${settings.key}", which is the key; it has ${there}`,
      {
        hint: 'Either the export changed or the delimiter was not found: compare the header line with `key` and state csv.delimiter.',
      },
    )
  }
  return { columns, key, seed: hash('sha256', JSON.stringify(columns), 'base64url') }
}

function refuseDoubled(columns: readonly string[], settings: SourceSettings): void {
  const doubled = columns.filter((name, index) => name !== '' && columns.indexOf(name) !== index)
  if (doubled.length === 0) return
  const names = [...new Set(doubled)].map((name) => `"${name}"`).join(', ')
  throw new KeyturnError(
    'source-incomplete',
    `${settings.path} has more than one column ${names}; which one is meant cannot be known`,
    {
      hint: 'Give every column of the export a name of its own.',
    },
  )
}
