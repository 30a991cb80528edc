// How a person is stored.
import type { Identity, IdentityId, LifecycleState } from '../model/identity.ts'
import type { Place, Reason } from '../model/place.ts'
import type { IdentityRow } from './schema.ts'
import { sharedTexts } from './shared.ts'

/** Case is ignored when people are looked up. */
export function fold(text: string): string {
  return text.toLowerCase()
}

function foldAttribute(identity: Identity, name: string): string | null {
  const value = Object.entries(identity.attributes).find(([attribute]) => fold(attribute) === name)?.[1]
  return value === undefined || value === '' ? null : fold(value)
}

/** Makes rows people; texts that many have in common are kept once. */
export function identityReader(): (row: IdentityRow) => Identity {
  const shared = sharedTexts()
  const placeOf = ({ file, ...rest }: Place): Place => ({ file: shared(file), ...rest })
  const reasonOf = ({ text, place, ...rest }: Reason): Reason => ({
    ...rest,
    text: shared(text),
    ...(place === undefined ? {} : { place: placeOf(place) }),
  })
  return (row) => ({
    id: row.id,
    source: shared(row.source),
    key: row.key,
    attributes: JSON.parse(row.attributes) as Record<string, string>,
    references: JSON.parse(row.refers_to) as Record<string, IdentityId | null>,
    ...(row.unresolved === null ? {} : { unresolved: JSON.parse(row.unresolved) as Record<string, string> }),
    status: shared(row.status) as Identity['status'],
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    accessEndsAt: row.access_ends_at,
    zone: shared(row.zone),
    state: shared(row.state) as LifecycleState,
    next: row.next_at === null ? null : { at: row.next_at, state: row.next_state as LifecycleState },
    held: row.held,
    leftAt: row.left_at,
    announcedAt: row.announced_at,
    vanishedAt: row.vanished_at,
    leftBeforeFirstSeen: row.left_before_first_seen === 1,
    firstSeenAt: row.first_seen_at,
    reason: reasonOf(JSON.parse(row.reason) as Reason),
    recordHash: row.record_hash,
    place: placeOf(JSON.parse(row.place) as Place),
    revision: row.revision,
  })
}

/** All but `due_at`, which admission alone knows. */
export function toRow(identity: Identity, revision: number): Omit<IdentityRow, 'due_at'> {
  return {
    id: identity.id,
    source: identity.source,
    key: identity.key,
    attributes: JSON.stringify(identity.attributes),
    refers_to: JSON.stringify(identity.references),
    unresolved: identity.unresolved === undefined ? null : JSON.stringify(identity.unresolved),
    status: identity.status,
    starts_at: identity.startsAt,
    ends_at: identity.endsAt,
    access_ends_at: identity.accessEndsAt,
    zone: identity.zone,
    state: identity.state,
    next_at: identity.next?.at ?? null,
    next_state: identity.next?.state ?? null,
    held: identity.held,
    left_at: identity.leftAt,
    announced_at: identity.announcedAt,
    vanished_at: identity.vanishedAt,
    left_before_first_seen: identity.leftBeforeFirstSeen ? 1 : 0,
    first_seen_at: identity.firstSeenAt,
    reason: JSON.stringify(identity.reason),
    record_hash: identity.recordHash,
    place: JSON.stringify(identity.place),
    folded_id: fold(identity.id),
    folded_key: fold(identity.key),
    folded_mail: foldAttribute(identity, 'mail'),
    folded_email: foldAttribute(identity, 'email'),
    revision,
  }
}
