// A second platform for a company, in a server of its own.
import type { Slapd } from '../servers/slapd.ts'
import { Company } from './keyturn.ts'
import { usualRoles, usualSettings } from './settings.ts'
import type { Settings } from './settings.ts'

/** Whoever works here has an account in the directory and one on the wiki. */
export async function withWiki(company: Company, server: Slapd, more: Settings): Promise<Company> {
  const wiki = await Company.found(server)
  const { platforms } = usualSettings(wiki, server.plainUrl, await company.recipient())
  const platform = (platforms as Record<string, Settings>)['directory'] ?? {}
  await company.configure({ ...more, platforms: { wiki: platform } })
  await company.roles({ ...usualRoles, employee: { accounts: ['directory', 'wiki'] } })
  return wiki
}
