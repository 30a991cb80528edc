// A short way to write tables down, for migrations.
import type { ColumnDefinitionBuilder, OperationNodeSource } from 'kysely'
import { db, run } from '../unit.ts'
import type { Unit } from '../unit.ts'

interface Column {
  readonly type: 'text' | 'integer' | 'bigint'
  readonly build: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
}

const required = (c: ColumnDefinitionBuilder) => c.notNull()
const optional = (c: ColumnDefinitionBuilder) => c

export const text: Column = { type: 'text', build: required }
export const maybeText: Column = { type: 'text', build: optional }
export const integer: Column = { type: 'integer', build: required }
export const maybeInteger: Column = { type: 'integer', build: optional }
/** Milliseconds since 1970, which PostgreSQL's integer cannot hold. */
export const instant: Column = { type: 'bigint', build: required }
export const maybeInstant: Column = { type: 'bigint', build: optional }
export const maybePerson: Column = { type: 'text', build: (c) => c.references('identity.id') }
export const person: Column = { type: 'text', build: (c) => c.notNull().references('identity.id') }

export function refersTo(table: string): Column {
  return { type: 'integer', build: (c) => c.notNull().references(`${table}.id`) }
}

export function rowId(build: Column['build']): Column {
  return { type: 'integer', build }
}

interface Keys {
  readonly primary?: readonly string[]
  readonly unique?: readonly (readonly string[])[]
  readonly indexes?: readonly (readonly string[])[]
}

export function* table(name: string, columns: Readonly<Record<string, Column>>, keys: Keys = {}): Unit<void> {
  let create = db.schema.createTable(name)
  for (const [column, { type, build }] of Object.entries(columns)) create = create.addColumn(column, type, build)
  let statement: OperationNodeSource = create
  if (keys.primary !== undefined) {
    statement = create = create.addPrimaryKeyConstraint(`${name}_key`, [...keys.primary] as never[])
  }
  for (const names of keys.unique ?? []) {
    statement = create = create.addUniqueConstraint(`${name}_${names.join('_')}_unique`, [...names] as never[])
  }
  yield* run(statement)
  for (const names of keys.indexes ?? []) {
    yield* run(
      db.schema
        .createIndex(`${name}_${names.join('_')}`)
        .on(name)
        .columns([...names]),
    )
  }
}
