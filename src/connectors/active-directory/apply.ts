import type { Change, LeaverChange } from '../../model/change.ts'
import type { ApplyContext, Outcome } from '../../model/connector.ts'
import type { Connection } from '../directory/connection.ts'
import { deleteAccounts, enableAccounts, issueCredentials, suspendAccounts } from './access.ts'
import { Board, outcomeOf } from './board.ts'
import type { Desk } from './board.ts'
import { createAccounts } from './create.ts'
import type { Domain } from './domain.ts'
import { domainError } from './errors.ts'
import { editGroups } from './groups.ts'
import { disableLeavers, shutLeavers } from './leaver.ts'
import { moveAccounts, renameAccounts } from './place.ts'
import { statesById } from './state.ts'
import { updateAccounts } from './update.ts'

/** Shutting comes first and opening last; references are set when everybody of the batch stands where he will stand. */
const phases: readonly ((desk: Desk) => Promise<void>)[] = [
  noteLinks,
  suspendAccounts,
  shutLeavers,
  createAccounts,
  renameAccounts,
  moveAccounts,
  updateAccounts,
  editGroups,
  issueCredentials,
  enableAccounts,
  deleteAccounts,
]

/**
 * Carries out changes of one or many accounts, one outcome per change in their order. What stops the whole (the connection,
 * say) is the outcome of everything that nothing had come of before.
 */
export function applyChanges(
  domain: Domain,
  changes: readonly Change[],
  context: ApplyContext,
): Promise<readonly Outcome[]> {
  return carryOut(domain, changes, context, phases)
}

/** The first write for each of these leavers; see `Connector.shut`. */
export async function shutAccounts(
  domain: Domain,
  changes: readonly LeaverChange[],
  context: ApplyContext,
): Promise<readonly boolean[]> {
  const outcomes = await carryOut(domain, changes, context, [disableLeavers])
  return outcomes.map(({ error }) => error === undefined)
}

async function carryOut(
  domain: Domain,
  changes: readonly Change[],
  context: ApplyContext,
  parts: readonly ((desk: Desk) => Promise<void>)[],
): Promise<readonly Outcome[]> {
  const board = new Board(changes)
  try {
    const look = async (connection: Connection) =>
      statesById(connection, await domain.namingContext(connection), board.nativeIds())
    // Apart from the writes: a look that nobody answers is repeated on another connection, which the writes then use, too.
    board.observe(await domain.use(look, { again: true }))
    await domain.use(async (connection) => {
      const desk: Desk = { domain, connection, context, board }
      for (const part of parts) {
        context.signal.throwIfAborted()
        await part(desk)
      }
    })
  } catch (error) {
    board.settleRest(outcomeOf(domainError(error, { platform: domain.id, doing: 'carrying out changes' })))
  }
  return board.outcomes()
}

/** Whose account it is, only the ledger remembers. */
function noteLinks({ board }: Desk): Promise<void> {
  for (const { task } of board.ready(board.pending('link'))) board.settle(task, { result: 'done' })
  return Promise.resolve()
}
