// From a URL to the driver of a ledger.
import { isAbsolute } from 'node:path'
import { KeyturnError } from '../model/errors.ts'
import { isPostgres, parsePostgres } from '../model/ledger-url.ts'
import type { PostgresAddress } from '../model/ledger-url.ts'
import type { Keeping, Opened } from './keeper.ts'
import { memory, openSqlite } from './open-sqlite.ts'

/** A path, or an address. Throws KeyturnError `config-invalid` for a URL that names no ledger; what it says holds no password. */
export function parseUrl(url: string): { readonly path: string } | { readonly address: PostgresAddress } {
  if (isPostgres(url)) {
    const address = parsePostgres(url)
    if (typeof address !== 'string') return { address }
    throw new KeyturnError('config-invalid', `The address of the ledger cannot be used: ${address}.`, { hint: allowed })
  }
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ''
  if (path === memory || isAbsolute(path)) return { path }
  throw new KeyturnError('config-invalid', `"${withoutPassword(url)}" names no ledger.`, { hint: allowed })
}

const allowed =
  'Allowed are sqlite:/absolute/path.db, postgres://USER@HOST/DATABASE, and sqlite::memory: for trials that nothing shall outlive.'

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@]*@/, '//…@')
}

export async function openDriver(
  url: string,
  { readOnly, folder }: { readonly readOnly: boolean; readonly folder: string | null },
  keeping: Keeping,
): Promise<Opened> {
  const place = parseUrl(url)
  if ('path' in place) return openSqlite(place.path, readOnly, keeping)
  // Loaded only where it is needed: every command would begin later for it.
  const { openPostgres } = await import('./open-postgres.ts')
  return openPostgres(place.address, readOnly, folder, keeping)
}
