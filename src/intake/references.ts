import type { Identity, IdentityId } from '../model/identity.ts'
import type { Place, Problem } from '../model/place.ts'
import type { ReferenceMapping, SourceSettings } from '../model/settings.ts'

type Person = Readonly<Record<string, string>>

/** Somebody who may be referred to, and who may refer. */
export interface Referring {
  readonly id: IdentityId
  readonly key: string
  readonly facts: { readonly attributes: Person; readonly place: Place }
  /** The texts of this read; null where it has none, and the previous answers stay. */
  readonly texts: Person | null
  readonly previous: Identity | null
}

export interface Resolved {
  readonly references: Identity['references']
  /** Texts that fit nobody (or several) yet: tried again at every read. */
  readonly unresolved: Person
  /** The reference because of which the mapping says that this record is set aside. */
  readonly held: { readonly name: string; readonly text: string } | null
}

/** Nobody, or several people. */
type Miss = { readonly among: readonly Referring[] }

/**
 * Finds whom texts such as a manager's name mean, among everybody of a source, in whatever order they came. A text that
 * fits several people is never guessed.
 */
export class References {
  readonly #pointers: readonly (readonly [string, ReferenceMapping, Index])[]
  readonly #misses = new Map<string, Problem & { count: number }>()

  constructor(mapping: SourceSettings['identity']['references'], people: readonly Referring[]) {
    this.#pointers = Object.entries(mapping).map(([name, one]) => {
      const wanted = new Set(people.map((person) => textOf(person, name)))
      return [name, one, new Index(one.reference, people, wanted)] as const
    })
  }

  resolve(person: Referring): Resolved {
    const { previous, facts } = person
    const references: Record<string, IdentityId | null> = {}
    const unresolved: Record<string, string> = {}
    let held: Resolved['held'] = null
    for (const [name, mapping, index] of this.#pointers) {
      const before = previous?.references[name] ?? null
      const text = textOf(person, name)
      const found = text === '' ? null : index.find(text)
      if (found === null) references[name] = person.texts === null ? before : null
      else if (typeof found === 'string') references[name] = found
      else {
        references[name] = mapping.unresolved === 'clear' ? null : before
        unresolved[name] = text
        if (mapping.unresolved === 'hold') held ??= { name, text }
        else if (person.texts !== null) this.#miss(name, text, sentence(found, mapping), facts.place)
      }
    }
    return { references, unresolved, held }
  }

  /** One warning for each text, however many rows have it. */
  problems(): Problem[] {
    return [...this.#misses.values()].map(({ count, path, message, ...problem }) => {
      return { ...problem, path, message: `${message} (${count === 1 ? '1 row' : `${count} rows`})` }
    })
  }

  #miss(name: string, text: string, what: string, place: Place): void {
    const id = `${name}\n${text}`
    const before = this.#misses.get(id)
    if (before !== undefined) before.count++
    else this.#misses.set(id, { severity: 'warning', place, path: name, message: `"${text}" ${what}`, count: 1 })
  }
}

function sentence({ among }: Miss, { reference }: ReferenceMapping): string {
  const keys = among.map(({ key }) => key).join(', ')
  return keys === '' ? `is nobody's ${reference}` : `is the ${reference} of several people, ${keys}`
}

/** The text by which somebody refers to another; of whom this read says nothing, the one that fitted nobody before. */
export function textOf({ texts, previous }: Pick<Referring, 'texts' | 'previous'>, name: string): string {
  return normal((texts ?? previous?.unresolved)?.[name] ?? '')
}

/** People by one attribute (or by key): those whom a wanted text names, which are few. */
class Index {
  readonly #exact: ReadonlyMap<string, readonly Referring[]>
  readonly #folded: () => ReadonlyMap<string, readonly Referring[]>

  constructor(attribute: string, people: readonly Referring[], wanted: ReadonlySet<string>) {
    this.#exact = indexed(attribute, people, wanted, (text) => text)
    // Needed only where a text fits nobody as it is written.
    let folded: ReadonlyMap<string, readonly Referring[]> | null = null
    this.#folded = () => {
      folded ??= indexed(attribute, people, new Set([...wanted].map(fold)), fold)
      return folded
    }
  }

  find(text: string): IdentityId | Miss {
    const among = this.#exact.get(text) ?? this.#folded().get(fold(text)) ?? []
    const [first] = among
    return first !== undefined && among.length === 1 ? first.id : { among }
  }
}

function indexed(
  attribute: string,
  people: readonly Referring[],
  wanted: ReadonlySet<string>,
  form: (text: string) => string,
): ReadonlyMap<string, readonly Referring[]> {
  const found = new Map<string, Referring[]>()
  for (const person of people) {
    const text = form(normal(attribute === 'key' ? person.key : (person.facts.attributes[attribute] ?? '')))
    if (text === '' || !wanted.has(text)) continue
    const there = found.get(text)
    if (there === undefined) found.set(text, [person])
    else there.push(person)
  }
  return found
}

function fold(text: string): string {
  return text.toLowerCase()
}

/** Padding says nothing: not around a name and not inside it. */
function normal(text: string): string {
  const trimmed = text.trim()
  return /[^\S ]|\s\s/.test(trimmed) ? trimmed.replaceAll(/\s+/g, ' ') : trimmed
}
