// Protected accounts, which only people shut (law 14): what somebody said of them, and what can be seen of it.
import type { Change } from '../model/change.ts'
import { MINUTE, SECOND } from '../model/instant.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { AuditRecord, Link } from '../model/ledger.ts'
import { globs } from '../plan/index.ts'
import { planConcerned } from './concerned.ts'
import type { Keyturn } from './context.ts'
import { overlaid } from './people.ts'

const answerAtMost = 5 * SECOND
/** Of more people nobody looks at each; a plan for them would not be one for a few any more. */
const mostPeople = 100
const mostAudit = 1_000

/**
 * Which of these accounts were recorded as shut by hand and are seen to be open; null where the platform does not answer or
 * there are too many to look at.
 */
export async function stillOpen(
  keyturn: Keyturn,
  platform: string,
  people: readonly IdentityId[],
): Promise<readonly Change[] | null> {
  const { ledger, connectors } = keyturn
  if (people.length > mostPeople || !connectors.has(platform)) return null
  const down = new Set([...connectors.keys()].filter((id) => id !== platform))
  const asking = { signal: AbortSignal.timeout(MINUTE), patience: answerAtMost, down }
  const identities = await overlaid(keyturn, await ledger.identitiesById(people))
  const { planned, blind } = await planConcerned(keyturn, identities, asking)
  if (blind.includes(platform)) return null
  return (planned.plan.doneByHand ?? []).filter((change) => change.platform === platform)
}

/** Null: the account is not protected. Else who recorded, since the owner left, that it was shut by hand; null: nobody. */
export async function saidByHand(
  { ledger, settings }: Keyturn,
  { id, leftAt }: Identity,
  link: Link | null,
): Promise<{ readonly record: AuditRecord | null } | null> {
  const isProtected = globs(settings.safety.protected)
  if (link === null || !(isProtected(link.name) || isProtected(link.address))) return null
  const last = (await ledger.auditOf(id, mostAudit)).find(
    ({ action, platform, at }) =>
      platform === link.platform && (action === 'hold-approved' || action === 'hold-rejected') && at >= (leftAt ?? at),
  )
  return { record: last?.action === 'hold-approved' ? last : null }
}
