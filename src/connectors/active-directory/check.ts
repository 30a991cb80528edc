import type { Complaint } from '../../model/connector.ts'
import { summarise } from '../../model/errors.ts'
import { DAY, MINUTE, SECOND } from '../../model/instant.ts'
import type { Connection } from '../directory/connection.ts'
import type { Entry } from '../directory/entry.ts'
import { equals } from '../directory/filters.ts'
import { readEntry, searchAll } from '../directory/search.ts'
import { fromGeneralizedTime } from '../directory/time.ts'
import { readRoot } from './domain.ts'
import type { Domain } from './domain.ts'
import { domainError } from './errors.ts'
import { dnsDomain } from './names.ts'
import { readPasswordPolicy } from './policy.ts'
import { checkRights } from './rights.ts'
import { fromInterval } from './values.ts'

/** Kerberos refuses clocks that differ by more. */
const mostSkew = 5 * MINUTE
const readOnlyController = '1.2.840.113556.1.4.1920'
const levels = ['2000', '2003 interim', '2003', '2008', '2008 R2', '2012', '2012 R2', '2016', '', '', '2025']

/** Everything that `doctor` can find out by reading. A part that fails is a complaint itself, and the others are still checked. */
export async function check(domain: Domain, signal: AbortSignal): Promise<readonly Complaint[]> {
  try {
    return await domain.use(async (connection) => {
      const root = await readRoot(connection, rootAttributes)
      const complaints = [certificate(connection), ...controller(root), ...clock(domain, root)]
      for (const part of [checkDomain, checkPartitions, checkControllers, checkRights]) {
        signal.throwIfAborted()
        complaints.push(...(await tried(domain, () => part(domain, connection, root))))
      }
      return complaints.filter((complaint) => complaint !== null)
    })
  } catch (error) {
    return [complaintOf(domain, error)]
  }
}

const rootAttributes = [
  'configurationNamingContext',
  'currentTime',
  'dnsHostName',
  'domainFunctionality',
  'isSynchronized',
  'supportedCapabilities',
]

async function tried(domain: Domain, part: () => Promise<readonly Complaint[]>): Promise<readonly Complaint[]> {
  try {
    return await part()
  } catch (error) {
    return [complaintOf(domain, error)]
  }
}

function complaintOf(domain: Domain, error: unknown): Complaint {
  const known = domainError(error, { platform: domain.id, doing: 'checking the domain' })
  const { message } = summarise(known)
  return { severity: 'error', message, ...(known.hint === undefined ? {} : { hint: known.hint }) }
}

function certificate(connection: Connection): Complaint | null {
  const days = connection.certificateEnds === null ? null : (connection.certificateEnds - Date.now()) / DAY
  if (days === null || days > 30) return null
  return {
    severity: 'warning',
    message: `The certificate of ${connection.endpoint.where} ends in ${Math.floor(days)} days; nothing can be revoked here after that.`,
    hint: 'Renew it in time.',
  }
}

function controller(root: Entry): Complaint[] {
  const level = levels[Number(root.text('domainFunctionality') ?? -1)] ?? 'unknown'
  const host = root.text('dnsHostName') ?? 'the domain controller'
  const complaints: Complaint[] = [
    { severity: 'fact', message: `${host} answers; the functional level of the domain is Windows Server ${level}.` },
  ]
  if (root.texts('supportedCapabilities').includes(readOnlyController)) {
    complaints.push({
      severity: 'error',
      message: `${host} is a read-only domain controller: nothing can be changed there.`,
      hint: 'Name a writable one in `url`.',
    })
  }
  if (root.text('isSynchronized') === 'FALSE') {
    complaints.push({
      severity: 'warning',
      message: `${host} has not finished its first replication: it may not know all accounts.`,
    })
  }
  return complaints
}

function clock(domain: Domain, root: Entry): Complaint[] {
  const theirs = fromGeneralizedTime(root.text('currentTime') ?? '')
  if (theirs === null) return []
  const skew = Math.abs(theirs - domain.clock())
  if (skew < 10 * SECOND) return []
  const seconds = Math.round(skew / SECOND)
  return [
    {
      severity: skew > mostSkew ? 'error' : 'warning',
      message: `The clock of the domain controller differs from this machine's by ${seconds} s; expiry dates count from it.`,
      hint: 'Let both follow the same time server.',
    },
  ]
}

async function checkDomain(domain: Domain, connection: Connection): Promise<Complaint[]> {
  const base = await domain.namingContext(connection)
  const policy = await readPasswordPolicy(domain, connection)
  const top = await readEntry(connection, base, ['lockoutThreshold', 'lockoutDuration'])
  const tries = Number(top?.text('lockoutThreshold') ?? 0)
  const minutes = Math.round((fromInterval(top?.text('lockoutDuration')) ?? 0) / MINUTE)
  return [
    {
      severity: 'fact',
      message: `Passwords need ${policy.length} characters of ${policy.classes} kinds (${policy.source}).`,
      hint: 'Fine-grained policies that the account of Keyturn cannot read are not among these.',
    },
    {
      severity: 'fact',
      message:
        tries === 0
          ? 'Accounts are never locked for wrong passwords.'
          : `Accounts are locked after ${tries} wrong passwords${minutes === 0 ? '' : ` for ${minutes} minutes`}.`,
    },
    {
      severity: 'fact',
      message:
        'Disabling sets the bit in userAccountControl and accountExpires. New sign-ins are refused at once; Kerberos tickets that were issued before live on.',
    },
  ]
}

/** Recycle bin and suffixes of userPrincipalName are kept with the partitions of the forest. */
async function checkPartitions({ settings }: Domain, connection: Connection, root: Entry): Promise<Complaint[]> {
  const dn = `CN=Partitions,${root.text('configurationNamingContext') ?? ''}`
  const partitions = await readEntry(connection, dn, ['msDS-EnabledFeature', 'uPNSuffixes'])
  if (partitions === undefined) return []
  const complaints: Complaint[] = []
  if (!partitions.texts('msDS-EnabledFeature').some((feature) => /^CN=Recycle Bin Feature,/i.test(feature))) {
    complaints.push({
      severity: 'warning',
      message:
        'The recycle bin of the forest is off: an account that is deleted by mistake comes back without its groups.',
      hint: 'Enable-ADOptionalFeature "Recycle Bin Feature" turns it on. `leaver.delete-after: never` avoids the question.',
    })
  }
  const suffix = settings.schema.upnSuffix?.toLowerCase()
  const known = [dnsDomain(settings.base), ...partitions.texts('uPNSuffixes')].map((one) => one.toLowerCase())
  if (suffix !== undefined && !known.includes(suffix)) {
    complaints.push({
      severity: 'warning',
      message: `The suffix "${suffix}" of userPrincipalName is not registered in the forest (${known.join(', ')}).`,
      hint: 'Add it in "Active Directory Domains and Trusts", or correct the configuration.',
    })
  }
  return complaints
}

async function checkControllers(_domain: Domain, connection: Connection, root: Entry): Promise<Complaint[]> {
  const base = `CN=Sites,${root.text('configurationNamingContext') ?? ''}`
  let count = 0
  const spec = { base, scope: 'sub', filter: equals('objectClass', 'nTDSDSA'), attributes: ['1.1'] } as const
  await searchAll(connection, spec, () => count++)
  if (count < 2) return []
  return [
    {
      severity: 'fact',
      message: `The forest has ${count} domain controllers: what is disabled here is open at the others until it is replicated.`,
      hint: 'Between sites that can take minutes to hours. Name the domain controller nearest to the people, or let sites notify each other of changes.',
    },
  ]
}
