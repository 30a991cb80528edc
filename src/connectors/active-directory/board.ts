import type { Change, ChangeKind } from '../../model/change.ts'
import type { ApplyContext, Outcome } from '../../model/connector.ts'
import { KeyturnError, summarise } from '../../model/errors.ts'
import type { IdentityId } from '../../model/identity.ts'
import type { Connection } from '../directory/connection.ts'
import { inFlight } from '../directory/flight.ts'
import type { Domain } from './domain.ts'
import type { AccountState } from './state.ts'
import { domainError } from './errors.ts'

export interface Task<K extends ChangeKind = ChangeKind> {
  readonly index: number
  readonly change: Change & { readonly kind: K }
}

/** Everything that one batch of changes is worked on with. */
export interface Desk {
  readonly domain: Domain
  readonly connection: Connection
  readonly context: ApplyContext
  readonly board: Board
}

/** The changes of one batch, the accounts that they are about as they stand, and what has come of each change. */
export class Board {
  readonly #changes: readonly Change[]
  readonly #outcomes: (Outcome | undefined)[]
  readonly #states = new Map<string, AccountState>()
  readonly #lost = new Map<string, Outcome>()
  /** Where accounts stand that this batch has made or moved. */
  readonly #addresses = new Map<IdentityId, string>()

  constructor(changes: readonly Change[]) {
    this.#changes = changes
    this.#outcomes = changes.map(() => undefined)
  }

  /** Changes of these kinds that nothing has come of yet. */
  pending<K extends ChangeKind>(...kinds: readonly K[]): Task<K>[] {
    return this.#changes.flatMap((change, index) =>
      this.#outcomes[index] === undefined && (kinds as readonly ChangeKind[]).includes(change.kind)
        ? [{ index, change: change as Change & { readonly kind: K } }]
        : [],
    )
  }

  /** Native ids of the accounts that the changes are about. */
  nativeIds(): string[] {
    return [...new Set(this.#changes.flatMap(({ target }) => ('nativeId' in target ? [target.nativeId] : [])))]
  }

  /** The account of a change as it stands; undefined where it is not there. */
  state(change: Change): AccountState | undefined {
    return this.#states.get(keyOf(change))
  }

  /** Notes how the account of this change stands now. */
  stands(change: Change, state: AccountState): void {
    this.#states.set(keyOf(change), state)
    this.#addresses.set(change.identity, state.dn)
  }

  /** Takes in accounts that were read by native id. */
  observe(states: ReadonlyMap<string, AccountState>): void {
    for (const [nativeId, state] of states) this.#states.set(nativeId, state)
  }

  addressOf(identity: IdentityId, context: ApplyContext): string | undefined {
    return this.#addresses.get(identity) ?? context.addressOf(identity)
  }

  settle({ index }: Task, outcome: Outcome): void {
    this.#outcomes[index] = outcome
  }

  /** This failed, and what else shall be done with the same account makes no sense now. */
  lose(task: Task, outcome: Outcome): void {
    this.settle(task, outcome)
    this.#lost.set(keyOf(task.change), outcome)
  }

  /** Gives every change that nothing has come of yet an outcome. */
  settleRest(outcome: Outcome): void {
    for (const [index, change] of this.#changes.entries()) {
      this.#outcomes[index] ??= this.#lost.get(keyOf(change)) ?? outcome
    }
  }

  /** Settles what cannot be tried because its account is not there, and returns the rest with the account. */
  ready<K extends ChangeKind>(tasks: readonly Task<K>[]): { task: Task<K>; state: AccountState }[] {
    return tasks.flatMap((task) => {
      const lost = this.#lost.get(keyOf(task.change))
      const state = this.state(task.change)
      if (lost === undefined && state !== undefined) return [{ task, state }]
      this.settle(task, lost ?? missing(task.change))
      return []
    })
  }

  outcomes(): Outcome[] {
    return this.#outcomes.map((outcome) => outcome ?? outcomeOf(new Error('the change was not tried')))
  }
}

function keyOf({ target }: Change): string {
  return 'nativeId' in target ? target.nativeId : `+${target.creates}`
}

function missing(change: Change): Outcome {
  const what = 'nativeId' in change.target ? `with objectGUID ${change.target.nativeId}` : 'that was to be created'
  return outcomeOf(
    new KeyturnError('object-missing', `${change.platform}: the account ${change.account}, ${what}, is not there.`),
  )
}

/** What an error means for one change. */
export function outcomeOf(error: unknown): Outcome {
  const summary = summarise(error)
  if (summary.code === 'reference-waits') return { result: 'waiting', error: summary }
  const givesUp = error instanceof KeyturnError && error.class === 'give-up'
  return { result: givesUp ? 'failed' : 'retry', error: summary }
}

/** Runs `work` for one change, notes and returns what came of it, whatever it throws. `doing` completes "… was refused". */
export async function attempt(
  { board, domain, context }: Desk,
  task: Task,
  doing: string,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  let outcome: Outcome
  try {
    context.signal.throwIfAborted()
    outcome = await work()
  } catch (error) {
    const cannotManage = board.state(task.change)?.cannotManage
    outcome = outcomeOf(domainError(error, { platform: domain.id, doing, cannotManage }))
  }
  board.settle(task, outcome)
  return outcome
}

/** Does `work` for each of these changes that has an account, as many at a time as the configuration allows. */
export async function eachAccount<K extends ChangeKind>(
  desk: Desk,
  tasks: readonly Task<K>[],
  doing: (state: AccountState, task: Task<K>) => string,
  work: (state: AccountState, task: Task<K>) => Promise<Outcome>,
): Promise<void> {
  const { board, domain } = desk
  await inFlight(board.ready(tasks), domain.settings.limits.concurrency, ({ task, state }) =>
    attempt(desk, task, doing(state, task), () => work(state, task)),
  )
}
