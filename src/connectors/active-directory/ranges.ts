import type { Connection } from '../directory/connection.ts'
import type { Entry } from '../directory/entry.ts'
import { readEntry } from '../directory/search.ts'
import { KeyturnError } from '../../model/errors.ts'

/** One portion of the values of an attribute, as the server labels it. */
interface Range {
  readonly label: string
  /** Where the next portion begins; null when this was the last. */
  readonly next: number | null
}

/**
 * All values of an attribute. Windows gives at most 1,500 at a time, as `member;range=0-1499`, and the last portion ends
 * in `*` (MS-ADTS, section 3.1.1.3.1.3.3): who takes the first for the whole believes that the rest are no members.
 * `entry` is the object as it was read before; `dn` is how the rest is asked for.
 * @throws KeyturnError `platform-read-incomplete` when the server stops before the end, or as the connection does
 */
export async function allValues(
  connection: Connection,
  dn: string,
  attribute: string,
  entry: Entry,
): Promise<string[]> {
  const values = entry.texts(attribute)
  let part = entry
  for (let range = rangeOf(part, attribute); range !== undefined; range = rangeOf(part, attribute)) {
    values.push(...part.texts(range.label))
    if (range.next === null) return values
    const next = await readEntry(connection, dn, [`${attribute};range=${range.next}-*`])
    if (next === undefined || rangeOf(next, attribute) === undefined) throw stopped(dn, attribute, values.length)
    part = next
  }
  return values
}

/** Did the server give only the first portion of the values? */
export function isPartial(entry: Entry, attribute: string): boolean {
  return rangeOf(entry, attribute) !== undefined
}

function rangeOf(entry: Entry, attribute: string): Range | undefined {
  const prefix = `${attribute.toLowerCase()};range=`
  for (const label of entry.names()) {
    if (!label.startsWith(prefix)) continue
    const match = /^(\d+)-(\d+|\*)$/.exec(label.slice(prefix.length))
    if (match === null) continue
    return { label, next: match[2] === '*' ? null : Number(match[2]) + 1 }
  }
  return undefined
}

function stopped(dn: string, attribute: string, count: number): KeyturnError {
  return new KeyturnError(
    'platform-read-incomplete',
    `The server gave ${count} values of ${attribute} of ${dn} and then no more, without saying that these are all.`,
  )
}
