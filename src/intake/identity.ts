import type { Identity, IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Place } from '../model/place.ts'
import type { SourceSettings } from '../model/settings.ts'
import { showDate, showInstant } from './dates.ts'
import type { Facts } from './mapping.ts'
import type { Resolved } from './references.ts'
import { isShut, stateAt } from './state.ts'
import type { StateAnswer } from './state.ts'

/** Somebody of whom there is something to say, before their references and their state are worked out. */
export interface Draft {
  readonly id: IdentityId
  readonly key: string
  readonly facts: Facts
  readonly previous: Identity | null
  /** False where the facts are those of the previous read: the row is the same, set aside, or not there. */
  readonly isNew: boolean
  /** Is there a row with this key? */
  readonly isPresent: boolean
  /** The texts of its references in this read; null where it has none. */
  readonly texts: Readonly<Record<string, string>> | null
  readonly vanishedAt: Instant | null
  readonly overdue: 'hold' | 'suspend' | null
}

/** Somebody as they are now. */
export interface Settled {
  readonly draft: Draft
  readonly identity: Identity
}

/** The person as they are at `now`. The same object as before where nothing at all is different. */
export function identityOf(draft: Draft, resolved: Resolved, now: Instant, settings: SourceSettings): Identity {
  const { facts, previous } = draft
  const { status, startsAt, endsAt, accessEndsAt, zone, attributes, recordHash, place } = facts
  const answer = stateAt({ status, startsAt, endsAt, accessEndsAt, now, previous, overdue: draft.overdue })
  const { references, unresolved } = resolved
  if (previous !== null && isUntouched(draft, previous, answer) && sameResolved(previous, resolved)) return previous
  return {
    id: draft.id,
    source: settings.id,
    key: draft.key,
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
    held: heldText(answer, draft, settings),
    leftAt: answer.leftAt,
    announcedAt: announcedAt(draft, now),
    vanishedAt: draft.vanishedAt,
    leftBeforeFirstSeen: isShut(answer.state) && (previous?.leftBeforeFirstSeen ?? true),
    firstSeenAt: previous?.firstSeenAt ?? now,
    reason: { kind: 'source', text: reasonText(answer, draft, settings), place },
    recordHash,
    place,
  }
}

function sameResolved(a: Pick<Identity, 'references' | 'unresolved'>, b: Pick<Identity, 'references' | 'unresolved'>) {
  return sameEntries(a.references, b.references) && sameEntries(a.unresolved ?? none, b.unresolved ?? none)
}

const none = {}

/** The same row on the same line, and the clock makes nothing else of it: by far the most frequent case. */
function isUntouched({ isNew, facts, vanishedAt }: Draft, previous: Identity, answer: StateAnswer): boolean {
  return (
    !isNew &&
    vanishedAt === null &&
    previous.vanishedAt === null &&
    answer.held === null &&
    previous.held === null &&
    answer.state === previous.state &&
    answer.leftAt === previous.leftAt &&
    answer.next?.at === previous.next?.at &&
    facts.place.line === previous.place.line &&
    facts.place.file === previous.place.file
  )
}

/** What the previous read told, as facts. */
export function factsOf(previous: Identity, place: Place): Facts {
  // The status text is the reason's beginning and ends with its last quote; a date may follow.
  const { text } = previous.reason
  const { attributes, status, startsAt, endsAt, accessEndsAt, zone, recordHash } = previous
  const statusText = text.slice(0, text.lastIndexOf('"') + 1)
  return { attributes, status, startsAt, endsAt, accessEndsAt, zone, statusText, recordHash, place }
}

/**
 * Do two descriptions of a person mean the same? Lines move and columns that nobody uses change without anything to
 * write: place and hash of the row are not compared.
 */
export function same(a: Identity, b: Identity): boolean {
  if (a === b) return true
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
    sameResolved(a, b)
  )
}

const instants = ['startsAt', 'endsAt', 'accessEndsAt', 'leftAt', 'announcedAt', 'vanishedAt'] as const

function sameEntries(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  if (a === b) return true
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

/** The first read that told the present ends. */
function announcedAt({ facts, previous }: Draft, now: Instant): Instant | null {
  if (facts.endsAt === null && facts.accessEndsAt === null) return null
  const isKnown = previous?.endsAt === facts.endsAt && previous.accessEndsAt === facts.accessEndsAt
  return isKnown ? previous.announcedAt : now
}

function heldText({ held }: StateAnswer, { facts, vanishedAt }: Draft, settings: SourceSettings): string | null {
  if (held === null) return null
  if (held === 'vanished') return `vanished: not in the feed since ${since(vanishedAt)}`
  const dates = dateNames
    .filter((name) => facts[name] !== null)
    .map((name) => dateText(name, facts, settings))
    .join(', ')
  return `contradicts itself: ${facts.statusText} with ${dates}`
}

const dateNames = ['startsAt', 'endsAt', 'accessEndsAt'] as const

function reasonText(answer: StateAnswer, draft: Draft, settings: SourceSettings): string {
  const { facts, previous } = draft
  const isHeld = answer.held !== null && previous !== null
  const isSame = !draft.isNew && answer.state === previous?.state && previous.vanishedAt === null
  if (isHeld || isSame) return previous.reason.text
  switch (answer.because) {
    case 'status':
      return facts.statusText
    case 'vanished':
      return `${facts.statusText}; vanished since ${since(draft.vanishedAt)}`
    case 'startsAt':
    case 'endsAt':
    case 'accessEndsAt':
      return `${facts.statusText}; ${dateText(answer.because, facts, settings)}`
  }
}

/** Such as `DateofTermination end of 2026-11-30 Europe/Zurich`. */
function dateText(name: (typeof dateNames)[number], facts: Facts, { identity }: SourceSettings): string {
  const { column, at } = identity[name] ?? { column: name, at: 'exact' }
  return `${column} ${showDate(Number(facts[name]), facts.zone, at)}`
}

function since(vanishedAt: Instant | null): string {
  return showInstant(Number(vanishedAt), 'UTC')
}
