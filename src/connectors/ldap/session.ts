import type { ApplyContext } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { IdentityId } from '../../model/identity.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Connection } from '../directory/connection.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError, directoryError } from '../directory/errors.ts'
import type { ErrorContext } from '../directory/errors.ts'
import { anyOf, equals } from '../directory/filters.ts'
import { portions } from '../directory/flight.ts'
import type { UseOptions } from '../directory/pool.ts'
import { searchFew } from '../directory/search.ts'
import type { Tries } from '../directory/tries.ts'
import type { GroupWriter } from '../directory/group-writer.ts'
import type { Catalogue } from './catalogue.ts'
import { stateAttributes } from './lock.ts'
import type { LockOptions } from './lock.ts'
import type { ServerFacts } from './server.ts'

/** How many accounts one search asks for. */
export const accountsPerSearch = 100

/** What this process knows of a scramble: whose it was, and whether the new password was seen to work before the last lock. */
export interface Scramble {
  readonly identity: IdentityId
  readonly bound: boolean
  /** Set in one modification with the lock and not tried yet: the account right after it. */
  readonly shutAs?: Entry
}

/** What the server was seen to do; kept by the connector. */
export interface Habits {
  /** It says of a locked account that it is locked (`ppolicy_use_lockout`), whatever the password. */
  saysLocked: boolean
}

/** An account that a change is about, as it is right before the write. */
export interface Located {
  dn: string
  name: string
  entry: Entry
}

/** Everything that carrying out changes needs. */
export interface Session {
  readonly settings: DirectorySettings
  readonly facts: ServerFacts
  readonly catalogue: Catalogue
  readonly groups: GroupWriter
  readonly context: ApplyContext
  /** By native id; kept by the connector, since the proof comes after `apply`. */
  readonly scrambles: Map<string, Scramble>
  readonly habits: Habits
  /** For passwords of others. */
  readonly tries: Tries
  /** Numbers that accounts made by other hands have. */
  readonly highestUidNumber: () => Promise<number>
  readonly use: <T>(work: (connection: Connection) => Promise<T>, options?: UseOptions) => Promise<T>
}

/** Runs a request on the pool; a refusal becomes a KeyturnError that says what was asked. `again`: see `UseOptions`. */
export async function request<T>(
  session: Pick<Session, 'settings' | 'use'>,
  { again = false, ...what }: Omit<ErrorContext, 'platform'> & UseOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  try {
    return await session.use(work, { again })
  } catch (error) {
    if (error instanceof LdapResultError || error instanceof KeyturnError) {
      throw directoryError(error, { platform: session.settings.id, ...what })
    }
    throw error
  }
}

export function lockOptions({ settings }: Pick<Session, 'settings'>, leaver: boolean): LockOptions {
  const managed = Object.keys(settings.accounts.attributes).some((name) => name.toLowerCase() === 'loginshell')
  return { leaver, shell: managed ? null : (settings.schema.posix?.shell ?? null) }
}

function locateAttributes({ settings, facts }: Session): string[] {
  return ['objectClass', 'loginShell', facts.nativeId, settings.schema.nameAttribute, ...stateAttributes(facts)]
}

/**
 * Looks accounts up by native id, many in one search, with `more` attributes; those that do not exist are not in the map.
 */
export async function locate(
  session: Session,
  nativeIds: readonly string[],
  more: readonly string[] = [],
): Promise<Map<string, Located>> {
  const { settings, facts } = session
  const found = new Map<string, Located>()
  const attributes = [...locateAttributes(session), ...more]
  await Promise.all(
    portions([...new Set(nativeIds)], accountsPerSearch).map(async (some) => {
      const filter = anyOf(some.map((id) => equals(facts.nativeId, id)))
      const spec = { base: settings.base, scope: 'sub', filter, attributes } as const
      const what = { doing: 'looking accounts up by their native ids', again: true }
      for (const entry of await request(session, what, (connection) => searchFew(connection, spec))) {
        const name = entry.text(settings.schema.nameAttribute) ?? ''
        found.set(entry.text(facts.nativeId) ?? '', { dn: entry.dn, name, entry })
      }
    }),
  )
  return found
}

/** Reads one account again; throws KeyturnError `object-missing` where it is gone. */
export async function relocate(session: Session, nativeId: string): Promise<Located> {
  const located = (await locate(session, [nativeId])).get(nativeId)
  if (located === undefined) throw missing(session, nativeId)
  return located
}

export function missing({ settings }: Pick<Session, 'settings'>, nativeId: string): KeyturnError {
  return new KeyturnError(
    'object-missing',
    `${settings.id}: no account under ${settings.base} has the native id ${nativeId}; it was deleted, or moved out of the base.`,
  )
}
