import { PagedResultsControl } from 'ldapts'
import type { Complaint } from '../../model/connector.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Connection } from '../directory/connection.ts'
import { LdapResultError } from '../directory/errors.ts'
import { anyOf } from '../directory/filters.ts'
import { portions } from '../directory/flight.ts'
import { readEntry, searchFew } from '../directory/search.ts'
import type { Groups } from './catalogue.ts'
import type { Domain } from './domain.ts'
import { signedInAs } from './self.ts'
import { byId, isUser, stateAttributes, stateOf } from './state.ts'
import type { AccountState } from './state.ts'
import { guidDn } from './values.ts'

const hint = 'docs/connectors/active-directory.md lists the rights to delegate, and the commands that do it.'
/** What the leaver protocol writes of every account. */
const alwaysWritten = ['userAccountControl', 'accountExpires', 'pwdLastSet', 'lockoutTime']
/** The domain works these out for each object; two hundred are enough to see that a delegation is missing. */
const mostGroupsLookedAt = 200

/**
 * What the account of Keyturn may do, as the domain controller works it out for whoever asks (allowedAttributesEffective,
 * allowedChildClassesEffective). The right to reset passwords is not among what it tells.
 */
export async function checkRights(domain: Domain, connection: Connection): Promise<Complaint[]> {
  return [
    ...(await checkContainers(domain, connection)),
    ...(await checkAccount(domain, connection)),
    ...(await checkGroups(domain, connection)),
  ]
}

async function checkContainers({ settings }: Domain, connection: Connection): Promise<Complaint[]> {
  const { container } = settings.accounts
  const wanted = [
    ...('fixed' in container ? [container.text] : []),
    ...(settings.leaver.container === undefined ? [] : [settings.leaver.container]),
  ]
  const complaints: Complaint[] = []
  for (const dn of new Set(wanted)) {
    const entry = await readEntry(connection, dn, ['allowedChildClassesEffective'])
    if (entry === undefined) {
      complaints.push({ severity: 'error', message: `The container ${dn} does not exist, or cannot be read.`, hint })
    } else if (!entry.texts('allowedChildClassesEffective').includes('user')) {
      complaints.push({ severity: 'error', message: `Keyturn may not create users in ${dn}.`, hint })
    }
  }
  return complaints
}

async function checkAccount(domain: Domain, connection: Connection): Promise<Complaint[]> {
  const places = containersOf(domain.settings)
  const sample = await sampleAccount(domain, connection, places)
  if (sample === undefined) {
    const where = places.join(' and ')
    return [{ severity: 'fact', message: `There is no ordinary account in ${where} yet to look at rights with.` }]
  }
  const entry = await readEntry(connection, guidDn(sample.nativeId), ['allowedAttributesEffective'])
  const writable = new Set(entry?.texts('allowedAttributesEffective').map((name) => name.toLowerCase()))
  const wanted = [...alwaysWritten, ...Object.keys(domain.settings.accounts.attributes)]
  const missing = wanted.filter((name) => !writable.has(name.toLowerCase()))
  if (missing.length === 0) return []
  return [
    {
      severity: 'error',
      message: `Keyturn may not write ${missing.join(', ')} of accounts such as ${sample.dn}.`,
      hint,
    },
  ]
}

/** Where accounts are made and kept; everywhere, where only an expression says it. */
function containersOf({ accounts: { container }, leaver, base }: DirectorySettings): string[] {
  if (!('fixed' in container)) return [base]
  return [...new Set([container.text, ...(leaver.container === undefined ? [] : [leaver.container])])]
}

/** An account whose rights stand for all: our own and those of Windows have others. */
async function sampleAccount(
  domain: Domain,
  connection: Connection,
  places: readonly string[],
): Promise<AccountState | undefined> {
  const own = await signedInAs(domain, connection)
  for (const place of places) {
    const states = await firstStates(connection, place)
    const sample = states.find(({ dn, cannotManage }) => cannotManage === undefined && dn !== own)
    if (sample !== undefined) return sample
  }
  return undefined
}

/** One page is enough: nearly every account is an ordinary one. None where the container is not there. */
async function firstStates(connection: Connection, base: string): Promise<AccountState[]> {
  const onePage = new PagedResultsControl({ critical: true, value: { size: 50, cookie: Buffer.alloc(0) } })
  const spec = { base, scope: 'sub', filter: isUser(), attributes: stateAttributes, controls: [onePage] } as const
  const states: AccountState[] = []
  try {
    await connection.search(spec, (entry) => states.push(stateOf(entry)))
  } catch (error) {
    if (!(error instanceof LdapResultError)) throw error
  }
  return states
}

async function checkGroups(domain: Domain, connection: Connection): Promise<Complaint[]> {
  const groups = await domain.catalogue.fresh(connection)
  const complaints: Complaint[] = []
  const absent = Object.entries(domain.settings.entitlements.named).filter(([name]) => groups.named(name) === undefined)
  for (const [name, { id }] of absent) {
    complaints.push({ severity: 'error', message: `The group of the entitlement "${name}", ${id}, does not exist.` })
  }
  for (const [name, same] of Map.groupBy(groups.ambiguous, (group) => group.name)) {
    complaints.push({
      severity: 'error',
      message: `"${name}" is the name of ${same.map(({ address }) => address).join(' and of ')}: Keyturn touches none of them.`,
      hint: 'Give one of them a name of its own in entitlements.named, or narrow entitlements.under.',
    })
  }
  for (const { dn } of domain.settings.entitlements.under) {
    if ((await readEntry(connection, dn, ['1.1'])) !== undefined) continue
    complaints.push({ severity: 'error', message: `${dn}, where entitlements are looked for, does not exist.` })
  }
  return [...complaints, ...(await checkMembers(domain, connection, groups))]
}

async function checkMembers(domain: Domain, connection: Connection, groups: Groups): Promise<Complaint[]> {
  const base = await domain.namingContext(connection)
  const closed: string[] = []
  for (const some of portions(groups.all.slice(0, mostGroupsLookedAt), 100)) {
    const filter = anyOf(some.flatMap(({ nativeId }) => byId(nativeId)))
    const spec = { base, scope: 'sub', filter, attributes: ['allowedAttributesEffective'] } as const
    for (const entry of await searchFew(connection, spec)) {
      if (!entry.texts('allowedAttributesEffective').includes('member')) closed.push(entry.dn)
    }
  }
  if (closed.length === 0) return []
  const shown = closed.slice(0, 3).join('; ')
  const more = closed.length > 3 ? `; and ${closed.length - 3} more` : ''
  return [{ severity: 'error', message: `Keyturn may not change the members of ${shown}${more}.`, hint }]
}
