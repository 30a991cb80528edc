import { type Bench, drawPassword } from './context.ts'
import type { PreparedHandOver } from './delivery.ts'
import type { SettlePorts } from './ports.ts'
import { accountOf, demote, failure, type Job, succeeded, type Task } from './work.ts'
import type { ClaimedObligation } from '../model/ledger.ts'

/** Hand-overs on their way, by task. */
export type HandOvers = ReadonlyMap<Task, PreparedHandOver>

/** Draws the passwords of these tasks and stores each for the service desk before the platform hears of it. */
export async function prepareHandOvers(tasks: readonly Task[], bench: Bench, ports: SettlePorts): Promise<HandOvers> {
  const prepared = new Map<Task, PreparedHandOver>()
  await Promise.all(
    tasks.filter(setsPassword).map(async (task) => {
      try {
        const { identity, account } = task.change
        const password = drawPassword(bench, identity)
        const handOver = { identity, account, password, mustChange: ports.mustChange }
        const file = await ports.deliveries?.prepare(handOver)
        if (file !== undefined) prepared.set(task, file)
      } catch (error) {
        task.outcome = failure(error)
      }
    }),
  )
  return prepared
}

/** Shows the service desk what the platform took, and takes the rest away. */
export async function closeHandOvers(handOvers: HandOvers, ports: SettlePorts): Promise<void> {
  await Promise.all(
    [...handOvers].map(async ([task, file]) => {
      try {
        // `already`: the account was there before, with another password.
        await (task.outcome?.result === 'done' ? file.finish() : file.discard())
      } catch (error) {
        const { identity, platform } = task.change
        ports.logger.error('a hand-over file was not finished', { identity, platform, error: String(error) })
        if (succeeded(task)) demote(task, failure(error))
      }
    }),
  )
}

/**
 * Tokens of those whose account was made by a try that ended early, and whose password the service desk never got. Only
 * accounts that are open: a pre-hire gets a password when the account is opened.
 */
export async function owingPasswords(
  claimed: readonly Pick<Job, 'obligation' | 'person'>[],
  { deliveries }: SettlePorts,
): Promise<ReadonlySet<string>> {
  const owing = new Set<string>()
  if (deliveries === null) return owing
  await Promise.all(
    claimed.map(async ({ obligation, person }) => {
      const account = accountOf(person, null)
      if (obligation.lane !== 'change' || account?.enabled !== true || !wasMade(obligation, account.name)) return
      if (!(await deliveries.isFinished(obligation.identity, account.name))) owing.add(obligation.token)
    }),
  )
  return owing
}

function wasMade({ changes, openIntents }: ClaimedObligation, name: string): boolean {
  const isOpen = changes.some(({ change }) => change.kind === 'create')
  const folded = name.toLowerCase()
  return isOpen || openIntents.some(({ kind, target }) => kind === 'create' && target.toLowerCase() === folded)
}

/** A pre-hire's account is made shut; its first usable password comes when it is opened. */
function setsPassword({ change }: Task): boolean {
  return change.kind === 'create' ? change.desired.enabled : change.kind === 'issue-credential'
}

/** An error text of a platform or library might quote what it was given. */
export function withoutPasswords(text: string, bench: Bench, ports: Pick<SettlePorts, 'scrambled'>): string {
  return [...bench.initial.values(), ...ports.scrambled.values()].reduce(
    (cleaned, password) => cleaned.replaceAll(password, '(new password)'),
    text,
  )
}
