import type { ObservedAccount } from '../model/account.ts'
import type { Change } from '../model/change.ts'
import type { Outcome, Proof, RevocationStep } from '../model/connector.ts'
import { type ErrorCode, KeyturnError, summarise } from '../model/errors.ts'
import type { ChangeResult, ClaimedObligation } from '../model/ledger.ts'
import type { PersonView } from './ports.ts'

/** One admitted change on its way: what was admitted, what is written for it, what came of it. */
export interface Task {
  readonly id: number
  readonly admitted: Change
  /** What goes to the connector: the admitted change, aimed at the account that exists by now. */
  change: Change
  /** null until it was tried. */
  outcome: Outcome | null
  /** A fresh read shows it. */
  shown: boolean
}

/** One claimed obligation on its way through `settle`. */
export interface Job {
  readonly obligation: ClaimedObligation
  readonly person: PersonView
  readonly tasks: readonly Task[]
  /** Admitted changes that nothing needs to be done for: `already` or `moved`. */
  readonly spared: readonly ChangeResult[]
  /** Something must be taken away that nobody has admitted yet, such as a grant that came late. */
  readonly unadmitted: boolean
  /** The first writes are over, and left no account open that this work is to shut. */
  isShut: boolean
  /** Steps of the leaver protocol that this run recorded. */
  readonly steps: RevocationStep[]
  /** The account as it was read back; null where there is none, undefined where it could not be read. */
  seen: ObservedAccount | null | undefined
  proof: Proof | null
}

export function failure(error: unknown): Outcome {
  const giveUp = error instanceof KeyturnError && error.class === 'give-up'
  return { result: giveUp ? 'failed' : 'retry', error: summarise(error) }
}

export function retry(code: ErrorCode, message: string): Outcome {
  return { result: 'retry', error: { code, message } }
}

export function succeeded({ outcome }: Task): boolean {
  return outcome?.result === 'done' || outcome?.result === 'already'
}

/** Not done after all: keeps what the outcome tells about the account. */
export function demote(task: Task, outcome: Outcome): void {
  task.outcome = { ...task.outcome, ...outcome }
}

/** Where the change is aimed, once the account is known; null while it waits for a create. */
export function nativeIdOf(change: Change): string | null {
  return 'nativeId' in change.target ? change.target.nativeId : null
}

/** The same change, aimed at an account that exists now. */
export function aimedAt(change: Change, nativeId: string): Change {
  return change.kind === 'create' ? change : { ...change, target: { nativeId } }
}

/** The account that a person's changes are about, as it was observed: the named one, else the linked one. */
export function accountOf(person: PersonView, nativeId: string | null): ObservedAccount | null {
  const id = nativeId ?? person.link?.nativeId
  return person.accounts.find((account) => account.nativeId === id) ?? null
}

/** The account of the job by the end of the writes: linked, created, or named by a change. */
export function finalId(job: Job): string | null {
  const created = job.tasks.find(({ change }) => change.kind === 'create')?.outcome?.account?.nativeId
  const named = job.tasks.map(({ change }) => nativeIdOf(change)).find((id) => id !== null)
  return created ?? named ?? job.person.link?.nativeId ?? null
}

/** Changes that take away. */
export function closes({ kind }: Change): boolean {
  return kind === 'disable' || kind === 'revoke'
}
