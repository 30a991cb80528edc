import type { Change } from 'ldapts'
import { KeyturnError } from '../../model/errors.ts'
import { replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { inFlight } from '../directory/flight.ts'
import { checkAttribute } from './attributes.ts'
import { attempt, outcomeOf } from './board.ts'
import type { Desk, Task } from './board.ts'
import type { AccountState } from './state.ts'
import { guidDn, toFiletime } from './values.ts'

type Update = Task<'update' | 'expire'>

interface Edit {
  readonly task: Update
  readonly edit: Change
}

/** Sets attributes and expiry: one modification per account, and one per attribute only where the domain refuses the whole. */
export async function updateAccounts(desk: Desk): Promise<void> {
  const { board, domain } = desk
  const ready = board.ready(board.pending('update', 'expire'))
  const accounts = [...Map.groupBy(ready, ({ state }) => state.nativeId).values()]
  await inFlight(accounts, domain.settings.limits.concurrency, async (those) => {
    const [first] = those
    if (first !== undefined)
      await updateOne(
        desk,
        first.state,
        those.flatMap(({ task }) => editOf(desk, task)),
      )
  })
}

async function updateOne(desk: Desk, state: AccountState, edits: readonly Edit[]): Promise<void> {
  const dn = guidDn(state.nativeId)
  const together = (): Promise<unknown> =>
    desk.connection.modify(
      dn,
      edits.map(({ edit }) => edit),
    )
  if (edits.length > 1 && (await succeeds(together))) {
    for (const { task } of edits) desk.board.settle(task, { result: 'done' })
    return
  }
  // Alone, or refused together: the domain does not say which value it refuses, so each is tried by itself.
  for (const { task, edit } of edits) {
    const what = task.change.kind === 'update' ? task.change.field.attribute : 'accountExpires'
    await attempt(desk, task, `setting ${what} of ${state.name}`, async () => {
      await set(desk, dn, edit, what)
      return { result: 'done' }
    })
  }
}

/** Replacing is never refused because a value is absent: 16 is what Samba says of an attribute that it does not know. */
async function set({ connection, domain }: Desk, dn: string, edit: Change, attribute: string): Promise<void> {
  try {
    await connection.modify(dn, [edit])
  } catch (error) {
    if (!(error instanceof LdapResultError) || error.code !== 16) throw error
    const text = `${domain.id}: the schema of the domain does not know the attribute ${attribute}.`
    throw new KeyturnError('value-refused', text, { cause: error, hint: 'Correct its name in accounts.attributes.' })
  }
}

async function succeeds(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof LdapResultError) return false
    throw error
  }
}

/** None where the task is settled already: the other person has no account yet, or the value is forbidden. */
function editOf(desk: Desk, task: Update): Edit[] {
  const { change } = task
  if (change.kind === 'expire') return [{ task, edit: replaceValues('accountExpires', [toFiletime(change.to)]) }]
  const { attribute } = change.field
  try {
    const values = valuesFor(desk, task, change.field.to)
    checkAttribute(attribute, values)
    return [{ task, edit: replaceValues(attribute, values) }]
  } catch (error) {
    desk.board.settle(task, outcomeOf(error))
    return []
  }
}

function valuesFor(
  { board, context }: Desk,
  { change }: Update,
  to: Task<'update'>['change']['field']['to'],
): readonly string[] {
  if (!('accountOf' in to)) return to
  const address = board.addressOf(to.accountOf, context)
  if (address !== undefined) return [address]
  throw new KeyturnError(
    'reference-waits',
    `${change.platform}: ${change.account} waits for the account of ${to.accountOf}.`,
  )
}
