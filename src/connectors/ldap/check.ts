import { randomUUID } from 'node:crypto'
import type { Complaint } from '../../model/connector.ts'
import { DAY } from '../../model/instant.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Connection } from '../directory/connection.ts'
import { deleteValues } from '../directory/edits.ts'
import { isLoopback } from '../directory/endpoint.ts'
import type { Entry } from '../directory/entry.ts'
import { LdapResultError, directoryError } from '../directory/errors.ts'
import { readEntry, searchAll } from '../directory/search.ts'
import { accountFilter, managedAttributes } from './accounts.ts'
import type { Catalogue } from './catalogue.ts'
import type { ServerFacts } from './server.ts'

/** A certificate that ends sooner than this is worth a warning. */
const certificateWarning = 30 * DAY

export interface CheckPort {
  readonly settings: DirectorySettings
  readonly facts: ServerFacts
  readonly catalogue: Catalogue
  readonly connection: Connection
  readonly now: number
  readonly signal: AbortSignal
}

/** Everything that `doctor` wants to know of this server. Throws what makes looking further useless. */
export async function complaintsOf(port: CheckPort): Promise<readonly Complaint[]> {
  return [
    fact(`${port.settings.url} is ${port.facts.name}; signed in as ${port.settings.bind.dn}`),
    ...transport(port),
    ...disabling(port),
    ...(await groups(port)),
    ...(await accounts(port)),
  ]
}

function fact(message: string): Complaint {
  return { severity: 'fact', message }
}

function transport({ settings, connection, now }: CheckPort): Complaint[] {
  const ends = connection.certificateEnds
  if (ends === null) {
    if (isLoopback(connection.endpoint.host)) return []
    const message = `${settings.url} is not encrypted (insecure: true): passwords travel in the clear`
    return [{ severity: 'warning', message, hint: 'Use an ldaps:// url.' }]
  }
  const message = `the certificate of ${connection.endpoint.where} ends on ${new Date(ends).toISOString().slice(0, 10)}`
  if (ends - now > certificateWarning) return [fact(message)]
  return [{ severity: 'warning', message, hint: 'Renew it before: then nobody could be provisioned, or shut, here.' }]
}

/** Which means of shutting an account this server has, and where it would ignore one. */
function disabling({ settings, facts }: CheckPort): Complaint[] {
  const { means, policy } = facts
  const said: Complaint[] = []
  const names = [
    ...(means.nsAccountLock ? ['nsAccountLock'] : []),
    ...(means.lockedTime ? ['pwdAccountLockedTime'] : []),
    ...(means.endTime ? ['pwdEndTime'] : []),
    ...(means.hash ? ['a password hash that matches nothing'] : []),
  ]
  said.push(
    fact(
      `accounts are shut by ${names.join(' and ')}; shadowExpire and the login shell follow where an account has them`,
    ),
  )
  if (facts.vendor === 'openldap' && policy !== null && !policy.lockout) {
    said.push({
      severity: 'warning',
      message: `a password policy (${policy.source}) has pwdLockout not TRUE, so pwdAccountLockedTime blocks no sign-in`,
      hint: means.endTime
        ? 'Keyturn uses pwdEndTime. With pwdLockout TRUE it would use both, and an end date and a lock could stand side by side.'
        : 'Set pwdLockout TRUE; until then Keyturn makes the password hash unusable.',
    })
  }
  if (facts.vendor === 'openldap' && policy === null) {
    said.push({
      severity: 'warning',
      message: facts.attributes.has('pwdaccountlockedtime')
        ? 'the password policy overlay is loaded, but no policy (objectClass pwdPolicy) can be read, so it is not relied on'
        : 'there is no password policy overlay; accounts are shut by making the password hash unusable',
      hint: 'The overlay ppolicy with pwdLockout TRUE shuts accounts without touching the password. Without it Keyturn must be able to read userPassword.',
    })
  }
  if (policy !== null) said.push(fact(`passwords need at least ${policy.minLength} characters (${policy.source})`))
  if (settings.schema.posix === undefined) return said
  const { uidNumbers } = settings.schema.posix
  const counted = uidNumbers.counter === undefined ? 'counted in the ledger' : `counted by ${uidNumbers.counter}`
  said.push(fact(`uid numbers are ${counted}, from ${uidNumbers.from} to ${uidNumbers.to}`))
  return said
}

async function groups({ settings, catalogue, connection }: CheckPort): Promise<Complaint[]> {
  const said = catalogue.clashes.map((name): Complaint => {
    const message = `two groups of the catalogue are called "${name}"; only the first is used`
    return { severity: 'error', message, hint: 'Give one of them another name under entitlements.named.' }
  })
  for (const [name, { id }] of Object.entries(settings.entitlements.named)) {
    if (catalogue.byName.has(name)) continue
    const message = `the group "${name}" (${id}) does not exist, cannot be read, or is no kind of group that Keyturn knows`
    said.push({ severity: 'error', message, hint: 'Check the DN, the right to read it, and its object class.' })
  }
  for (const { dn } of settings.entitlements.under) {
    if ((await readEntry(connection, dn, ['1.1'])) !== undefined) continue
    said.push({ severity: 'error', message: `${dn} (entitlements.under) does not exist or cannot be read` })
  }
  const needy = [...catalogue.byName.values()].filter((group) => group.neverEmpty)
  if (needy.length > 0 && settings.schema.placeholder === undefined) {
    const message = `${needy.length} groups must not become empty, and there is no schema.placeholder for the last one who leaves`
    said.push({
      severity: 'warning',
      message,
      hint: 'State the DN of an entry that stands for "nobody", such as cn=nobody,….',
    })
  }
  said.push(fact(`${catalogue.byName.size} groups are in the catalogue`))
  return said
}

/** Counts what can be read, and asks for the rights on one account and on every kind of group. */
async function accounts(port: CheckPort): Promise<Complaint[]> {
  const { settings, connection, signal, catalogue, facts } = port
  let count = 0
  let sample: Entry | undefined
  const spec = { base: settings.base, scope: 'sub', filter: accountFilter(settings), attributes: ['1.1'] } as const
  try {
    await searchAll(
      connection,
      spec,
      (entry) => {
        count++
        sample ??= entry
      },
      signal,
    )
  } catch (error) {
    const { message, hint } = directoryError(error, {
      platform: settings.id,
      doing: `reading accounts under ${settings.base}`,
    })
    return [{ severity: 'error', message, ...(hint === undefined ? {} : { hint }) }]
  }
  const said = [fact(`${count} accounts are under ${settings.base}`)]
  if (sample !== undefined) {
    const locks = facts.means.nsAccountLock ? ['nsAccountLock'] : facts.means.lockedTime ? ['pwdAccountLockedTime'] : []
    said.push(...(await rights(port, sample.dn, ['userPassword', ...locks, ...managedAttributes(settings)])))
  }
  const kinds = new Map([...catalogue.byName.values()].map((group) => [group.memberAttribute, group]))
  for (const [attribute, group] of kinds) said.push(...(await rights(port, group.address, [attribute])))
  return said
}

/**
 * Asks the server itself, by a request that cannot succeed: deleting a value that no entry has. Without the right it answers
 * 50, with it 16 (no such value) or a complaint about the value.
 */
async function rights({ connection }: CheckPort, dn: string, wanted: readonly string[]): Promise<Complaint[]> {
  const lacking: string[] = []
  for (const attribute of wanted) {
    if ((await codeOfDeleting(connection, dn, attribute)) === 50) lacking.push(attribute)
  }
  if (lacking.length === 0) return []
  const message = `no right to write ${lacking.join(', ')} (asked of ${dn})`
  return [{ severity: 'error', message, hint: 'docs/connectors/ldap.md lists the rights that Keyturn needs.' }]
}

/** The syntax is looked at before the rights, so the value must have the attribute's: text, a DN, a time. */
async function codeOfDeleting(connection: Connection, dn: string, attribute: string): Promise<number> {
  const unique = randomUUID()
  for (const value of [unique, `cn=${unique}`, '99991231235959Z']) {
    try {
      await connection.modify(dn, [deleteValues(attribute, [value])])
    } catch (error) {
      if (!(error instanceof LdapResultError)) throw error
      if (error.code !== 21) return error.code
    }
  }
  return 0
}
