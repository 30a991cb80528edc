import type { Change } from 'ldapts'
import type { Connection } from '../directory/connection.ts'
import { addValues, deleteValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { readEntry } from '../directory/search.ts'
import { win32Code } from './errors.ts'
import { stateAttributes, stateOf } from './state.ts'
import type { AccountState } from './state.ts'
import { guidDn } from './values.ts'

const attribute = 'userAccountControl'
/** Whoever else writes the same attribute needs milliseconds; ten collisions in a row are no accident. */
const mostTries = 10
const staleCodes = ['0000200A', '00002084', '00002085']

/**
 * Changes some bits of userAccountControl and no others, even where another tool changes its own at the same moment: the
 * old value is deleted by name, so that a stale one is refused, and it is read again. `others` go in the same modification.
 * Returns the flags as they are now.
 * @throws LdapResultError, KeyturnError
 */
export async function writeFlags(
  connection: Connection,
  state: Pick<AccountState, 'nativeId' | 'flags'>,
  change: (flags: number) => number,
  others: readonly Change[] = [],
): Promise<number> {
  const dn = guidDn(state.nativeId)
  let before = state.flags
  for (let tries = 1; ; tries++) {
    const after = change(before)
    if (after === before && others.length === 0) return after
    const edits =
      after === before ? [] : [deleteValues(attribute, [String(before)]), addValues(attribute, [String(after)])]
    try {
      await connection.modify(dn, [...edits, ...others])
      return after
    } catch (error) {
      if (!isStale(error) || edits.length === 0 || tries >= mostTries) throw error
      const entry = await readEntry(connection, dn, stateAttributes)
      if (entry === undefined) throw error
      before = stateOf(entry).flags
    }
  }
}

/** The value that was to be deleted is not there (any more). */
function isStale(error: unknown): boolean {
  if (!(error instanceof LdapResultError)) return false
  return error.code === 16 || staleCodes.includes(win32Code(error.diagnostic) ?? '')
}
