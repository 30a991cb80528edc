import type { LastChange } from '../../model/connector.ts'
import type { Connection } from '../directory/connection.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError } from '../directory/errors.ts'
import { equals } from '../directory/filters.ts'
import { readEntry, searchFew } from '../directory/search.ts'
import { fromGeneralizedTime } from '../directory/time.ts'
import { readRoot } from './domain.ts'
import { originInBlob, originInXml } from './metadata.ts'
import type { Origin } from './metadata.ts'
import { guidBytes, guidDn } from './values.ts'

const shown = 'msDS-ReplAttributeMetaData'
const stored = 'replPropertyMetaData'

/**
 * When the flags that disable an account were changed last, and on which domain controller. Active Directory does not keep who
 * did it: that is in the security log of that domain controller (event 4722, "a user account was enabled"). Null: no such account.
 */
export async function lastChangeOf(connection: Connection, nativeId: string): Promise<LastChange | null> {
  const entry = await readEntry(connection, guidDn(nativeId), [shown, stored, 'whenChanged'])
  if (entry === undefined) return null
  const [source, origin] = originIn(entry)
  if (origin === null) {
    const changed = entry.text('whenChanged')
    return { by: null, at: changed === undefined ? null : fromGeneralizedTime(changed), source: 'whenChanged' }
  }
  const dsa = origin.dsa ?? (await dsaOf(connection, origin.invocationId)) ?? `the database ${origin.invocationId}`
  return { by: null, at: origin.at, source: `${source} of userAccountControl: changed on ${dsa}; by whom is not kept` }
}

function originIn(entry: Entry): [string, Origin | null] {
  const origin = originInXml(entry.texts(shown))
  if (origin !== null) return [shown, origin]
  const [blob] = entry.buffers(stored)
  return [stored, blob === undefined ? null : originInBlob(blob)]
}

/** The domain controller that has, or had, this database; what may not be read is not known. */
async function dsaOf(connection: Connection, invocationId: string): Promise<string | undefined> {
  const configuration = (await readRoot(connection, ['configurationNamingContext'])).text('configurationNamingContext')
  const id = guidBytes(invocationId)
  if (configuration === undefined || id === undefined) return undefined
  const spec = { base: `CN=Sites,${configuration}`, scope: 'sub', filter: equals('invocationId', id) } as const
  try {
    return (await searchFew(connection, { ...spec, attributes: ['1.1'] }))[0]?.dn
  } catch (error) {
    if (error instanceof LdapResultError) return undefined
    throw error
  }
}
