import type { Assignment } from '../model/account.ts'
import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Settings } from '../model/settings.ts'
import { expiryOf, hasLeft } from './lifecycle.ts'

/** A moment at which the clock alone changes something for a person: what happens, and the zone to show the moment in. */
export interface NextChange {
  readonly at: Instant
  readonly why: string
  readonly zone: string
}

type Moment = Omit<NextChange, 'zone'>

/**
 * The first such moment after `now`: what is overdue is planned now, so it is never due once more. Of several things at
 * one moment the first is told. `shutAt`: when the leaver protocol was over on a platform; null where nobody knows.
 */
export function nextChange(
  identity: Identity,
  assignments: readonly Assignment[],
  now: Instant,
  settings: Pick<Settings, 'platforms' | 'sources'>,
  isLinked: (platform: string) => boolean = () => true,
  shutAt: (platform: string) => Instant | null = () => null,
): NextChange | null {
  const moments = [
    ...ofState(identity),
    ...lingering(assignments),
    ...cleaning(identity, settings, isLinked, shutAt),
    ...vanishing(identity, settings),
    ...expiring(identity, now),
  ]
  const [first] = moments.filter(({ at }) => at > now).toSorted((a, b) => a.at - b.at)
  return first === undefined ? null : { ...first, zone: identity.zone }
}

function ofState({ next, override, state }: Identity): Moment[] {
  const ends = (override?.words ?? []).flatMap(({ until, text }) =>
    until === null ? [] : [{ at: until, why: `an operator's word ends (${text})` }],
  )
  return next === null ? ends : [{ at: next.at, why: `${state} becomes ${next.state}` }, ...ends]
}

function lingering(assignments: readonly Assignment[]): Moment[] {
  return assignments.flatMap(({ role, until }) =>
    until === undefined ? [] : [{ at: until, why: `role ${role}, which was lost, lingers no longer` }],
  )
}

/**
 * The clean-up of whoever left, and the deletion, which counts from the shutting as well: the plan deletes at the later
 * one of both.
 */
function cleaning(
  identity: Identity,
  { platforms }: Pick<Settings, 'platforms'>,
  isLinked: (platform: string) => boolean,
  shutAt: (platform: string) => Instant | null,
): Moment[] {
  if (!hasLeft(identity)) return []
  const since = identity.leftAt ?? identity.firstSeenAt
  const linked = Object.values(platforms).filter(({ id }) => isLinked(id))
  return linked.flatMap(({ id, leaver: { cleanupAfter, deleteAfter } }): Moment[] => {
    const cleanup = { at: since + cleanupAfter, why: `the clean-up on ${id} is due` }
    if (deleteAfter === 'never') return [cleanup]
    const why = `the deletion on ${id} is due`
    const shut = shutAt(id)
    const deletion = { at: since + Math.max(cleanupAfter, deleteAfter), why }
    return shut === null ? [cleanup, deletion] : [cleanup, deletion, { at: shut + deleteAfter, why }]
  })
}

/** Nobody leaves by being absent: after a while they are held or suspended, as the source says. */
function vanishing(identity: Identity, { sources }: Pick<Settings, 'sources'>): Moment[] {
  const vanished = sources[identity.source]?.vanished
  if (identity.vanishedAt === null || vanished === undefined || vanished.then === 'keep' || hasLeft(identity)) return []
  const what = vanished.then === 'hold' ? 'held' : 'suspended'
  return [{ at: identity.vanishedAt + vanished.after, why: `the record vanished, and the person is ${what}` }]
}

/** The end that is written to the platforms, where the state does not change at the same moment. */
function expiring(identity: Identity, now: Instant): Moment[] {
  const at = expiryOf(identity, hasLeft(identity) ? 'shut' : 'open', now)
  return at === null ? [] : [{ at, why: 'a known end is reached, at which the accounts expire' }]
}
