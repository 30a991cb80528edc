import type { Identity, LifecycleState } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Override } from '../model/running.ts'
import { hasLeft } from './lifecycle.ts'

/** An operator's word about a state; a freeze has none. */
type Word = Override & { readonly state: 'active' | 'left' }

/**
 * Lays operators' words over what the sources say of a person: those that stand at `now` (not ended, `until` not reached),
 * of each kind the newest. Without one, the identity comes back as it was given. Lay them over what the sources say, never
 * over an identity that was overruled before. `overrides` may hold those of other people, too.
 */
export function overruled(identity: Identity, overrides: readonly Override[], now: Instant): Identity {
  // Nothing is asked of `madeAt`: another machine's clock may be ahead, and a word to shut somebody out never waits.
  const standing = overrides.filter(
    (one) => one.identity === identity.id && one.endedAt === null && (one.until === null || now < one.until),
  )
  const word = newest(standing.filter((one): one is Word => one.state !== null))
  const freeze = newest(standing.filter(({ kind }) => kind === 'freeze'))
  const said = [freeze, word].filter((one) => one !== undefined)
  if (said.length === 0) return identity
  return {
    ...(word === undefined ? identity : restated(identity, word)),
    override: {
      words: said.map((one) => ({ kind: one.kind, text: textOf(one), until: one.until })),
      emergency: word !== undefined && isEmergency(word),
    },
  }
}

function newest<T extends Override>(overrides: readonly T[]): T | undefined {
  return overrides.toSorted((a, b) => b.madeAt - a.madeAt || b.id - a.id)[0]
}

/** Only a word that shuts somebody out passes the limits. */
function isEmergency({ state, emergency }: Override): boolean {
  return state === 'left' && emergency
}

function textOf(override: Override): string {
  const { kind, operator, reason } = override
  if (kind === 'freeze') return `frozen by ${operator}: ${reason}`
  return `${isEmergency(override) ? 'offboard' : 'override'} by ${operator}: ${reason}`
}

function restated(identity: Identity, word: Word): Identity {
  const next = nextOf(identity, word)
  return {
    ...identity,
    ...(word.state === 'left' ? leaving(identity, word) : staying(identity, word, next)),
    state: word.state,
    next,
    held: null,
    leftBeforeFirstSeen: false,
    reason: { kind: 'operator', text: textOf(word) },
  }
}

/** Whoever had left already has left since then. An exit that only the operator tells was announced by nobody. */
function leaving(identity: Identity, { madeAt }: Word): Pick<Identity, 'leftAt' | 'announcedAt'> {
  if (!hasLeft(identity)) return { leftAt: madeAt, announcedAt: null }
  return { leftAt: Math.min(madeAt, identity.leftAt ?? madeAt), announcedAt: identity.announcedAt }
}

/**
 * Ends that the record states do not end what the operator keeps open, so they must not expire the account on the
 * platform either; the end of the operator's word does, where the person has left by then.
 */
function staying(
  { endsAt, accessEndsAt }: Identity,
  { until }: Word,
  next: Identity['next'],
): Pick<Identity, 'leftAt' | 'endsAt' | 'accessEndsAt'> {
  const after = (end: Instant | null) => (until !== null && end !== null && end > until ? end : null)
  const isLast = next !== null && next.at === until && hasLeft(next)
  return { leftAt: null, endsAt: isLast ? until : after(endsAt), accessEndsAt: after(accessEndsAt) }
}

/** When the state is another one next: at the end of the operator's word, or later, by what the sources say then. */
function nextOf({ state, next }: Identity, { until, state: said }: Word): Identity['next'] {
  if (until === null) return null
  const then: LifecycleState = next !== null && next.at <= until ? next.state : state
  if (then !== said) return { at: until, state: then }
  return next !== null && next.at > until && next.state !== said ? next : null
}
