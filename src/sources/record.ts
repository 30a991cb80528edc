import { hash } from 'node:crypto'
import type { SourceRecord } from '../model/identity.ts'
import type { SourceSettings } from '../model/settings.ts'
import type { Shape } from './header.ts'
import type { Row } from './parser.ts'

/** 22 characters of base64url are 132 bits: no two rows of one person ever meet. */
const hashLength = 22

/** Records of the rows under a header. Rows without any content, as spreadsheets leave them at the end, are none. */
export function recordsOf(rows: readonly Row[], shape: Shape, settings: SourceSettings): SourceRecord[] {
  const records: SourceRecord[] = []
  for (const row of rows) {
    if ('fields' in row && row.fields.every(isBlank)) continue
    records.push(recordOf(row, shape, settings))
  }
  return records
}

function isBlank(field: string): boolean {
  return field === '' || field.trim() === ''
}

function recordOf(row: Row, shape: Shape, { id, path }: SourceSettings): SourceRecord {
  const place = { file: path, line: row.line }
  if (!('fields' in row)) return { source: id, key: null, row: {}, place, hash: '', problem: row.broken }
  const { fields } = row
  const key = (fields[shape.key] ?? '').trim()
  const base = {
    source: id,
    row: named(fields, shape.columns),
    place,
    hash: hash('sha256', shape.seed + fields.join('\u001f'), 'base64url').slice(0, hashLength),
  }
  if (fields.length !== shape.columns.length) {
    const problem = `the row has ${fields.length} fields, the header has ${shape.columns.length}`
    // A quote that was never closed may have swallowed rows of other people: such a row proves nobody's presence, and
    // without a key nobody's absence either.
    return { ...base, key: row.lines > 1 || key === '' ? null : key, problem }
  }
  if (key === '') return { ...base, key: null, problem: `the key column "${shape.columns[shape.key]}" is empty` }
  return { ...base, key }
}

function named(fields: readonly string[], columns: readonly string[]): Record<string, string> {
  const row: Record<string, string> = {}
  const most = Math.min(fields.length, columns.length)
  for (let index = 0; index < most; index++) {
    const name = columns[index]
    const field = fields[index]
    if (name !== undefined && name !== '' && field !== undefined) row[name] = field
  }
  return row
}
