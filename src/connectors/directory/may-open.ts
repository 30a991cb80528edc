import type { ApplyContext } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { IdentityId } from '../../model/identity.ts'
import type { Instant } from '../../model/instant.ts'

/**
 * Stands right before every request that opens something (law 5): between the plan and the wire this process may have slept,
 * or somebody may have left. The request is handed to the connection in the same turn, with no `await` between; what is sent a
 * second time asks anew.
 *
 * @throws KeyturnError `claim-lost`
 */
export function assertMayOpen(context: Pick<ApplyContext, 'mayOpen'>, identity: IdentityId): void {
  if (context.mayOpen?.(identity) === false) throw claimLost()
}

/**
 * Does this end of an account let somebody in from now on? What stands there is not asked: it may have been read before the
 * revocation that has set an end of its own.
 */
export function isOpeningEnd(context: Pick<ApplyContext, 'now'>, to: Instant | null): boolean {
  return to === null || to > context.now()
}

export function claimLost(): KeyturnError {
  return new KeyturnError('claim-lost', 'something newer is owed to this account: the request was not sent')
}
