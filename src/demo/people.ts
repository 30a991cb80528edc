import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DAY } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import { awkwardNames, givenNames, surnames } from './names.ts'

/** One row of the invented feed; the fields are its columns. Dates are yyyy-MM-dd, empty means none. */
export interface Person {
  readonly employee_id: string
  readonly given_name: string
  readonly surname: string
  readonly department: string
  readonly title: string
  readonly site: string
  readonly manager_id: string
  readonly start_date: string
  readonly end_date: string
  readonly status: 'Active' | 'Leave' | 'Left'
}

export const columns = [
  'employee_id',
  'given_name',
  'surname',
  'department',
  'title',
  'site',
  'manager_id',
  'start_date',
  'end_date',
  'status',
] as const satisfies readonly (keyof Person)[]

export interface Workforce {
  readonly count: number
  /** The same seed invents the same people. */
  readonly seed?: number
  /** Starts, leaves and ends lie around this day; a fixed day by default. */
  readonly today?: Instant
  /** `lifelike` (default): some are on leave, some left long ago, some start later. `active`: everybody works. */
  readonly mix?: 'lifelike' | 'active'
  readonly departments?: readonly string[]
  readonly titles?: readonly string[]
  readonly sites?: readonly string[]
}

const departments = ['Engineering', 'Sales', 'Finance', 'People', 'Legal', 'Support', 'Research', 'Facilities']
const titles = ['Associate', 'Specialist', 'Senior Specialist', 'Analyst', 'Manager', 'Director']
const sites = ['Lisbon', 'Kraków', 'Toronto', 'São Paulo', 'Osaka']
const fixedDay = Date.UTC(2026, 0, 15)
/** How many people report to one manager. */
const span = 9

/** Invents people one by one, so that any number of them needs no memory. */
export function* inventPeople(workforce: Workforce): Generator<Person> {
  for (let index = 0; index < workforce.count; index++) yield inventPerson(index, workforce)
}

/** The person at this index, without inventing those before. The first ones have the names that break systems. */
export function inventPerson(index: number, workforce: Workforce): Person {
  const pick = (purpose: number) => scatter(index, purpose, workforce.seed ?? 1)
  const name = awkwardNames[index] ?? {
    given: choose(givenNames, pick(1)),
    surname: choose(surnames, pick(2)),
  }
  return {
    employee_id: employeeId(index),
    given_name: name.given,
    surname: name.surname,
    department: choose(workforce.departments ?? departments, pick(3)),
    title: choose(workforce.titles ?? titles, pick(4)),
    site: choose(workforce.sites ?? sites, pick(5)),
    manager_id: managerOf(index, workforce.count),
    ...employment(index, pick(6), workforce),
  }
}

export function employeeId(index: number): string {
  return `E${String(index + 1).padStart(6, '0')}`
}

/**
 * Managers stand behind their reports in the file, up to the last person, who has none. One manager, of the fourth
 * person, is not in the file at all.
 */
function managerOf(index: number, count: number): string {
  if (index === 3) return 'E999999'
  const manager = count - 1 - Math.floor((count - 2 - index) / span)
  return index < count - 1 ? employeeId(Math.max(manager, index + 1)) : ''
}

function employment(
  index: number,
  random: number,
  workforce: Workforce,
): Pick<Person, 'start_date' | 'end_date' | 'status'> {
  const today = workforce.today ?? fixedDay
  const started = date(today - (30 + (random % 4_000)) * DAY)
  // The awkward names all get accounts: a story in which they are missing would prove nothing.
  const works = workforce.mix === 'active' || index < awkwardNames.length
  if (!works && random % 31 === 0) return { start_date: started, end_date: '', status: 'Leave' }
  if (!works && random % 29 === 0) return { start_date: started, end_date: date(today - 20 * DAY), status: 'Left' }
  if (!works && random % 37 === 0) return { start_date: date(today + 14 * DAY), end_date: '', status: 'Active' }
  return { start_date: started, end_date: '', status: 'Active' }
}

function date(instant: Instant): string {
  return new Date(instant).toISOString().slice(0, 10)
}

function choose<T>(list: readonly T[], random: number): T {
  const chosen = list[random % list.length]
  if (chosen === undefined) throw new RangeError('nothing to choose from')
  return chosen
}

/** A number below 2^32 that depends on nothing but its arguments (the mixing steps of MurmurHash3, 32 bit). */
function scatter(index: number, purpose: number, seed: number): number {
  let hash = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(purpose, 0x85ebca6b) ^ Math.imul(seed, 0xc2b2ae35)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** One line of the feed, quoted where RFC 4180 asks for it. */
export function feedLine(person: Person): string {
  return columns.map((column) => quote(person[column])).join(',')
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Writes a feed as an HR system should: under another name first, then renamed, so that nobody sees half of it. */
export async function writeFeed(path: string, people: Iterable<Person>): Promise<void> {
  const unfinished = `${path}.new`
  await pipeline(Readable.from(chunks(people)), createWriteStream(unfinished))
  await rename(unfinished, path)
}

function* chunks(people: Iterable<Person>): Generator<string> {
  let text = `${columns.join(',')}\n`
  for (const person of people) {
    text += `${feedLine(person)}\n`
    if (text.length < 65_536) continue
    yield text
    text = ''
  }
  yield text
}
