import type { IdentityId } from '../model/identity.ts'
import type { SettlePorts } from './ports.ts'
import { type Job, retry, type Task } from './work.ts'

/**
 * Where the accounts stand that changes refer to (a manager's, for instance): the links, looked up on the platform, since
 * an account may have been moved by another hand. Those that have no account yet are missing.
 */
export async function resolveAddresses(
  jobs: readonly Job[],
  ports: Pick<SettlePorts, 'ledger' | 'connector' | 'platform' | 'signal'>,
): Promise<ReadonlyMap<IdentityId, string>> {
  const people = new Set(jobs.flatMap((job) => job.tasks.flatMap(referenceOf)))
  const addresses = new Map<IdentityId, string>()
  if (people.size === 0) return addresses
  const links = await ports.ledger.links(ports.platform, [...people])
  const owners = new Map(links.map((link) => [link.nativeId, link.identity]))
  for (const job of jobs) {
    const created = job.tasks.find((task) => task.change.kind === 'create')?.outcome?.account
    if (created !== undefined && people.has(job.obligation.identity)) {
      addresses.set(job.obligation.identity, created.address)
    }
  }
  const refs = links.map(({ nativeId }) => ({ nativeId }))
  if (refs.length === 0) return addresses
  const read = await ports.connector.read(refs, ports.signal)
  if (!read.complete) throw read.cause
  for (const account of read.items) {
    const identity = owners.get(account.nativeId)
    if (identity !== undefined) addresses.set(identity, account.address)
  }
  return addresses
}

/** Tasks that refer to an account that is not there yet wait for it. */
export function markWaiting(tasks: readonly Task[], addresses: ReadonlyMap<IdentityId, string>): void {
  for (const task of tasks) {
    const missing = referenceOf(task).find((identity) => !addresses.has(identity))
    if (missing === undefined) continue
    task.outcome = { ...retry('reference-waits', `the account of ${missing} does not exist yet`), result: 'waiting' }
  }
}

function referenceOf({ change }: Task): readonly IdentityId[] {
  return change.kind === 'update' && 'accountOf' in change.field.to ? [change.field.to.accountOf] : []
}
