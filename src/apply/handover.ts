import { type Bench, drawPassword } from './context.ts'
import type { PreparedHandOver } from './delivery.ts'
import type { SettlePorts } from './ports.ts'
import { demote, failure, type Job, succeeded, type Task } from './work.ts'

/** Hand-overs on their way, by task. */
export type HandOvers = ReadonlyMap<Task, PreparedHandOver>

/** Draws the passwords of these tasks and stores each for the service desk before the platform hears of it. */
export async function prepareHandOvers(tasks: readonly Task[], bench: Bench, ports: SettlePorts): Promise<HandOvers> {
  const prepared = new Map<Task, PreparedHandOver>()
  await Promise.all(
    tasks.filter(setsPassword).map(async (task) => {
      try {
        const { identity, account } = task.change
        const password = drawPassword(bench, identity, ports)
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

/** Jobs whose create is still open although the account exists: did its password reach the service desk? */
export async function handedOverSince(
  claimed: readonly Pick<Job, 'obligation' | 'person'>[],
  ports: SettlePorts,
): Promise<ReadonlySet<string>> {
  const { deliveries } = ports
  const tokens = new Set(claimed.map(({ obligation }) => obligation.token))
  if (deliveries === null) return tokens
  await Promise.all(
    claimed.map(async ({ obligation, person }) => {
      const create = obligation.changes.some(({ change }) => change.kind === 'create' && change.desired.enabled)
      if (!create || person.link?.how !== 'created') return
      const { identity, admittedAt, token } = obligation
      if (!(await deliveries.finishedSince(identity, person.link.name, admittedAt))) tokens.delete(token)
    }),
  )
  return tokens
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
