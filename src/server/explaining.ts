import type { Identity, IdentityId } from '../model/identity.ts'
import type { Hold } from '../model/ledger.ts'
import type { Explanation } from '../report/explanation.ts'
import type { Keyturn } from './context.ts'
import { overlaid } from './people.ts'

/** Everything that says why this person has what they have, from the ledger and the policy in force. */
export async function explain(
  keyturn: Keyturn,
  stored: Identity,
  options: { readonly platform?: string; readonly most: number },
): Promise<Explanation> {
  const { ledger, policy } = keyturn
  const now = keyturn.clock()
  const [identity = stored] = await overlaid(keyturn, [stored])
  const [held, overrides, links, obligations, events, audit, holds, rejected, read] = await Promise.all([
    ledger.heldRoles([identity.id]),
    ledger.overrides(now, [identity.id]),
    ledger.linksOf(identity.id),
    ledger.obligations({ identity: identity.id }),
    ledger.events(identity.id, options.most),
    ledger.auditOf(identity.id, options.most),
    ledger.holds({ status: 'open' }),
    ledger.rejectedLeavers(Number.POSITIVE_INFINITY),
    ledger.acceptedRead(identity.source),
  ])
  const platforms = Object.keys(keyturn.settings.platforms).filter(
    (platform) => options.platform === undefined || platform === options.platform,
  )
  const linkOn = (platform: string) => links.find((link) => link.platform === platform)
  const rejectedOn = (platform: string) => {
    const found = rejected.first.find((one) => one.identity === identity.id && one.platform === platform)
    return found === undefined ? {} : { rejectedIn: found.hold }
  }
  return {
    identity,
    setAside: read?.setAside?.rows ?? 0,
    sourcesSay: stored.state,
    overrides,
    next: policy.nextAt(
      identity,
      policy.heldRoles(identity, held, now),
      now,
      (platform) => linkOn(platform) !== undefined,
      (platform) => linkOn(platform)?.shutAt ?? null,
    ),
    assignments: policy.assignments(identity, held, now),
    platforms: await Promise.all(
      platforms.map(async (platform) => {
        const { state, reason, entitlements, expiresAt, held: why } = policy.desire(identity, platform, held, now)
        return {
          platform,
          link: links.find((link) => link.platform === platform) ?? null,
          grants: await ledger.grants(platform, [identity.id]),
          desired: { state, reason, entitlements, expiresAt, held: why },
          obligation: obligations.find((one) => one.platform === platform) ?? null,
          holds: holds.filter((hold) => hold.platform === platform && isHeldIn(hold, identity.id)),
          ...rejectedOn(platform),
        }
      }),
    ),
    events,
    audit,
  }
}

function isHeldIn({ items }: Hold, person: IdentityId): boolean {
  return items.some(({ identity, status }) => identity === person && status === 'open')
}
