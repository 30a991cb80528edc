// Protected accounts, which only people shut (law 14): what somebody said of them, and what can be seen of it.
import type { Change } from '../model/change.ts'
import { summarise } from '../model/errors.ts'
import { MINUTE, SECOND } from '../model/instant.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { AuditRecord, Link } from '../model/ledger.ts'
import { globs } from '../plan/index.ts'
import { planConcerned } from './concerned.ts'
import type { Keyturn } from './context.ts'
import { overlaid } from './people.ts'

const answerAtMost = 5 * SECOND
/** More would be planned as everybody is, and not as a few. */
const atOnce = 100
const mostAudit = 1_000

/** Which of these protected accounts are seen to be open; null where the platform does not answer. */
export async function stillOpen(
  keyturn: Keyturn,
  platform: string,
  people: readonly IdentityId[],
): Promise<readonly Change[] | null> {
  const { ledger, connectors, logger } = keyturn
  const down = new Set([...connectors.keys()].filter((id) => id !== platform))
  const found: Change[] = []
  try {
    for (let start = 0; start < people.length; start += atOnce) {
      const some = people.slice(start, start + atOnce)
      const asking = { signal: AbortSignal.timeout(MINUTE), patience: answerAtMost, down }
      const identities = await overlaid(keyturn, await ledger.identitiesById(some))
      const { planned, blind } = await planConcerned(keyturn, identities, asking)
      if (blind.includes(platform) || !connectors.has(platform)) return null
      const { doneByHand = [], withheld } = planned.plan
      // Another account than the one that was recorded is held again.
      const held = withheld.flatMap(({ why, change }) =>
        why === 'protected' && change.kind === 'disable' ? change : [],
      )
      found.push(...[...doneByHand, ...held].filter((one) => one.platform === platform && some.includes(one.identity)))
    }
    return found
  } catch (error) {
    // The word is recorded, whatever becomes of the look.
    logger.warn('nobody could look whether protected accounts are shut', { platform, ...summarise(error) })
    return null
  }
}

/** Null: the account is not protected. Else the record that it was shut by hand, as far as that word stands; null: nobody said so. */
export async function saidByHand(
  { ledger, settings }: Keyturn,
  { id }: Identity,
  link: Link | null,
): Promise<{ readonly record: AuditRecord | null } | null> {
  const isProtected = globs(settings.safety.protected)
  if (link === null || !(isProtected(link.name) || isProtected(link.address))) return null
  const { doneByHand } = await ledger.decisions(link.platform, [id])
  if (doneByHand.size === 0) return { record: null }
  const audit = await ledger.auditOf(id, mostAudit)
  const approvals = audit.filter(({ action, platform }) => action === 'hold-approved' && platform === link.platform)
  for (const record of approvals) {
    const [hold] = await ledger.holds({ id: Number(record.correlation.replace('hold-', '')) })
    if (hold?.why === 'protected') return { record }
  }
  return { record: null }
}
