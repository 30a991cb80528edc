import type { AcceptedRead, Identity, IntakeResult, SourceRecord } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { SourceSettings } from '../model/settings.ts'
import { columnsNeeded } from './columns.ts'
import { heldProblems, outcome } from './conclude.ts'
import { refusal } from './contract.ts'
import { identityOf } from './identity.ts'
import type { Draft, Settled } from './identity.ts'
import { compileMapping } from './mapping.ts'
import type { Facts, Mapping } from './mapping.ts'
import { drafted } from './people.ts'
import { Reading } from './reading.ts'
import { textOf } from './references.ts'
import type { Resolved } from './references.ts'
import { setAsideBesides } from './set-aside.ts'
import { turnoverOf } from './turnover.ts'

/** What is different between two states of one feed, and what is known of whom it concerns. */
export interface LightInput {
  /** As the ledger knows them, without overrides: at least everybody whose row is different. */
  readonly previous: readonly Identity[]
  readonly lastRead: AcceptedRead | null
  /** The rows that are different, as they were and as they are; each key once in each. */
  readonly before: readonly SourceRecord[]
  readonly after: readonly SourceRecord[]
  /** SHA-256 of the bytes that `before` is from. */
  readonly base: string
  /** SHA-256 of the bytes that `after` is from, when they were written, and how many records are in them. */
  readonly digest: string
  readonly modifiedAt: Instant
  readonly rows: number
  readonly now: Instant
  readonly receivedAt: Instant
}

/**
 * What a complete read of the feed would give for the people whose rows are different, and only for them: `identities`,
 * `changed` and `events` are theirs. `problems` are those of their rows; texts of references that fitted nobody before
 * are not told again. Null where only a complete read can tell.
 */
export type LightIntake = (input: LightInput) => IntakeResult | null

/**
 * Prepares the intake of a few different rows of one source. Pure. It answers null where the last accepted read was not of
 * the bytes that were compared, or of another mapping; where somebody is new, was missing, or was set aside; where a text
 * refers to somebody else, or an attribute changes by which others refer to somebody; and where the contract would refuse
 * what these few would change. Throws as `openFeed` does.
 *
 * Two things in rows that are as they were wait for the next complete read: people whose absence a row without a key
 * leaves unproven count for the contract only there, and somebody new whose dates contradicted each other until now (and
 * who may bear a name that was one person's so far) is seen only there.
 */
export function lightIntake(settings: SourceSettings): LightIntake {
  const mapping = compileMapping(settings)
  const needed = columnsNeeded(settings)
  return (input) => {
    const { lastRead, after, now } = input
    if (lastRead === null || lastRead.digest !== input.base) return null
    if (lastRead.mappingVersion !== settings.identity.version) return null
    const known = knownAs(input, mapping, settings.identity.references)
    if (known === null) return null
    const people = new Map([...known].map(([key, { previous }]) => [key, previous]))
    const reading = new Reading(mapping, needed, people)
    after.forEach((record) => reading.take(record))
    if (reading.columns.missing.length > 0) return null
    const problems = [...reading.problems()]
    const feed = { settings, previous: [...people.values()], lastRead, now }
    const settled = settle(drafted(feed, people, reading, null, problems), known, now, settings)
    if (settled === null || isRefused(settings, input, lastRead, reading, settled)) return null
    const setAside = setAsideBesides(problems, lastRead, now)
    if (setAside === null) return null
    problems.push(...heldProblems(settled, settings))
    return {
      ...outcome(settled, now),
      source: settings.id,
      base: lastRead.number ?? 0,
      receivedAt: input.receivedAt,
      accepted: { ...accepted(settings, input, lastRead, settled), setAside },
      refused: null,
      problems: problems.toSorted((a, b) => a.place.line - b.place.line),
    }
  }
}

type References = SourceSettings['identity']['references']

interface Known {
  readonly previous: Identity
  /** The texts of its references in the row as it was. */
  readonly texts: Readonly<Record<string, string>>
}

/** Everybody by key; null where the ledger does not know exactly what the rows said before. */
function knownAs(
  { previous, before, after }: LightInput,
  mapping: Mapping,
  references: References,
): ReadonlyMap<string, Known> | null {
  const people = new Map(previous.map((identity) => [identity.key, identity]))
  const records = new Map(before.map((record) => [record.key, record]))
  const known = new Map<string, Known>()
  for (const { key } of after) {
    const person = people.get(key ?? '')
    const record = records.get(key)
    if (person === undefined || record === undefined || person.vanishedAt !== null || known.has(person.key)) return null
    if (isSetAside(person, references)) return null
    const texts = record.problem === undefined ? textsOf(record, person, mapping) : null
    if (texts === null) return null
    known.set(person.key, { previous: person, texts })
  }
  return known.size === before.length ? known : null
}

/** Was the row set aside because it refers to nobody who is known? */
function isSetAside({ unresolved }: Identity, mappings: References): boolean {
  return Object.keys(unresolved ?? {}).some((name) => mappings[name]?.unresolved === 'hold')
}

/** The texts of a row that the ledger has as it is; null where that row was set aside. */
function textsOf(record: SourceRecord, person: Identity, mapping: Mapping): Known['texts'] | null {
  const facts = mapping.facts(record)
  if (!('attributes' in facts) || !isKnownAs(person, facts)) return null
  const texts = mapping.references(record, facts.attributes)
  return Array.isArray(texts) ? null : (texts as Known['texts'])
}

/** Hashes do not tell: a change that matters to nobody is not stored. */
function isKnownAs(person: Identity, facts: Facts): boolean {
  const names = Object.keys(facts.attributes)
  return (
    (['status', 'startsAt', 'endsAt', 'accessEndsAt', 'zone'] as const).every((name) => person[name] === facts[name]) &&
    names.length === Object.keys(person.attributes).length &&
    names.every((name) => person.attributes[name] === facts.attributes[name])
  )
}

function settle(
  drafts: readonly Draft[],
  known: ReadonlyMap<string, Known>,
  now: Instant,
  settings: SourceSettings,
): readonly Settled[] | null {
  const { references } = settings.identity
  const settled: Settled[] = []
  for (const draft of drafts) {
    const before = known.get(draft.key)
    if (before === undefined || isCalledOtherwise(draft, before, references)) return null
    const resolved = resolve(draft, before, references)
    if (resolved === null) return null
    settled.push({ draft, identity: identityOf(draft, resolved, now, settings) })
  }
  return settled
}

/** Is an attribute another by which others may refer to this person? */
function isCalledOtherwise({ facts }: Draft, { previous }: Known, mappings: References): boolean {
  return Object.values(mappings).some(({ reference }) => facts.attributes[reference] !== previous.attributes[reference])
}

/**
 * Whom the texts mean without looking at everybody: nobody came, went, or is called otherwise since the last accepted read,
 * so the same text means the same person, or nobody still. Null for another text, and where the row is set aside.
 */
function resolve(draft: Draft, { previous, texts }: Known, mappings: References): Resolved | null {
  const references: Record<string, string | null> = {}
  const unresolved: Record<string, string> = {}
  for (const [name, { unresolved: otherwise }] of Object.entries(mappings)) {
    const before = previous.references[name] ?? null
    const missed = previous.unresolved?.[name]
    const text = textOf(draft, name)
    if (text === '') {
      references[name] = draft.texts === null ? before : null
    } else if (text === missed) {
      references[name] = otherwise === 'clear' ? null : before
      unresolved[name] = text
    } else {
      if (missed !== undefined || before === null || text !== textOf({ texts, previous }, name)) return null
      references[name] = before
    }
  }
  return { references, unresolved, held: null }
}

function isRefused(
  settings: SourceSettings,
  { now, rows, modifiedAt }: LightInput,
  lastRead: AcceptedRead,
  { columns }: Reading,
  people: readonly Settled[],
): boolean {
  const turnover = turnoverOf(people, settings.content, now)
  return refusal(settings, { now, rows, modifiedAt, columns, lastRead, turnover }) !== null
}

function accepted(
  settings: SourceSettings,
  { now, rows, modifiedAt, digest }: LightInput,
  lastRead: AcceptedRead,
  people: readonly Settled[],
): AcceptedRead {
  const isActive = (identity: Identity | null) => (identity?.state === 'active' ? 1 : 0)
  const active = people.reduce((sum, { draft, identity }) => sum + isActive(identity) - isActive(draft.previous), 0)
  return {
    source: settings.id,
    at: now,
    number: (lastRead.number ?? 0) + 1,
    digest,
    rows,
    active: lastRead.active + active,
    modifiedAt,
    mappingVersion: settings.identity.version,
  }
}
