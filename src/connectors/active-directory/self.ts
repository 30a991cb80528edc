import type { Connection } from '../directory/connection.ts'
import { parseDn } from '../directory/dn.ts'
import { anyOf, equals } from '../directory/filters.ts'
import { readEntry, searchFew } from '../directory/search.ts'
import type { Domain } from './domain.ts'

/**
 * The DN of the account that the configuration signs in with. Its `bind.dn` may be a DN, a userPrincipalName
 * (`svc@corp.example`) or `CORP\svc`, all of which a domain controller takes. Null where it is not found in the domain.
 */
export async function signedInAs(domain: Domain, connection: Connection): Promise<string | null> {
  const who = domain.settings.bind.dn
  if (isDn(who)) return (await readEntry(connection, who, ['1.1']))?.dn ?? who
  const name = who.replace(/^.*\\/, '').replace(/@.*$/, '')
  const base = await domain.namingContext(connection)
  const filter = anyOf([equals('userPrincipalName', who), equals('sAMAccountName', name)])
  const [entry] = await searchFew(connection, { base, scope: 'sub', filter, attributes: ['1.1'] })
  return entry?.dn ?? null
}

function isDn(text: string): boolean {
  try {
    return parseDn(text).length > 0
  } catch {
    return false
  }
}
