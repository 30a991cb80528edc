// What differs between databases, beyond what Kysely compiles: how a statement is written, row ids, and triggers.
import { createQueryId, sql, SqliteQueryCompiler } from 'kysely'
import type { ColumnDefinitionBuilder, CompiledQuery, OperationNodeSource, RootOperationNode } from 'kysely'

export interface Dialect {
  readonly compile: (query: OperationNodeSource) => CompiledQuery
  /** Makes an integer column the table's ascending row id. */
  readonly rowId: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
  /** Statements after which the table refuses UPDATE and DELETE. */
  readonly appendOnly: (table: string) => readonly OperationNodeSource[]
}

const compiler = new SqliteQueryCompiler()

export const sqlite: Dialect = {
  compile: (query) => compiler.compileQuery(query.toOperationNode() as RootOperationNode, createQueryId()),
  rowId: (column) => column.primaryKey().autoIncrement(),
  appendOnly: (table) =>
    ['update', 'delete'].map(
      (verb) => sql`create trigger ${sql.ref(`${table}_refuses_${verb}`)} before ${sql.raw(verb)} on ${sql.table(table)}
        begin select raise(abort, ${sql.lit(`table ${table} is append-only`)}); end`,
    ),
}
