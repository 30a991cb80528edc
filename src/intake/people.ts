import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Problem } from '../model/place.ts'
import type { SourceSettings } from '../model/settings.ts'
import { factsOf } from './identity.ts'
import type { Draft } from './identity.ts'
import type { FeedInput } from './input.ts'
import type { Facts } from './mapping.ts'
import { setAside } from './reading.ts'
import type { Reading } from './reading.ts'
import { References } from './references.ts'
import type { Resolved } from './references.ts'
import { stateAt } from './state.ts'
import { overdue, vanishedSince } from './vanish.ts'
import type { AbsenceProof } from './vanish.ts'

/** Everybody whom the read or the ledger knows. New people whose row is set aside are nobody yet. */
export function drafted(
  { settings, previous, now }: FeedInput,
  known: ReadonlyMap<string, Identity>,
  { entries }: Reading,
  proof: AbsenceProof | null,
  problems: Problem[],
): Draft[] {
  const drafts: Draft[] = []
  for (const [key, { facts, texts, place }] of entries) {
    const before = known.get(key) ?? null
    const told = facts ?? (before === null ? null : factsOf(before, place))
    if (told === null) continue
    if (before === null && contradicts(told, now)) {
      problems.push(contradiction(told, settings))
      continue
    }
    const person = { id: `${settings.id}:${key}`, key, facts: told, previous: before, isNew: facts !== null, texts }
    drafts.push({ ...person, vanishedAt: null, overdue: null, isPresent: true })
  }
  for (const before of previous) {
    if (!entries.has(before.key)) drafts.push(absent(before, settings, now, proof))
  }
  return drafts
}

/** Somebody of whom this read says nothing. What is known stays; only a proof makes them vanish. */
export function absent(
  before: Identity,
  { vanished }: SourceSettings,
  now: Instant,
  proof: AbsenceProof | null,
): Draft {
  const vanishedAt = vanishedSince(before, proof)
  return {
    id: before.id,
    key: before.key,
    facts: factsOf(before, before.place),
    previous: before,
    isNew: false,
    texts: null,
    vanishedAt,
    overdue: vanishedAt === null ? null : overdue(vanishedAt, before, vanished, now, proof),
    isPresent: false,
  }
}

/** Whoever is new has no state that could be kept. */
function contradicts(facts: Facts, now: Instant): boolean {
  return stateAt({ ...facts, now, previous: null, overdue: null }).held !== null
}

function contradiction({ place, statusText }: Facts, { identity }: SourceSettings): Problem {
  const message = `${statusText} contradicts the dates: an end ahead lies before the start, or archived lies ahead`
  return { severity: 'error', place, path: identity.state.column, message, hint: setAside }
}

/** Finds whom everybody refers to. Who refers to nobody known is set aside where the mapping says `hold`. */
export function withReferences(
  drafts: readonly Draft[],
  { identity: { references: mapping } }: SourceSettings,
  problems: Problem[],
): { draft: Draft; resolved: Resolved }[] {
  let people = drafts
  for (;;) {
    const references = new References(mapping, people)
    const all = people.map((draft) => ({ draft, resolved: references.resolve(draft) }))
    const strangers = new Set<Draft>()
    for (const { draft, resolved } of all) {
      if (resolved.held === null || draft.previous !== null) continue
      strangers.add(draft)
      problems.push(unresolved(draft, resolved.held))
    }
    // A new person who is set aside is nobody whom others can refer to: so once more without them.
    people = people.filter((draft) => !strangers.has(draft))
    if (strangers.size > 0) continue
    problems.push(...references.problems())
    return all.map(({ draft, resolved }) => {
      if (resolved.held === null || draft.previous === null) return { draft, resolved }
      problems.push(unresolved(draft, resolved.held))
      const facts = factsOf(draft.previous, draft.facts.place)
      // Set aside: what was known before stays, references too.
      const { references } = draft.previous
      return { draft: { ...draft, facts, isNew: false }, resolved: { ...resolved, references } }
    })
  }
}

function unresolved({ facts: { place } }: Draft, { name, text }: NonNullable<Resolved['held']>): Problem {
  const message = `"${text}" is not known, and the mapping says unresolved: hold`
  return { severity: 'error', place, path: name, message, hint: setAside }
}
