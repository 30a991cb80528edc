import { lookIntoSpools } from '../apply/spool-look.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { Hold } from '../model/ledger.ts'
import type { NewOverride, Override, RejectedLeavers } from '../model/running.ts'
import { overruled } from '../policy/override.ts'
import type { Explanation } from '../report/explanation.ts'
import { saidByHand } from './by-hand.ts'
import type { Keyturn } from './context.ts'
import { whyUnlinked } from './unlinked.ts'

/**
 * Everything that says why this person has what they have, from the ledger and the policy in force. A platform is looked at
 * only where the person has no account and may have one.
 */
export async function explain(
  keyturn: Keyturn,
  stored: Identity,
  options: { readonly platform?: string; readonly most: number; readonly signal: AbortSignal },
): Promise<Explanation> {
  const { ledger, policy } = keyturn
  const now = keyturn.clock()
  const spool = await spooledOf(keyturn, stored.id)
  const overrides = await ledger.overrides(now, [stored.id])
  const identity = overruled(stored, [...overrides, ...spool.words.map(asStanding)], now)
  const [held, links, obligations, events, audit, holds, rejected, read] = await Promise.all([
    ledger.heldRoles([identity.id]),
    ledger.linksOf(identity.id),
    ledger.obligations({ identity: identity.id }),
    ledger.events(identity.id, options.most),
    ledger.auditOf(identity.id, options.most),
    ledger.holds({ status: 'open' }),
    ledger.rejectedLeavers(Number.POSITIVE_INFINITY),
    ledger.acceptedRead(identity.source),
  ])
  const desired = Object.keys(keyturn.settings.platforms)
    .filter((platform) => options.platform === undefined || platform === options.platform)
    .map((platform) => policy.desire(identity, platform, held, now))
  const linkOn = (platform: string) => links.find((link) => link.platform === platform) ?? null
  const unlinked = desired.filter(({ platform }) => linkOn(platform) === null)
  const looked = await whyUnlinked(keyturn, identity, unlinked, options.signal)
  return {
    identity,
    setAside: read?.setAside?.rows ?? 0,
    sourcesSay: stored.state,
    overrides,
    spooled: spool.words,
    next: policy.nextAt(
      identity,
      policy.heldRoles(identity, held, now),
      now,
      (platform) => linkOn(platform) !== null,
      (platform) => linkOn(platform)?.shutAt ?? null,
    ),
    assignments: policy.assignments(identity, held, now),
    platforms: await Promise.all(
      desired.map(async ({ platform, state, reason, entitlements, expiresAt, held: why }) => {
        return {
          platform,
          link: linkOn(platform),
          byHand: await saidByHand(keyturn, identity, linkOn(platform)),
          grants: await ledger.grants(platform, [identity.id]),
          desired: { state, reason, entitlements, expiresAt, held: why },
          obligation: obligations.find((one) => one.platform === platform) ?? null,
          holds: holds.filter((hold) => hold.platform === platform && isHeldIn(hold, identity.id)),
          ...rejectedOn(rejected, identity.id, platform),
          ...looked.get(platform),
          isShutInSpool: spool.shut.includes(platform),
        }
      }),
    ),
    events,
    audit,
  }
}

/** It is acted on already, and the ledger will take it as it was said. */
function asStanding(word: NewOverride): Override {
  return { ...word, id: Number.MAX_SAFE_INTEGER, endedAt: null }
}

/** The platforms where this person was shut, and operators' words about them, of which the ledger does not know yet. */
async function spooledOf({ settings, clock }: Keyturn, person: IdentityId) {
  const { words, shut } = await lookIntoSpools(settings.state.folder, clock)
  return {
    words: words.filter(({ identity }) => identity === person),
    shut: shut.flatMap(({ identity, platform }) => (identity === person ? [platform] : [])),
  }
}

function rejectedOn({ first }: RejectedLeavers, person: IdentityId, platform: string) {
  const found = first.find((one) => one.identity === person && one.platform === platform)
  return found === undefined ? {} : { rejectedIn: found.hold }
}

function isHeldIn({ items }: Hold, person: IdentityId): boolean {
  return items.some(({ identity, status }) => identity === person && status === 'open')
}
