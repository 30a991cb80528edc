import type { ApplyContext } from '../../model/connector.ts'
import { KeyturnError } from '../../model/errors.ts'
import type { IdentityId } from '../../model/identity.ts'

/**
 * Stands right before every request that opens something (law 5): between the plan and the wire this process may have slept,
 * or somebody may have left.
 *
 * @throws KeyturnError `claim-lost`
 */
export function assertMayOpen(context: Pick<ApplyContext, 'mayOpen'>, identity: IdentityId): void {
  if (context.mayOpen?.(identity) === false) throw claimLost()
}

export function claimLost(): KeyturnError {
  return new KeyturnError('claim-lost', 'something newer is owed to this account: the request was not sent')
}
