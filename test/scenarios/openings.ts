// What a directory has carried out, one by one, by its own record (slapo-accesslog(5)): not only how things ended.
import { Client } from 'ldapts'
import type { Company } from './keyturn.ts'

/**
 * Writes since this instant that would let one of these people in, or give them something: their account made, or taken
 * into a group. Unlocking is none of them: the leaver protocol itself unlocks, for the test of the new password.
 */
export async function openingsSince(company: Company, since: number, ids: readonly string[]): Promise<string[]> {
  const client = new Client({ url: company.server.plainUrl, timeout: 20_000 })
  try {
    await client.bind(company.server.service.dn, company.server.service.password)
    const { searchEntries } = await client.search('cn=accesslog', {
      scope: 'one',
      filter: `(&(reqStart>=${generalizedTime(since)})(|(objectClass=auditAdd)(objectClass=auditModify)))`,
      attributes: ['reqDN', 'reqStart', 'reqMod'],
      paged: true,
    })
    const wanted = new Set(ids)
    return searchEntries
      .filter((entry) => String(entry['reqDN']).endsWith(company.base))
      .flatMap((entry) => {
        const written = [entry['reqMod'] ?? []].flat().map(String)
        const opening = written.filter((line) => wanted.has(openedBy(line) ?? ''))
        return opening.map((line) => `${String(entry['reqStart'])} ${String(entry['reqDN'])} ${line}`)
      })
  } finally {
    await client.unbind()
  }
}

/** Whom this line of a write lets in; of an addition every attribute is told as added. */
function openedBy(line: string): string | undefined {
  const made = /^employeeNumber:\+ (.+)$/.exec(line)?.[1]
  // By the name and not by the whole DN: the account may have been moved since.
  const joined = /^member:\+ uid=given(e\d+)\.surname/i.exec(line)?.[1]
  return made ?? joined?.toUpperCase()
}

/** RFC 4517, section 3.3.13, in UTC with microseconds, as the access log writes it. */
function generalizedTime(instant: number): string {
  return new Date(instant).toISOString().replaceAll(/[-:T]/g, '').replace('Z', '000Z')
}
