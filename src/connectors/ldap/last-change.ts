import type { LastChange } from '../../model/connector.ts'
import { DAY } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Connection } from '../directory/connection.ts'
import { LdapResultError } from '../directory/errors.ts'
import { anyOf, both, equals, from, startsWith } from '../directory/filters.ts'
import { searchFew } from '../directory/search.ts'
import { fromGeneralizedTime, generalizedTime } from '../directory/time.ts'
import type { ServerFacts } from './server.ts'

/** What opens or shuts an account: a change of anything else is none of this question's. */
const disabling = ['pwdAccountLockedTime', 'pwdEndTime', 'userPassword', 'shadowExpire', 'nsAccountLock']

/** Older entries of the log are not looked at: reqStart is what servers have an index for. */
const farthest = 30 * DAY

/**
 * Who changed last what shuts an account. The access log of OpenLDAP tells (slapo-accesslog); without it the entry itself tells
 * who changed anything of it last. Null: there is no such account.
 */
export async function lastChangeOf(
  connection: Connection,
  where: { readonly settings: DirectorySettings; readonly facts: ServerFacts; readonly now: Instant },
  nativeId: string,
): Promise<LastChange | null> {
  const { settings, facts, now } = where
  const [entry] = await searchFew(connection, {
    base: settings.base,
    scope: 'sub',
    filter: equals(facts.nativeId, nativeId),
    attributes: ['modifiersName', 'modifyTimestamp'],
  })
  if (entry === undefined) return null
  const logged = facts.accessLog === null ? null : await fromLog(connection, facts.accessLog, nativeId, now)
  if (logged !== null) return logged
  const at = entry.text('modifyTimestamp')
  return {
    by: entry.text('modifiersName') ?? null,
    at: at === undefined ? null : fromGeneralizedTime(at),
    source: 'modifiersName',
  }
}

/** The newest entry of the log about it; null where there is none, or where it may not be read. */
async function fromLog(
  connection: Connection,
  log: string,
  nativeId: string,
  now: Instant,
): Promise<LastChange | null> {
  const touches = anyOf(disabling.map((attribute) => startsWith('reqMod', `${attribute}:`)))
  const recent = from('reqStart', generalizedTime(now - farthest))
  // Who and when only: the log also holds the values, of passwords too.
  const attributes = ['reqAuthzID', 'reqStart']
  const filter = both(equals('reqEntryUUID', nativeId), recent, equals('reqResult', '0'), touches)
  try {
    const found = await searchFew(connection, { base: log, scope: 'one', filter, attributes })
    const newest = found.toSorted((one, other) => startOf(other).localeCompare(startOf(one)))[0]
    if (newest === undefined) return null
    const by = newest.text('reqAuthzID') ?? ''
    return { by: by === '' ? null : by, at: fromGeneralizedTime(startOf(newest)), source: 'accesslog' }
  } catch (error) {
    if (error instanceof LdapResultError) return null
    throw error
  }
}

/** All of one form, in UTC with microseconds, so their texts stand in the order of time. */
function startOf(entry: { text(attribute: string): string | undefined }): string {
  return entry.text('reqStart') ?? ''
}
