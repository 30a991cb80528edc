// A unit of work is a generator that yields statements and receives rows. So the SQLite driver can run a whole transaction
// without giving the event loop a turn, and a driver that must wait for a server can run the very same unit.
import { DummyDriver, Kysely, sql, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { Compilable, InferResult, InsertQueryBuilder, InsertResult, OperationNodeSource } from 'kysely'
import type { Schema } from './schema.ts'

/** A query, as a tree that the driver compiles for its database, and what to make of each row. */
export interface Statement {
  readonly query: OperationNodeSource
  readonly map?: (row: never) => unknown
  /** Set where the same statement comes again and again: it is compiled once, and only the values differ. */
  readonly again?: { readonly key: string; readonly values: readonly unknown[] }
}

export type Unit<T> = Generator<Statement, T, readonly unknown[]>

type Query = Compilable & OperationNodeSource
type RowOf<Q extends Query> = InferResult<Q>[number]

/** Builds queries and never runs them: a driver does. */
export const db = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

export function* all<Q extends Query>(query: Q): Unit<RowOf<Q>[]> {
  return (yield { query }) as RowOf<Q>[]
}

/** Like `all`, but rows become values one by one, so that a large table is never there twice. */
export function* each<Q extends Query, T>(query: Q, map: (row: RowOf<Q>) => T): Unit<T[]> {
  return (yield { query, map }) as T[]
}

export function* first<Q extends Query>(query: Q): Unit<RowOf<Q> | undefined> {
  return (yield* all(query))[0]
}

export function* run(query: OperationNodeSource): Unit<void> {
  yield { query }
}

/** Databases limit the values that one statement may bind: SQLite to 32,766, PostgreSQL to 65,535. Smaller ones are as fast. */
const boundValues = 2_000
const listLength = 500

function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = []
  for (let start = 0; start < items.length; start += size) result.push(items.slice(start, start + size))
  return result
}

type Values<Table extends keyof Schema> = Parameters<InsertQueryBuilder<Schema, Table, InsertResult>['values']>[0]
type Row<Table extends keyof Schema> = Extract<Values<Table>, readonly unknown[]>[number]

/** Inserts many rows with few statements. */
export function* insertAll<Table extends keyof Schema>(table: Table, rows: readonly Row<Table>[]): Unit<void> {
  yield* insertChunks(table, rows, 'refuse', (some) => inserting(table, some))
}

/** Inserts; a row that has the same key already is overwritten, but not in columns that never change: their indexes cost time. */
export function* upsertAll<Table extends keyof Schema>(
  table: Table,
  key: readonly (keyof Schema[Table] & string)[],
  rows: readonly Row<Table>[],
  fixed: readonly (keyof Schema[Table] & string)[] = [],
): Unit<void> {
  const kept: readonly string[] = [...key, ...fixed]
  const others = Object.keys(rows[0] ?? {}).filter((column) => !kept.includes(column))
  const excluded = Object.fromEntries(others.map((name) => [name, sql.ref(`excluded.${name}`)]))
  yield* insertChunks(table, lastOfEach(key, rows), `overwrite all but ${kept.join()}`, (some) =>
    inserting(table, some).onConflict((conflict) => conflict.columns(key).doUpdateSet(excluded as never)),
  )
}

/** Of rows with the same key, the last: PostgreSQL refuses to overwrite a row twice in one statement. */
function lastOfEach<R>(key: readonly string[], rows: readonly R[]): readonly R[] {
  if (rows.length < 2) return rows
  const last = new Map(rows.map((row) => [key.map((column) => row[column as keyof R]).join('\0'), row]))
  return last.size === rows.length ? rows : [...last.values()]
}

/** Inserts; a row that has the same key already stays as it is. */
export function* insertMissing<Table extends keyof Schema>(
  table: Table,
  key: readonly (keyof Schema[Table] & string)[],
  rows: readonly Row<Table>[],
): Unit<void> {
  yield* insertChunks(table, rows, 'leave', (some) =>
    inserting(table, some).onConflict((conflict) => conflict.columns(key).doNothing()),
  )
}

function inserting<Table extends keyof Schema>(table: Table, rows: readonly Row<Table>[]) {
  return db.insertInto(table).values(rows as Values<Table>)
}

/** All rows must have the columns of the first. */
function* insertChunks<Table extends keyof Schema>(
  table: Table,
  rows: readonly Row<Table>[],
  onConflict: string,
  build: (rows: readonly Row<Table>[]) => OperationNodeSource,
): Unit<void> {
  const columns = Object.keys(rows[0] ?? {})
  for (const some of chunks(rows, rowsPerInsert(columns.length))) {
    const values: unknown[] = []
    for (const row of some) for (const column of columns) values.push(row[column as keyof typeof row])
    const key = `${table} ${onConflict} ${some.length} ${columns.join()}`
    yield { query: { toOperationNode: () => build(some).toOperationNode() }, again: { key, values } }
  }
}

/** Sets one column of many rows, each to a value of its own, with few statements. */
export function* updateEach<Table extends keyof Schema>(
  table: Table,
  { key, column, type }: { readonly key: keyof Schema[Table] & string; readonly column: string; readonly type: string },
  pairs: readonly (readonly [key: string, value: string | number | null])[],
): Unit<void> {
  for (const some of chunks(pairs, rowsPerInsert(2))) {
    const rows = sql.join(some.map(([id, value]) => sql`(${id}, ${value})`))
    // SQLite and PostgreSQL both call the columns of VALUES column1, column2; the latter needs to be told their types.
    const query = sql`update ${sql.table(table)} set ${sql.ref(column)} = cast(v.column2 as ${sql.raw(type)})
      from (values ${rows}) as v where ${sql.ref(`${table}.${key}`)} = v.column1`
    yield { query, again: { key: `${table} each ${column} ${some.length}`, values: some.flat() } }
  }
}

/** A power of two, so that only few different statements come about. */
function rowsPerInsert(columns: number): number {
  return 2 ** Math.floor(Math.log2(boundValues / Math.max(1, columns)))
}

/** Asks with a list that may be longer than one statement can bind. The answers come one list after the other. */
export function* inLists<Item, T>(items: readonly Item[], ask: (some: Item[]) => Unit<readonly T[]>): Unit<T[]> {
  const result: T[] = []
  for (const some of chunks(items, listLength)) {
    for (const one of yield* ask(some)) result.push(one)
  }
  return result
}

/** Asks with each list for its effect alone. */
export function* forLists<Item>(items: readonly Item[], act: (some: Item[]) => Unit<void>): Unit<void> {
  for (const some of chunks(items, listLength)) yield* act(some)
}
