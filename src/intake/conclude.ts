import { KeyturnError, summarise } from '../model/errors.ts'
import { revisionsOf } from '../model/identity.ts'
import type { Identity, IntakeResult, RefusedRead } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Problem } from '../model/place.ts'
import type { SourceSettings } from '../model/settings.ts'
import type { ReadEnd } from '../model/snapshot.ts'
import { refusal } from './contract.ts'
import { eventsOf } from './events.ts'
import { identityOf, same } from './identity.ts'
import type { Settled } from './identity.ts'
import type { FeedInput } from './input.ts'
import { absent, drafted, withReferences } from './people.ts'
import type { Reading } from './reading.ts'
import { setAsideBy } from './set-aside.ts'
import { isShut } from './state.ts'
import { turnoverOf } from './turnover.ts'
import { AbsenceProof } from './vanish.ts'
import type { CompleteEnd } from './vanish.ts'

/** Decides about one read as a whole: everything in it is believed, or nothing. */
export function conclude(
  input: FeedInput,
  known: ReadonlyMap<string, Identity>,
  reading: Reading,
  end: ReadEnd,
): IntakeResult {
  if (end.complete) return accept(input, known, reading, end)
  const hint = end.cause instanceof KeyturnError ? (end.cause.hint ?? '') : ''
  const why = summarise(end.cause).message
  return refuse(input, { source: input.settings.id, at: input.now, why, hint }, [])
}

function accept(
  input: FeedInput,
  known: ReadonlyMap<string, Identity>,
  reading: Reading,
  end: CompleteEnd,
): IntakeResult {
  const { settings, now, lastRead } = input
  const proof = AbsenceProof.of(end, settings.content, reading.hasUnreadableKeys)
  const problems: Problem[] = [...reading.problems()]
  const drafts = drafted(input, known, reading, proof, problems)
  const people = withReferences(drafts, settings, problems).map(({ draft, resolved }) => ({
    draft,
    identity: identityOf(draft, resolved, now, settings),
  }))
  const refused = refusal(settings, {
    now,
    rows: reading.rows,
    modifiedAt: end.modifiedAt,
    columns: reading.columns,
    lastRead,
    turnover: turnoverOf(people, settings.content, now),
  })
  problems.push(...heldProblems(people, settings), ...vanishedProblems(people, settings))
  const { digest } = end
  if (refused !== null) return refuse(input, digest === undefined ? refused : { ...refused, digest }, problems)
  const counted = settings.content === 'full' ? people.filter(({ draft }) => draft.isPresent) : people
  return {
    ...outcome(people, now),
    source: settings.id,
    base: lastRead?.number ?? 0,
    accepted: {
      source: settings.id,
      number: (lastRead?.number ?? 0) + 1,
      ...(digest === undefined ? {} : { digest }),
      at: now,
      rows: reading.rows,
      active: counted.filter(({ identity }) => identity.state === 'active').length,
      modifiedAt: end.modifiedAt,
      mappingVersion: settings.identity.version,
      setAside: setAsideBy(problems, lastRead, now),
    },
    refused: null,
    problems: problems.toSorted((a, b) => a.place.line - b.place.line),
  }
}

/** Nothing in the read counts; but dates that earlier reads told are reached, whatever the feed does today. */
function refuse(input: FeedInput, refused: RefusedRead, problems: Problem[]): IntakeResult {
  const { settings, previous, lastRead, now } = input
  const sorted = problems.toSorted((a, b) => a.place.line - b.place.line)
  const base = lastRead?.number ?? 0
  return { ...byClock(settings, previous, now), source: settings.id, base, accepted: null, refused, problems: sorted }
}

/**
 * Lets the clock go on for these people of one source, without a read: states that their known dates give at `now`, with
 * the events. Nothing else changes: `accepted` and `refused` are null, and it is compared with no read (`base` is absent),
 * so that it may be saved beside any.
 *
 * What cannot be advanced so: `vanished.then: suspend`, which needs a complete read that still lacks the record (law 1);
 * `vanished.then: hold` can. And people of whom a read was never accepted: they are nobody yet.
 */
export function advance(
  settings: SourceSettings,
  previous: readonly Identity[],
  now: Instant,
  receivedAt: Instant,
): IntakeResult {
  const nothing = { source: settings.id, accepted: null, refused: null, problems: [] }
  return { ...byClock(settings, previous, now), ...nothing, receivedAt }
}

function byClock(settings: SourceSettings, previous: readonly Identity[], now: Instant): Outcome {
  const people = previous.map((before) => {
    const resolved = { references: before.references, unresolved: before.unresolved ?? {}, held: null }
    const draft = absent(before, settings, now, null)
    return { draft, identity: identityOf(draft, resolved, now, settings) }
  })
  return outcome(people, now)
}

type Outcome = Pick<IntakeResult, 'identities' | 'changed' | 'events' | 'known'>

/** Everybody, and of them those whose stored description is another now, with what happened to them. */
export function outcome(people: readonly Settled[], now: Instant): Outcome {
  const changed = people.filter(({ draft: { previous }, identity }) => previous === null || !same(previous, identity))
  return {
    identities: people.map(({ identity }) => identity),
    changed: changed.map(({ identity }) => identity),
    events: changed.flatMap(({ draft, identity }) => eventsOf(draft.previous, identity, now)),
    known: revisionsOf(changed.flatMap(({ draft: { previous } }) => previous ?? [])),
  }
}

/** A warning for everybody present whose record contradicts itself. */
export function heldProblems(people: readonly Settled[], { identity: { state } }: SourceSettings): Problem[] {
  return people.flatMap(({ identity, draft }) =>
    draft.isPresent && identity.held !== null
      ? [{ severity: 'warning', place: identity.place, path: state.column, message: identity.held, hint: heldHint }]
      : [],
  )
}

const heldHint = 'The state stays as it was, and nothing changes for this person, until the source is corrected.'

/** One warning for all who are missing, not one for each. */
function vanishedProblems(people: readonly Settled[], { key, path, vanished }: SourceSettings): Problem[] {
  const missing = people
    .map(({ identity }) => identity)
    .filter(({ vanishedAt, state }) => vanishedAt !== null && !isShut(state))
  if (missing.length === 0) return []
  const some = missing.slice(0, 10).map((identity) => identity.key)
  const rest = missing.length > some.length ? ' …' : ''
  const who = missing.length === 1 ? '1 person is' : `${missing.length} people are`
  return [
    {
      severity: 'warning',
      place: { file: path, line: 0 },
      path: key,
      message: `${who} not in the feed any more: ${some.join(', ')}${rest}`,
      hint: `Nobody leaves by being absent: if they left, the feed must say so. Until then vanished.then: ${vanished.then} applies.`,
    },
  ]
}
