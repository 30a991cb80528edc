// What differs between databases, beyond what Kysely compiles: how a statement is written, row ids, and triggers.
import { createQueryId, PostgresQueryCompiler, sql, SqliteQueryCompiler } from 'kysely'
import type {
  ColumnDefinitionBuilder,
  CompiledQuery,
  DataTypeNode,
  OperationNodeSource,
  RootOperationNode,
} from 'kysely'

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

/** Texts are sorted and compared byte by byte, as SQLite does it, and every number has 64 bits. */
class LedgerQueryCompiler extends PostgresQueryCompiler {
  protected override visitDataType(node: DataTypeNode): void {
    const { dataType } = node
    this.append(dataType === 'text' ? 'text collate "C"' : dataType === 'integer' ? 'bigint' : dataType)
  }
}

const postgresCompiler = new LedgerQueryCompiler()

export const postgres: Dialect = {
  compile: (query) => postgresCompiler.compileQuery(query.toOperationNode() as RootOperationNode, createQueryId()),
  rowId: (column) => column.primaryKey().generatedByDefaultAsIdentity(),
  appendOnly: (table) => {
    const refusal = sql.ref(`${table}_refuses`)
    return [
      sql`create function ${refusal}() returns trigger language plpgsql as
        $$ begin raise exception 'table % is append-only', tg_table_name; end $$`,
      sql`create trigger ${sql.ref(`${table}_refuses_change`)} before update or delete or truncate on ${sql.table(table)}
        for each statement execute function ${refusal}()`,
    ]
  },
}
