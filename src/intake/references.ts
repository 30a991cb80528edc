import type { Identity, IdentityId } from '../model/identity.ts'
import type { Place, Problem } from '../model/place.ts'
import type { SourceSettings } from '../model/settings.ts'

type Person = Readonly<Record<string, string>>

/** Somebody who may be referred to, and who may refer. */
export interface Referring {
  readonly id: IdentityId
  readonly key: string
  readonly attributes: Person
  readonly place: Place
  /** The texts of this read; null where it has none, and the previous answers stay. */
  readonly texts: Person | null
  readonly previous: Identity | null
}

export interface Resolved {
  readonly references: Identity['references']
  /** Texts that fit nobody (or several) yet: tried again at every read. */
  readonly unresolved: Person
  /** Set where the mapping says that such a record is set aside. */
  readonly held: string | null
}

/** Nobody, or several people. */
type Miss = { readonly among: readonly Referring[] }

/**
 * Finds whom texts such as a manager's name mean, among everybody of a source, in whatever order they came. A text that
 * fits several people is never guessed.
 */
export class References {
  readonly #mapping: SourceSettings['identity']['references']
  readonly #indices = new Map<string, Index>()
  readonly #misses = new Map<string, { name: string; text: string; miss: Miss; count: number; place: Place }>()

  constructor(mapping: SourceSettings['identity']['references'], people: readonly Referring[]) {
    this.#mapping = mapping
    for (const { reference } of Object.values(mapping)) {
      if (!this.#indices.has(reference)) this.#indices.set(reference, new Index(reference, people))
    }
  }

  resolve(person: Referring): Resolved {
    const { previous } = person
    const texts = person.texts ?? previous?.unresolved ?? {}
    const references: Record<string, IdentityId | null> = {}
    const unresolved: Record<string, string> = {}
    let held: string | null = null
    for (const [name, mapping] of Object.entries(this.#mapping)) {
      const before = previous?.references[name] ?? null
      const text = normal(texts[name] ?? '')
      if (text === '') {
        references[name] = person.texts === null ? before : null
        continue
      }
      const found = this.#find(mapping.reference, text)
      if (typeof found === 'string') {
        references[name] = found
        continue
      }
      references[name] = mapping.unresolved === 'clear' ? null : before
      unresolved[name] = text
      if (person.texts !== null) this.#miss(name, text, found, person.place)
      if (mapping.unresolved === 'hold') held ??= `${name} "${text}" is not known`
    }
    return { references, unresolved, held }
  }

  /** One warning for each text, however many rows have it. */
  problems(): Problem[] {
    return [...this.#misses.values()].map(({ name, text, miss, count, place }) => {
      const { reference } = this.#mapping[name] ?? { reference: name }
      const rows = count === 1 ? '1 row' : `${count} rows`
      const people = miss.among.map(({ key }) => key).join(', ')
      const what = people === '' ? `is nobody's ${reference}` : `is the ${reference} of several people (${people})`
      return { severity: 'warning', place, path: name, message: `"${text}" (${rows}) ${what}` }
    })
  }

  #find(reference: string, text: string): IdentityId | Miss {
    return this.#indices.get(reference)?.find(text) ?? { among: [] }
  }

  #miss(name: string, text: string, miss: Miss, place: Place): void {
    const id = `${name}\n${text}`
    const before = this.#misses.get(id)
    if (before === undefined) this.#misses.set(id, { name, text, miss, count: 1, place })
    else before.count++
  }
}

/** People by one attribute (or by key), as written and, where that fits nobody, without regard to case. */
class Index {
  readonly #exact = new Map<string, Referring[]>()
  readonly #folded = new Map<string, Referring[]>()

  constructor(attribute: string, people: readonly Referring[]) {
    for (const person of people) {
      const text = normal(attribute === 'key' ? person.key : (person.attributes[attribute] ?? ''))
      if (text === '') continue
      add(this.#exact, text, person)
      add(this.#folded, text.toLowerCase(), person)
    }
  }

  find(text: string): IdentityId | Miss {
    const among = this.#exact.get(text) ?? this.#folded.get(text.toLowerCase()) ?? []
    const [first] = among
    return first !== undefined && among.length === 1 ? first.id : { among }
  }
}

function add(map: Map<string, Referring[]>, text: string, person: Referring): void {
  const there = map.get(text)
  if (there === undefined) map.set(text, [person])
  else there.push(person)
}

/** Padding says nothing: not around a name and not inside it. */
function normal(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}
