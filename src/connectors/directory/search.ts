import { BerReader, PagedResultsControl } from 'ldapts'
import type { Connection, SearchSpec } from './connection.ts'
import type { Entry } from './entry.ts'
import { LdapResultError } from './errors.ts'
import { present } from './filters.ts'
import type { LdapResponse } from './wire.ts'

const pageSize = 1_000

export interface SearchEnd {
  /** Where the server says the rest is (RFC 4511, section 4.5.3): parts of the base that this search did not read. */
  readonly references: readonly string[]
}

/**
 * Reads everything that matches, page by page (RFC 2696), and gives each entry away as it arrives. It ends only when the
 * server sends no cookie any more: an empty page with a cookie is not the end. A page that fails throws, so what was given
 * away before is known to be incomplete.
 * @throws LdapResultError, KeyturnError, or the reason of the signal
 */
export async function searchAll(
  connection: Pick<Connection, 'search'>,
  spec: SearchSpec,
  onEntry: (entry: Entry) => void,
  signal?: AbortSignal,
): Promise<SearchEnd> {
  const references: string[] = []
  let cookie: Buffer = Buffer.alloc(0)
  do {
    signal?.throwIfAborted()
    const page = new PagedResultsControl({ critical: true, value: { size: pageSize, cookie } })
    const controls = [...(spec.controls ?? []), page]
    const response = await connection.search({ ...spec, controls }, onEntry, (urls) => references.push(...urls))
    cookie = cookieOf(response)
  } while (cookie.length > 0)
  return { references }
}

function cookieOf(response: LdapResponse): Buffer {
  const control = response.controls.find(({ oid }) => oid === PagedResultsControl.type)
  if (control === undefined) return Buffer.alloc(0)
  const reader = new BerReader(control.value)
  reader.readSequence()
  reader.readInt()
  const cookie = reader.readString(4, true)
  return cookie === null ? Buffer.alloc(0) : Buffer.from(cookie)
}

/** Is there anything that matches? The server need not look further than the first. */
export async function isThereAny(connection: Pick<Connection, 'search'>, spec: SearchSpec): Promise<boolean> {
  let isThere = false
  const onEntry = (): void => {
    isThere = true
  }
  try {
    await connection.search({ ...spec, sizeLimit: 1 }, onEntry)
  } catch (error) {
    // 4: there is more than one; 32: not even the base is there.
    if (!(error instanceof LdapResultError && (error.code === 4 || error.code === 32))) throw error
    isThere ||= error.code === 4
  }
  return isThere
}

/** A few entries, not paged: for look-ups by filter that can match only a few. */
export async function searchFew(connection: Connection, spec: SearchSpec): Promise<Entry[]> {
  const entries: Entry[] = []
  await connection.search(spec, (entry) => entries.push(entry))
  return entries
}

/** The one entry of that name, or undefined where there is none. */
export async function readEntry(
  connection: Connection,
  dn: string,
  attributes: readonly string[],
): Promise<Entry | undefined> {
  try {
    const [entry] = await searchFew(connection, { base: dn, scope: 'base', filter: present('objectClass'), attributes })
    return entry
  } catch (error) {
    if (error instanceof LdapResultError && error.code === 32) return undefined
    throw error
  }
}
