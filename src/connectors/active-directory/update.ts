import type { Change } from 'ldapts'
import type { Outcome } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import { addValues, deleteValues, replaceValues } from '../directory/edits.ts'
import { LdapResultError } from '../directory/errors.ts'
import { inFlight } from '../directory/flight.ts'
import { assertMayOpen, isOpeningEnd } from '../directory/may-open.ts'
import { readEntry } from '../directory/search.ts'
import { canonicalValue, checkAttribute, tidyValues } from './attributes.ts'
import { attempt, outcomeOf } from './board.ts'
import type { Desk, Task } from './board.ts'
import type { AccountState } from './state.ts'
import { guidDn, toFiletime } from './values.ts'

/** What one change makes of one attribute. `from` is what the domain must still hold; null: whatever it holds. */
interface Edit {
  readonly task: Task<'update' | 'expire'>
  readonly attribute: string
  readonly from: readonly string[] | null
  readonly to: readonly string[]
  /** Does it let somebody in from now on? */
  readonly opens: boolean
}

/** Sets attributes and expiry: one modification per account, and one per attribute only where the domain refuses the whole. */
export async function updateAccounts(desk: Desk): Promise<void> {
  const { board, domain } = desk
  const ready = board.ready(board.pending('update', 'expire'))
  const accounts = [...Map.groupBy(ready, ({ state }) => state.nativeId).values()]
  await inFlight(accounts, domain.settings.limits.concurrency, async (those) => {
    const [first] = those
    if (first === undefined) return
    const edits = those.flatMap(({ task }) => editOf(desk, task, first.state))
    await updateOne(desk, first.state, edits)
  })
}

async function updateOne(desk: Desk, state: AccountState, edits: readonly Edit[]): Promise<void> {
  const left = edits.length > 1 ? await allTogether(desk, state, edits) : edits
  // Alone, or refused together: the domain does not say which value it refuses, so each is tried by itself.
  for (const edit of left) {
    const doing = `setting ${edit.attribute} of ${state.name}`
    const { result } = await attempt(desk, edit.task, doing, () => setOne(desk, state, edit))
    if (result === 'done' || result === 'already') noteExpiry(desk, state, edit)
  }
}

/** Returns those that are not set yet: all where the domain refuses them together, else what may not be sent any more. */
async function allTogether(desk: Desk, state: AccountState, edits: readonly Edit[]): Promise<readonly Edit[]> {
  const sent = edits.filter(({ opens, task }) => !opens || desk.context.mayOpen?.(task.change.identity) !== false)
  if (sent.length === 0) return edits
  try {
    await desk.connection.modify(guidDn(state.nativeId), sent.flatMap(modificationsOf))
  } catch (error) {
    if (error instanceof LdapResultError) return edits
    throw error
  }
  for (const edit of sent) {
    desk.board.settle(edit.task, { result: 'done' })
    noteExpiry(desk, state, edit)
  }
  return edits.filter((edit) => !sent.includes(edit))
}

/** Enabling takes away an end that has passed, so it must know which one stands there. */
function noteExpiry({ board }: Desk, state: AccountState, { task: { change } }: Edit): void {
  if (change.kind === 'expire') board.stands(change, { ...state, expiresAt: change.to })
}

/** Old values are deleted by name: where another hand was faster, the domain refuses (law 5). */
function modificationsOf({ attribute, from, to }: Edit): Change[] {
  if (from === null) return [replaceValues(attribute, to)]
  return [
    ...(from.length > 0 ? [deleteValues(attribute, from)] : []),
    ...(to.length > 0 ? [addValues(attribute, to)] : []),
  ]
}

async function setOne({ connection, context, domain }: Desk, state: AccountState, edit: Edit): Promise<Outcome> {
  const { attribute, from, to, opens, task } = edit
  const dn = guidDn(state.nativeId)
  try {
    if (opens) assertMayOpen(context, task.change.identity)
    await connection.modify(dn, modificationsOf(edit))
    return { result: 'done' }
  } catch (error) {
    if (!(error instanceof LdapResultError)) throw error
    const held = (await readEntry(connection, dn, [attribute]))?.texts(attribute) ?? []
    if (same(attribute, held, to)) return { result: 'already' }
    if (from === null) throw error
    if (!same(attribute, held, from)) {
      const text = `${domain.id}: ${attribute} of ${state.name} has been changed by another hand since it was read.`
      throw new KeyturnError('precondition-failed', text, { cause: error, hint: 'The next plan looks at it anew.' })
    }
    await replace(connection.modify(dn, [replaceValues(attribute, to)]), domain.id, attribute)
    return { result: 'done' }
  }
}

/** Replacing is never refused because a value is absent: 16 is what Samba says of an attribute that it does not know. */
async function replace(modification: Promise<unknown>, platform: string, attribute: string): Promise<void> {
  try {
    await modification
  } catch (error) {
    if (!(error instanceof LdapResultError) || error.code !== 16) throw error
    const text = `${platform}: the schema of the domain does not know the attribute ${attribute}.`
    throw new KeyturnError('value-refused', text, { cause: error, hint: 'Correct its name in accounts.attributes.' })
  }
}

function same(attribute: string, some: readonly string[], others: readonly string[]): boolean {
  const canonical = (values: readonly string[]): Set<string> =>
    new Set(values.map((value) => canonicalValue(attribute, value)))
  return canonical(some).symmetricDifference(canonical(others)).size === 0
}

/** None where the change is settled already: the other person has no account yet, or the value is forbidden. */
function editOf(desk: Desk, task: Edit['task'], state: AccountState): Edit[] {
  const { change } = task
  if (change.kind === 'expire') {
    if (state.expiresAt === change.to) {
      desk.board.settle(task, { result: 'already' })
      return []
    }
    // Never has two forms, so the value that stands there is not known well enough to be deleted by name.
    const opens = isOpeningEnd(desk.context, change.to)
    return [{ task, attribute: 'accountExpires', from: null, to: [toFiletime(change.to)], opens }]
  }
  const { attribute, from } = change.field
  try {
    const to = valuesFor(desk, task, change.field.to)
    checkAttribute(attribute, to)
    return [{ task, attribute, from, to, opens: false }]
  } catch (error) {
    desk.board.settle(task, outcomeOf(error))
    return []
  }
}

function valuesFor(
  { board, context }: Desk,
  { change }: Edit['task'],
  to: Task<'update'>['change']['field']['to'],
): readonly string[] {
  if (!('accountOf' in to)) return tidyValues(to)
  const address = board.addressOf(to.accountOf, context)
  if (address !== undefined) return [address]
  const text = `${change.platform}: ${change.account} waits for the account of ${to.accountOf}.`
  throw new KeyturnError('reference-waits', text)
}
