import { type Change, type ChangeKind, isLeaver, opens } from '../model/change.ts'
import type { Claims } from './claims.ts'
import { type Bench, begun, contextOf, recordStep } from './context.ts'
import { closeHandOvers, prepareHandOvers } from './handover.ts'
import { intentOf, mayStillOpen, wasBegun } from './intents.ts'
import type { SettlePorts } from './ports.ts'
import { markWaiting, resolveAddresses } from './references.ts'
import { accountOf, aimedAt, demote, failure, type Job, nativeIdOf, retry, succeeded, type Task } from './work.ts'

/** Shutting and making first; then everything about the account; opening and deleting last. */
const phases: readonly (readonly ChangeKind[])[] = [
  ['disable', 'create'],
  ['rename', 'move', 'update', 'expire', 'revoke', 'grant', 'issue-credential'],
  ['enable', 'delete'],
]

/**
 * What comes late must find the account where it was aimed: a group of OpenLDAP takes the DN of an account that has just been
 * moved away, and nobody would see that by looking at the account.
 */
const relocates: ReadonlySet<ChangeKind> = new Set(['rename', 'move', 'delete'])

/**
 * An end goes with the opening, where there is one: on a platform that has one attribute for the end and the lock (pwdEndTime),
 * the connector must write both at once.
 */
function isDue({ tasks }: Job, { change, outcome }: Task, kinds: readonly ChangeKind[]): boolean {
  const withOpening = change.kind === 'expire' && tasks.some((task) => task.change.kind === 'enable')
  return outcome === null && kinds.includes(withOpening ? 'enable' : change.kind)
}

type Placed = readonly [Job, Task]

/**
 * Shuts accounts, and does nothing else yet for those of leavers where the connector can go on from there. Never throws: what
 * fails is the outcome of its tasks, or is met again by `writeRest`. Notes whose accounts are shut (`Job.isShut`).
 */
export async function writeFirst(
  jobs: readonly Job[],
  bench: Bench,
  claims: Claims,
  ports: SettlePorts,
): Promise<void> {
  await noteOpen(jobs, bench, ports)
  const leavers = await shutLeavers(jobs, bench, claims, ports)
  await writePhase(['disable'], jobs, bench, claims, ports, (task) => !leavers.has(task))
  const isShut = (task: Task) => task.change.kind !== 'disable' || leavers.get(task) === true || succeeded(task)
  for (const job of jobs) job.isShut = job.tasks.every(isShut)
}

/** What is left of the protocol of leavers whose accounts were shut by `writeFirst`. Never throws. */
export async function writeBegun(
  jobs: readonly Job[],
  bench: Bench,
  claims: Claims,
  ports: SettlePorts,
): Promise<void> {
  const some = jobs.filter(({ isShut }) => isShut)
  await writePhase(['disable'], some, bench, claims, ports)
}

/** The rest, after which every task has an outcome. Never throws. */
export async function writeRest(jobs: readonly Job[], bench: Bench, claims: Claims, ports: SettlePorts): Promise<void> {
  for (const kinds of phases) await writePhase(kinds, jobs, bench, claims, ports)
}

async function writePhase(
  kinds: readonly ChangeKind[],
  jobs: readonly Job[],
  bench: Bench,
  claims: Claims,
  ports: SettlePorts,
  isMeant: (task: Task) => boolean = () => true,
): Promise<void> {
  for (const job of jobs) aimAndBlock(job, kinds)
  const due = jobs.flatMap((job) => dueOf(job, kinds)).filter(([, task]) => isMeant(task))
  if (due.length === 0) return
  await resolve(due, bench, ports)
  const handOvers = await prepareHandOvers(open(due), bench, ports)
  await fence(due, claims, ports)
  await carryOut(open(due), bench, claims, ports)
  await closeHandOvers(handOvers, ports)
}

/** Whether each was shut; empty where the connector has no such step. */
async function shutLeavers(
  jobs: readonly Job[],
  bench: Bench,
  claims: Claims,
  ports: SettlePorts,
): Promise<ReadonlyMap<Task, boolean>> {
  const { connector } = ports
  if (connector.shut === undefined) return new Map()
  const due = jobs.flatMap(({ tasks }) => tasks.filter(({ change }) => isLeaver(change)))
  if (due.length === 0 || ports.signal.aborted) return new Map(due.map((task) => [task, false]))
  const changes = due.map(({ change }) => change).filter(isLeaver)
  try {
    const shut = await connector.shut(changes, contextOf(bench, ports, claims))
    return new Map(due.map((task, index) => [task, shut[index] === true]))
  } catch {
    // Whatever it was, `apply` meets it, and tells it.
    return new Map(due.map((task) => [task, false]))
  }
}

/** Before the first write of a revocation, once for each time that it was admitted. */
async function noteOpen(jobs: readonly Job[], bench: Bench, ports: SettlePorts): Promise<void> {
  const notes = jobs.map(async (job) => {
    const task = job.tasks.find(({ change }) => change.kind === 'disable')
    if (task === undefined || accountOf(job.person, nativeIdOf(task.change))?.enabled !== true) return
    const { stepsDone, admittedAt } = job.obligation
    if (stepsDone.some(({ step, at }) => step === begun && at >= admittedAt)) return
    const step = { step: begun, at: ports.clock(), detail: 'the account was open' }
    await recordStep(job, step, bench, ports)
  })
  await Promise.all(notes)
}

/** Aims at the account that was just made; what needs an account that could not be made shares its fate. */
function aimAndBlock(job: Job, kinds: readonly ChangeKind[]): void {
  const create = job.tasks.find(({ change }) => change.kind === 'create')
  for (const task of job.tasks) {
    if (!isDue(job, task, kinds)) continue
    if ('creates' in task.change.target && create !== undefined && create !== task) {
      const made = create.outcome?.account
      if (made !== undefined) task.change = aimedAt(task.change, made.nativeId)
      else task.outcome = create.outcome ?? retry('unexpected', 'the account was not made')
    }
    if (relocates.has(task.change.kind) && mayStillOpen(job.obligation)) {
      task.outcome = retry(
        'precondition-failed',
        'an earlier write may still be on its way to where the account stands',
      )
      continue
    }
    const blocker = task.change.kind === 'enable' ? job.tasks.find(blocksOpening) : undefined
    if (blocker?.outcome?.error !== undefined) task.outcome = { result: 'retry', error: blocker.outcome.error }
  }
}

/** An account is not opened while its password is the scrambled one or it still holds what it must lose. */
function blocksOpening(task: Task): boolean {
  return (task.change.kind === 'issue-credential' || task.change.kind === 'revoke') && !succeeded(task)
}

function dueOf(job: Job, kinds: readonly ChangeKind[]): readonly Placed[] {
  return job.tasks.filter((task) => isDue(job, task, kinds)).map((task) => [job, task] as const)
}

function open(due: readonly Placed[]): readonly Task[] {
  return due.map(([, task]) => task).filter((task) => task.outcome === null)
}

async function resolve(due: readonly Placed[], bench: Bench, ports: SettlePorts): Promise<void> {
  const referring = due.map(([, task]) => task).filter(({ change }) => change.kind === 'update')
  if (referring.length === 0) return
  try {
    bench.addresses = await resolveAddresses([...bench.jobs.values()], ports)
    markWaiting(referring, bench.addresses)
  } catch (error) {
    const refers = ({ change }: Task) => change.kind === 'update' && 'accountOf' in change.field.to
    for (const task of referring.filter(refers)) task.outcome = failure(error)
  }
}

/** Law 5: what opens something needs its intent committed right before the write, everything needs the claim. */
async function fence(due: readonly Placed[], claims: Claims, ports: SettlePorts): Promise<void> {
  const waiting = due.filter(([, task]) => task.outcome === null)
  const opening = waiting.filter(([, { change }]) => opens(change))
  const intents = opening.map(([{ obligation }, { change }]) => ({ ...intentOf(change), token: obligation.token }))
  try {
    const current = intents.length === 0 ? new Set<string>() : await ports.ledger.intend(intents, ports.clock())
    for (const [{ obligation }, task] of opening) {
      if (!current.has(obligation.token)) task.outcome = retry('claim-lost', 'something newer is owed to this account')
    }
  } catch (error) {
    for (const [, task] of opening) task.outcome = failure(error)
  }
  for (const [{ obligation, isShut }, task] of waiting) {
    if (task.outcome !== null) continue
    // Who is still to be shut is shut without a claim, too: the ledger may be out of reach. The rest of the protocol may come much
    // later, and would meet somebody who is back.
    const needsClaim = isShut || task.change.kind !== 'disable'
    if (needsClaim && !claims.holds(obligation.token)) {
      task.outcome = retry('claim-lost', 'the claim ended before the write')
    } else if (ports.signal.aborted) task.outcome = retry('stopped', 'Keyturn was stopped before the write')
  }
}

async function carryOut(tasks: readonly Task[], bench: Bench, claims: Claims, ports: SettlePorts): Promise<void> {
  if (tasks.length === 0) return
  try {
    const outcomes = await ports.connector.apply(
      tasks.map(({ change }) => change),
      contextOf(bench, ports, claims),
    )
    for (const [index, task] of tasks.entries()) {
      task.outcome =
        outcomes[index] ?? retry('unexpected', `connector ${ports.platform} gave no outcome for this change`)
    }
  } catch (error) {
    for (const task of tasks) task.outcome = failure(error)
  }
  for (const task of tasks) keepOwnCreate(task, bench)
}

/** A name that is taken where we ourselves may have taken it a moment ago is looked at again, not given up. */
function keepOwnCreate(task: Task, bench: Bench): void {
  const job = bench.jobs.get(task.change.identity)
  if (task.outcome?.error?.code !== 'name-taken' || job === undefined) return
  if (isCreate(task.change) && wasBegun(task.change, job.obligation)) {
    demote(task, retry('name-taken', task.outcome.error.message))
  }
}

function isCreate(change: Change): boolean {
  return change.kind === 'create'
}
