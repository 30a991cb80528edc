import type { PasswordPolicy } from '../../model/connector.ts'
import type { Connection } from '../directory/connection.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError } from '../directory/errors.ts'
import { equals } from '../directory/filters.ts'
import { readEntry, searchFew } from '../directory/search.ts'
import type { Domain } from './domain.ts'

/** Bit of pwdProperties: three of four kinds of characters, and no part of the name. */
const complexity = 1

/**
 * The strictest of the domain's policy and of all fine-grained ones that can be read: which of those will hold for a new
 * account depends on groups that it is not in yet.
 */
export async function readPasswordPolicy(domain: Domain, connection: Connection): Promise<PasswordPolicy> {
  const base = await domain.namingContext(connection)
  const top = await readEntry(connection, base, ['minPwdLength', 'pwdProperties'])
  const found = [
    {
      source: `the policy of ${base}`,
      length: Number(top?.text('minPwdLength') ?? 0),
      complex: (Number(top?.text('pwdProperties') ?? 0) & complexity) !== 0,
    },
    ...(await fineGrained(connection, base)).map((entry) => ({
      source: entry.dn,
      length: Number(entry.text('msDS-MinimumPasswordLength') ?? 0),
      complex: entry.text('msDS-PasswordComplexityEnabled') === 'TRUE',
    })),
  ]
  return {
    length: Math.max(...found.map(({ length }) => length)),
    classes: found.some(({ complex }) => complex) ? 3 : 1,
    source: found.map(({ source }) => source).join(', '),
  }
}

/** Ordinary users cannot read them, which looks as if there were none. */
async function fineGrained(connection: Connection, base: string): Promise<Entry[]> {
  try {
    return await searchFew(connection, {
      base: `CN=Password Settings Container,CN=System,${base}`,
      scope: 'one',
      filter: equals('objectClass', 'msDS-PasswordSettings'),
      attributes: ['msDS-MinimumPasswordLength', 'msDS-PasswordComplexityEnabled'],
    })
  } catch (error) {
    if (error instanceof LdapResultError) return []
    throw error
  }
}
