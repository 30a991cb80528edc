import type { EventKind, Identity, LifecycleEvent } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import { isShut } from './state.ts'

/**
 * Attributes that say where somebody works and for whom: a change of one is a move. Compared by letters only, without
 * regard to case, so that `costCenter` and `cost_center` are one. Nothing depends on it but the word in the history.
 */
const movers: ReadonlySet<string> = new Set([
  'businessunit',
  'company',
  'costcenter',
  'department',
  'division',
  'job',
  'jobtitle',
  'location',
  'manager',
  'office',
  'organisation',
  'organization',
  'position',
  'site',
  'team',
  'title',
  'unit',
])

/** What happened to a person between two descriptions: for whom to look again, and for the history. */
export function eventsOf(previous: Identity | null, current: Identity, now: Instant): LifecycleEvent[] {
  const changed = previous === null ? [] : changedNames(previous, current)
  const event = (kind: EventKind, effectiveAt: Instant): LifecycleEvent => ({
    kind,
    identity: current.id,
    effectiveAt,
    observedAt: now,
    reason: current.reason,
    changed,
  })
  const events: LifecycleEvent[] = []
  const kind = transition(previous, current) ?? changeKind(changed)
  if (kind !== null) events.push(event(kind, effectiveAt(kind, previous, current, now)))
  // People who left drop out of many feeds after a while; that is no news.
  if (previous === null || isShut(previous.state)) return events
  if (previous.vanishedAt === null && current.vanishedAt !== null) events.push(event('vanished', current.vanishedAt))
  if (previous.vanishedAt !== null && current.vanishedAt === null) events.push(event('reappeared', now))
  return events
}

/** The event that a change of state is; null where the state stays, or changes between two that are both shut. */
function transition(previous: Identity | null, { state }: Identity): EventKind | null {
  if (previous === null) return isShut(state) ? null : 'joiner'
  const before = previous.state
  if (before === state) return null
  if (isShut(state)) return isShut(before) ? null : 'leaver'
  if (isShut(before)) return 'rehire'
  // A start that moved into the future closes access until then, as a leave of absence does.
  if (state !== 'active') return 'suspension'
  return before === 'pre-hire' ? 'joiner' : 'return'
}

function changeKind(changed: readonly string[]): EventKind | null {
  if (changed.length === 0) return null
  const isMove = changed.some((name) => movers.has(name.toLowerCase().replaceAll(/[^a-z]/g, '')))
  return isMove ? 'mover' : 'attribute-change'
}

function effectiveAt(kind: EventKind, previous: Identity | null, current: Identity, now: Instant): Instant {
  const { startsAt, leftAt } = current
  if (kind === 'leaver' && leftAt !== null) return leftAt
  if (kind === 'joiner') return startsAt ?? now
  // A rehire begins with its start, unless the same employment only goes on.
  const goneSince = previous?.leftAt ?? null
  if (kind === 'rehire' && startsAt !== null && goneSince !== null && startsAt >= goneSince) return startsAt
  return now
}

function changedNames(previous: Identity, current: Identity): readonly string[] {
  const fields = (['status', 'startsAt', 'endsAt', 'accessEndsAt', 'held'] as const).filter(
    (name) => previous[name] !== current[name],
  )
  const isStillShut = previous.state !== current.state && isShut(previous.state) && isShut(current.state)
  return [
    ...different(previous.attributes, current.attributes),
    ...different(previous.references, current.references),
    ...fields,
    ...(isStillShut ? ['state'] : []),
  ]
}

function different(a: Readonly<Record<string, string | null>>, b: Readonly<Record<string, string | null>>): string[] {
  if (a === b) return []
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => a[name] !== b[name])
}
