import type { Identity, SourceRecord } from '../model/identity.ts'
import type { Place, Problem } from '../model/place.ts'
import type { Facts, Mapping } from './mapping.ts'

type Person = Readonly<Record<string, string>>

/** What a read says about one key. */
export interface Entry {
  readonly place: Place
  /** null where the row is as it was, or set aside: then what was known before stays. */
  readonly facts: Facts | null
  /** The texts of its references; null where the row is set aside. */
  readonly texts: Person | null
}

/** The records of one read, understood one by one, before anything is decided about the whole. */
export class Reading {
  readonly #mapping: Mapping
  readonly #needed: readonly string[]
  readonly #known: ReadonlyMap<string, Identity>
  /** Keys that stand in more than one row: the latest place, and all lines. */
  readonly #doubled = new Map<string, { place: Place; lines: readonly number[] }>()
  readonly #entries = new Map<string, Entry>()
  readonly #problems: Problem[] = []
  /** Known from the first whole row on. */
  #columns: Columns | null = null
  #rows = 0
  #hasUnreadableKeys = false

  constructor(mapping: Mapping, needed: readonly string[], known: ReadonlyMap<string, Identity>) {
    this.#mapping = mapping
    this.#needed = needed
    this.#known = known
  }

  /** By key. Every key here is present in the feed. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries
  }

  get rows(): number {
    return this.#rows
  }

  /** Is there a row that may be anybody's? */
  get hasUnreadableKeys(): boolean {
    return this.#hasUnreadableKeys
  }

  get columns(): Columns {
    return this.#columns ?? { missing: [], found: [] }
  }

  problems(): readonly Problem[] {
    const doubled = [...this.#doubled].map(([key, { place, lines }]) => doubledKey(key, place, lines))
    return [...this.#problems, ...doubled]
  }

  take(record: SourceRecord): void {
    this.#rows++
    const { key, place } = record
    if (key === null) {
      this.#hasUnreadableKeys = true
      this.#problems.push(broken(record))
      return
    }
    const before = this.#entries.get(key)
    if (before !== undefined) {
      const lines = this.#doubled.get(key)?.lines ?? [before.place.line]
      this.#doubled.set(key, { place, lines: [...lines, place.line] })
      this.#entries.set(key, { place, facts: null, texts: null })
      return
    }
    this.#entries.set(key, this.#understand(record, this.#known.get(key)))
  }

  #understand(record: SourceRecord, previous: Identity | undefined): Entry {
    const { place } = record
    const aside = { place, facts: null, texts: null }
    if (record.problem !== undefined) {
      // Fields may have shifted: a key that nobody has may be anybody's, or no key at all but a name.
      this.#problems.push(broken(previous === undefined ? { ...record, key: null } : record))
      if (previous === undefined) this.#hasUnreadableKeys = true
      return aside
    }
    this.#columns ??= columnsOf(record.row, this.#needed)
    if (this.#columns.missing.length > 0) return aside
    if (previous?.recordHash === this.#mapping.hashOf(record)) return this.#refer(record, null, previous.attributes)
    const facts = this.#mapping.facts(record)
    if (!isProblems(facts)) return this.#refer(record, facts, facts.attributes)
    this.#problems.push(...facts)
    return aside
  }

  #refer(record: SourceRecord, facts: Facts | null, attributes: Person): Entry {
    const { place } = record
    const texts = this.#mapping.references(record, attributes)
    if (!isProblems(texts)) return { place, facts, texts }
    this.#problems.push(...texts)
    return { place, facts: null, texts: null }
  }
}

/** Needed columns that the feed does not have, and those that it has. */
interface Columns {
  readonly missing: readonly string[]
  readonly found: readonly string[]
}

function columnsOf(row: SourceRecord['row'], needed: readonly string[]): Columns {
  return { missing: needed.filter((column) => !Object.hasOwn(row, column)), found: Object.keys(row) }
}

function isProblems(value: Facts | Person | readonly Problem[]): value is readonly Problem[] {
  return Array.isArray(value)
}

export const setAside = 'The row is set aside: nothing changes for this person until it is corrected.'

function broken({ key, place, problem }: SourceRecord): Problem {
  return { severity: 'error', place, path: key ?? '', message: problem ?? 'the row has no key', hint: setAside }
}

function doubledKey(key: string, place: Place, lines: readonly number[]): Problem {
  const message = `the key ${key} stands in ${lines.length} rows: lines ${lines.join(', ')}; a key may stand in one`
  return { severity: 'error', place, path: key, message, hint: setAside }
}
