import type { Identity, IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Place } from '../model/place.ts'
import type { SourceSettings } from '../model/settings.ts'
import { showInstant } from './dates.ts'
import type { Facts } from './mapping.ts'
import type { Resolved } from './references.ts'
import { isShut, stateAt } from './state.ts'
import type { StateAnswer } from './state.ts'

/** Everything that is known about one person when the state is worked out. */
export interface Known {
  readonly id: IdentityId
  readonly key: string
  readonly facts: Facts
  readonly previous: Identity | null
  /** False where the facts are those of the previous read: the row is the same, set aside, or not there. */
  readonly isNew: boolean
  readonly resolved: Resolved
  readonly vanishedAt: Instant | null
  readonly overdue: 'hold' | 'suspend' | null
  readonly now: Instant
}

/** The person as they are at `now`. The same object as before where nothing at all is different. */
export function identityOf(known: Known, settings: SourceSettings): Identity {
  const { facts, previous, now } = known
  const { status, startsAt, endsAt, accessEndsAt, zone, attributes, recordHash, place } = facts
  const answer = stateAt({ status, startsAt, endsAt, accessEndsAt, now, previous, overdue: known.overdue })
  const { references, unresolved } = known.resolved
  const identity: Identity = {
    id: known.id,
    source: settings.id,
    key: known.key,
    attributes,
    references,
    ...(Object.keys(unresolved).length === 0 ? {} : { unresolved }),
    status,
    startsAt,
    endsAt,
    accessEndsAt,
    zone,
    state: answer.state,
    next: answer.next,
    held: heldText(answer, known, settings),
    leftAt: answer.leftAt,
    announcedAt: announcedAt(known),
    vanishedAt: known.vanishedAt,
    leftBeforeFirstSeen: isShut(answer.state) && (previous?.leftBeforeFirstSeen ?? true),
    firstSeenAt: previous?.firstSeenAt ?? now,
    reason: { kind: 'source', text: reasonText(answer, known, settings), place },
    recordHash,
    place,
  }
  const isUntouched =
    previous !== null &&
    previous.recordHash === recordHash &&
    samePlace(previous.place, place) &&
    same(previous, identity)
  return isUntouched ? previous : identity
}

/** What the previous read told, as facts. */
export function factsOf(previous: Identity, place: Place): Facts {
  // The status text is the reason's beginning and ends with its last quote; a date may follow.
  const { text } = previous.reason
  return { ...previous, place, statusText: text.slice(0, text.lastIndexOf('"') + 1) }
}

/**
 * Do two descriptions of a person mean the same? Lines move and columns that nobody uses change without anything to
 * write: place and hash of the row are not compared.
 */
export function same(a: Identity, b: Identity): boolean {
  return (
    a.state === b.state &&
    a.status === b.status &&
    a.held === b.held &&
    a.zone === b.zone &&
    a.leftBeforeFirstSeen === b.leftBeforeFirstSeen &&
    a.reason.text === b.reason.text &&
    a.next?.at === b.next?.at &&
    a.next?.state === b.next?.state &&
    instants.every((name) => a[name] === b[name]) &&
    sameEntries(a.attributes, b.attributes) &&
    sameEntries(a.references, b.references)
  )
}

const instants = ['startsAt', 'endsAt', 'accessEndsAt', 'leftAt', 'announcedAt', 'vanishedAt'] as const

function sameEntries(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  if (a === b) return true
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

function samePlace(a: Place, b: Place): boolean {
  return a.line === b.line && a.file === b.file
}

/** The first read that told the present ends. */
function announcedAt({ facts, previous, now }: Known): Instant | null {
  if (facts.endsAt === null && facts.accessEndsAt === null) return null
  const isKnown = previous?.endsAt === facts.endsAt && previous.accessEndsAt === facts.accessEndsAt
  return isKnown ? previous.announcedAt : now
}

function heldText({ held }: StateAnswer, { facts, vanishedAt }: Known, settings: SourceSettings): string | null {
  if (held === null) return null
  if (held === 'vanished') return `vanished: not in the feed since ${since(vanishedAt)}`
  const dates = dateNames
    .filter((name) => facts[name] !== null)
    .map((name) => dateText(name, facts, settings))
    .join(', ')
  return `contradicts itself: ${facts.statusText} with ${dates}`
}

const dateNames = ['startsAt', 'endsAt', 'accessEndsAt'] as const

function reasonText(answer: StateAnswer, known: Known, settings: SourceSettings): string {
  const { facts, previous } = known
  const isHeld = answer.held !== null && previous !== null
  const isSame = !known.isNew && answer.state === previous?.state && previous.vanishedAt === null
  if (isHeld || isSame) return previous.reason.text
  switch (answer.because) {
    case 'status':
      return facts.statusText
    case 'vanished':
      return `${facts.statusText}; vanished since ${since(known.vanishedAt)}`
    case 'startsAt':
    case 'endsAt':
    case 'accessEndsAt':
      return `${facts.statusText}; ${dateText(answer.because, facts, settings)}`
  }
}

function dateText(name: (typeof dateNames)[number], facts: Facts, { identity }: SourceSettings): string {
  return `${identity[name]?.column ?? name} ${showInstant(facts[name] ?? 0, facts.zone)}`
}

function since(vanishedAt: Instant | null): string {
  return showInstant(vanishedAt ?? 0, 'UTC')
}
