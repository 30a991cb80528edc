import type { DesiredAccount } from '../model/account.ts'
import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Reason } from '../model/place.ts'
import type { LeaverSettings } from '../model/settings.ts'

type Standing = Pick<DesiredAccount, 'state' | 'create' | 'reason'>

/**
 * What the lifecycle makes of an account, and why. `given`: the role that gives an account here, if one does; a person
 * whom none does keeps a door nowhere, but only an account that is linked already is shut for it (see `matchable`).
 */
export function standingOf(identity: Identity, platform: string, given: Reason | undefined): Standing {
  switch (identity.state) {
    case 'left':
    case 'archived':
      return { state: 'shut', create: false, reason: identity.reason }
    case 'suspended':
      return { state: 'closed', create: false, reason: identity.reason }
    case 'pre-hire':
    case 'active': {
      if (given !== undefined) {
        return { state: identity.state === 'active' ? 'open' : 'closed', create: true, reason: given }
      }
      const text = `no role gives an account on ${platform} any more`
      return { state: 'shut', create: false, reason: { kind: 'rule', text, place: identity.place } }
    }
  }
}

/**
 * May an existing account be found for this person? Of those who left every account must be found; of the others only
 * where a role says that they have one, so that a platform that is not theirs is left alone.
 */
export function matchable(identity: Identity, given: Reason | undefined): boolean {
  return given !== undefined || hasLeft(identity)
}

/**
 * Stripping and moving, when it is due: `cleanup-after` counts from the moment somebody left. A person who only lost this
 * platform has no such moment in the record: without a delay the clean-up is due at once; with one the shut account keeps
 * what it has, ready for a return, until the person leaves. `delete-after` counts from the same moment (and, in the
 * plan, from the shutting), only for those who left: an account that somebody may come back to is never deleted.
 */
export function cleanupOf(
  identity: Identity,
  state: DesiredAccount['state'],
  leaver: LeaverSettings,
  now: Instant,
): DesiredAccount['cleanup'] {
  if (state !== 'shut') return null
  const since = identity.leftAt ?? identity.firstSeenAt
  const isDue = hasLeft(identity) ? now >= since + leaver.cleanupAfter : leaver.cleanupAfter === 0
  if (!isDue) return null
  const { strip, keep, container, deleteAfter } = leaver
  const remove = deleteAfter !== 'never' && hasLeft(identity) && now >= since + deleteAfter
  return { strip, keep, ...(container === undefined ? {} : { container }), ...(remove ? { remove } : {}) }
}

/**
 * When the platform itself should shut the account: the earlier of the known ends of access and of employment that lie
 * ahead. An end before the start belongs to an earlier employment.
 */
export function expiryOf(identity: Identity, state: DesiredAccount['state'], now: Instant): Instant | null {
  if (state === 'shut') return null
  const from = Math.max(now, (identity.startsAt ?? now) - 1)
  const ahead = [identity.accessEndsAt, identity.endsAt].filter((end) => end !== null && end > from)
  return ahead.reduce((first, end) => (first === null || (end !== null && end < first) ? end : first), null)
}

/**
 * Is this the exit that an earlier read announced? Only at or after the announced end: somebody who leaves before the
 * announced day is a surprise, and counts.
 */
export function isAnnounced(identity: Identity, now: Instant): boolean {
  const { announcedAt, endsAt, leftAt } = identity
  if (!hasLeft(identity)) return false
  if (announcedAt === null || endsAt === null || leftAt === null) return false
  return announcedAt < leftAt && endsAt <= leftAt && leftAt <= now
}

/** Somebody who left before Keyturn came. Who was hired again and leaves once more is a leaver like any other. */
export function isBacklog(identity: Identity): boolean {
  const { leftBeforeFirstSeen, leftAt, firstSeenAt } = identity
  return hasLeft(identity) && leftBeforeFirstSeen && (leftAt === null || leftAt <= firstSeenAt)
}

export function hasLeft({ state }: Pick<Identity, 'state'>): boolean {
  return state === 'left' || state === 'archived'
}
