import { KeyturnError } from '../../model/errors.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import type { Connection } from '../directory/connection.ts'
import { Increment, ReadEntryControl, readEntryOf } from '../directory/controls.ts'
import { addValues, deleteValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { equals } from '../directory/filters.ts'
import { readEntry, searchAll } from '../directory/search.ts'
import type { Session } from './session.ts'
import { request } from './session.ts'

type UidNumbers = NonNullable<DirectorySettings['schema']['posix']>['uidNumbers']

/** Tries before a counter that others keep changing is given up; 64 were needed at worst with 16 writers. */
const mostTries = 200

/**
 * Reserves `count` consecutive uid numbers, none ever given before: from the counter entry where there is one (which other
 * tools share), else from the ledger, above whatever accounts made by hand have. Returns the first.
 */
export async function allocateUidNumbers(session: Session, numbers: UidNumbers, count: number): Promise<number> {
  const { settings, context, facts } = session
  const { from, to, counter } = numbers
  let first: number
  if (counter === undefined) {
    const floor = Math.max(from, (await session.highestUidNumber()) + 1)
    first = await context.allocate(`uidNumber@${settings.id}`, count, floor)
  } else {
    const doing = `taking ${count} uid numbers from ${counter}`
    first = await request(session, { doing }, (connection) =>
      facts.increment ? increment(connection, counter, count) : countUp(connection, counter, count),
    )
  }
  if (first < from || first + count - 1 > to) {
    throw new KeyturnError(
      'value-refused',
      `${settings.id}: uid numbers ${first} to ${first + count - 1} are outside ${from} to ${to} of schema.posix.uidNumbers.`,
      { hint: 'Widen the range, or set the counter entry to a number inside it.' },
    )
  }
  return first
}

/** In one step that nobody can come between (RFC 4525 with RFC 4527). */
async function increment(connection: Connection, counter: string, count: number): Promise<number> {
  const before = new ReadEntryControl('preRead', ['uidNumber'])
  const response = await connection.modify(counter, [new Increment('uidNumber', count)], [before])
  return numberOf(readEntryOf(response, 'preRead')?.text('uidNumber'), counter)
}

/** Reads the number and replaces exactly that one; whoever was faster makes it fail, and it is tried again. */
async function countUp(connection: Connection, counter: string, count: number): Promise<number> {
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const first = numberOf((await readEntry(connection, counter, ['uidNumber']))?.text('uidNumber'), counter)
    try {
      const edits = [deleteValues('uidNumber', [String(first)]), addValues('uidNumber', [String(first + count)])]
      await connection.modify(counter, edits)
      return first
    } catch (error) {
      if (!(error instanceof LdapResultError && error.code === 16)) throw error
    }
  }
  throw new KeyturnError('platform-busy', `The counter ${counter} was changed by others ${mostTries} times in a row.`)
}

function numberOf(text: string | undefined, counter: string): number {
  const number = Number(text)
  if (text !== undefined && Number.isSafeInteger(number)) return number
  throw new KeyturnError('value-refused', `The counter entry ${counter} has no uidNumber that is a number.`, {
    hint: 'It needs an object class that allows uidNumber, such as uidPool, and the first free number.',
  })
}

/** The highest uid number inside the range that any account under the base has; below the range where there is none. */
export async function highestUidNumber(
  connection: Connection,
  settings: DirectorySettings,
  { from, to }: UidNumbers,
  signal: AbortSignal,
): Promise<number> {
  let highest = from - 1
  // Accounts only: a counter entry has a uidNumber, too.
  const filter = equals('objectClass', 'posixAccount')
  const spec = { base: settings.base, scope: 'sub', filter, attributes: ['uidNumber'] } as const
  await searchAll(
    connection,
    spec,
    (entry) => {
      const number = Number(entry.text('uidNumber'))
      if (number <= to) highest = Math.max(highest, number)
    },
    signal,
  )
  return highest
}
