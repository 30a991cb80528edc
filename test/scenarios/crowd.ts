// People who join and leave while trouble happens, and chance that is the same in every run.
import type { Person } from '../../src/demo/people.ts'
import type { Company } from './keyturn.ts'
import { person } from './settings.ts'
import type { Settings } from './settings.ts'

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** No limit and no contract stands in the way of a crowd that grows and shrinks quickly. */
export const crowdSettings: Settings = {
  daemon: { listen: 'off' },
  sources: { hr: { contract: { rows: { 'max-change': '90%' } } } },
  safety: { limits: { removals: { max: '60%', above: 200 } } },
}

export function idsOf(people: readonly Person[]): string[] {
  return people.map(({ employee_id }) => employee_id)
}

/** What HR knows; written to the feed when asked. */
export class Crowd {
  readonly #company: Company
  readonly #people = new Map<string, Person>()
  readonly #random: () => number

  constructor(company: Company, random: () => number) {
    this.#company = company
    this.#random = random
  }

  get people(): readonly Person[] {
    return [...this.#people.values()]
  }

  get leavers(): readonly Person[] {
    return this.people.filter(({ status }) => status === 'Left')
  }

  /** So many new people; every twentieth of them manages those before. */
  join(count: number): void {
    for (let made = 0; made < count; made++) {
      const number = this.#people.size + 1
      const manager = number % 20 === 0 ? {} : { manager_id: number % 5 === 0 ? `E${number - (number % 20) + 20}` : '' }
      const department = number % 3 === 0 ? 'Engineering' : 'Sales'
      this.#people.set(`E${number}`, person(`E${number}`, { department, ...manager }))
    }
  }

  /** This many of those who are there leave, by chance among `within` (the share of the crowd that joined first). */
  leave(count: number, within = 1): readonly Person[] {
    const first = this.people.slice(0, Math.ceil(this.#people.size * within))
    const present = first.filter(({ status }) => status === 'Active')
    return Array.from({ length: Math.min(count, present.length) }, () => {
      const [one] = present.splice(Math.floor(this.#random() * present.length), 1)
      if (one === undefined) throw new Error('nobody is left to leave')
      return this.leaves(one.employee_id)
    })
  }

  leaves(id: string): Person {
    const gone = { ...(this.#people.get(id) ?? person(id)), status: 'Left' } as const
    this.#people.set(id, gone)
    return gone
  }

  moveTo(ids: readonly string[], department: string): void {
    for (const id of ids) this.#people.set(id, { ...(this.#people.get(id) ?? person(id)), department })
  }

  write(): Promise<void> {
    return this.#company.feed(this.people)
  }
}
