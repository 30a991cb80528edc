import type { ObservedAccount } from '../model/account.ts'
import { isLeaver } from '../model/change.ts'
import type { Proof } from '../model/connector.ts'
import { summarise } from '../model/errors.ts'
import { type Bench, contextOf } from './context.ts'
import { withoutPasswords } from './handover.ts'
import type { SettlePorts } from './ports.ts'
import { shows } from './shows.ts'
import { demote, finalId, type Job, nativeIdOf, retry, succeeded, type Task } from './work.ts'

/** One fresh read of everything that was written; a change that it does not show is not done, whatever the answer said. */
export async function readBack(jobs: readonly Job[], bench: Bench, ports: SettlePorts): Promise<void> {
  const written = jobs.filter((job) => job.tasks.some(succeeded))
  if (written.length === 0) return
  const { accounts, missing } = await readAgain(written, ports)
  for (const job of written) {
    const id = finalId(job)
    job.seen = id === null ? undefined : (accounts.get(id) ?? missing)
    for (const task of job.tasks.filter(succeeded)) check(task, job, accounts, missing, bench, ports)
  }
}

interface Reading {
  readonly accounts: ReadonlyMap<string, ObservedAccount>
  /** What an account is that was not among them: null (gone), or undefined where the read was not whole. */
  readonly missing: null | undefined
}

async function readAgain(jobs: readonly Job[], ports: SettlePorts): Promise<Reading> {
  const ids = jobs.flatMap((job) => [finalId(job), ...job.tasks.map(({ change }) => nativeIdOf(change))])
  const refs = [...new Set(ids)].filter((id) => id !== null).map((nativeId) => ({ nativeId }))
  try {
    const read = await ports.connector.read(refs, ports.signal)
    const accounts = new Map(read.items.map((account) => [account.nativeId, account]))
    if (!read.complete)
      ports.logger.warn('reading back ended early', { platform: ports.platform, ...summarise(read.cause) })
    return { accounts, missing: read.complete ? null : undefined }
  } catch (error) {
    ports.logger.warn('reading back failed', { platform: ports.platform, ...summarise(error) })
    return { accounts: new Map(), missing: undefined }
  }
}

function check(
  task: Task,
  job: Job,
  accounts: Reading['accounts'],
  missing: Reading['missing'],
  bench: Bench,
  ports: SettlePorts,
): void {
  const id = nativeIdOf(task.change)
  const account = id === null ? job.seen : (accounts.get(id) ?? missing)
  if (account === undefined) {
    demote(task, retry('platform-read-incomplete', 'the account could not be read back'))
    return
  }
  const comparison = { connector: ports.connector, addressOf: (identity: string) => bench.addresses.get(identity) }
  task.shown = shows(task.change, account, comparison)
  if (!task.shown) {
    const answer = `${ports.platform} answered that it was done, but a fresh read does not show it`
    demote(task, retry('not-read-back', answer))
  }
}

/** Law 10: a leaver's account is shut only when that was shown. */
export async function proveAll(jobs: readonly Job[], bench: Bench, ports: SettlePorts): Promise<void> {
  await Promise.all(
    jobs.flatMap((job) =>
      job.tasks
        .filter(({ change }) => isLeaver(change))
        .map(async (task) => {
          if (!succeeded(task)) return
          job.proof = await proveOne(job.seen ?? null, bench, ports)
          if (job.proof.grade === 'not-proven') demote(task, retry('not-proven', job.proof.text))
          else ports.scrambled.delete(job.obligation.identity)
        }),
    ),
  )
}

async function proveOne(account: ObservedAccount | null, bench: Bench, ports: SettlePorts): Promise<Proof> {
  const at = ports.clock()
  if (account === null) return { grade: 'read-back', at, text: 'the account does not exist any more' }
  try {
    return await ports.connector.prove(account, contextOf(bench, ports))
  } catch (error) {
    const why = withoutPasswords(summarise(error).message, bench, ports)
    return { grade: 'not-proven', at, text: `the proof could not be tried: ${why}` }
  }
}
