// What the ledger asks of SQLite, and how SQLite answers it.
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { vi } from 'vitest'

/** The SQL that was prepared while `work` ran. */
export async function preparedBy(work: () => Promise<unknown>): Promise<readonly string[]> {
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
  try {
    await work()
    return prepare.mock.calls.map(([sql]) => sql)
  } finally {
    prepare.mockRestore()
  }
}

/** How SQLite goes about it, a line for each step. */
export function planOf(raw: DatabaseSync, sql: string): readonly string[] {
  const values = Array.from({ length: sql.split('?').length - 1 }, () => 0)
  const rows: Record<string, unknown>[] = (raw.prepare(`explain query plan ${sql}`) satisfies StatementSync).all(
    ...values,
  )
  return rows.map((row) => String(row['detail']))
}
