import { type Change, type ChangeKind, isLeaver, type LeaverChange } from '../../model/change.ts'
import type { Outcome } from '../../model/connector.ts'
import { LdapResultError } from '../directory/errors.ts'
import { Entry } from '../directory/entry.ts'
import { claimLost } from '../directory/may-open.ts'
import { createAccount, reserveNumbers } from './create.ts'
import type { CreateChange } from './create.ts'
import { credentialAttributes } from './credentials.ts'
import { enable, issueCredential, leave, shut, suspend } from './leaver.ts'
import { heldByEndTime } from './lock.ts'
import { editMembership, failed } from './memberships.ts'
import { followInGroups, relocateAccount } from './move.ts'
import { locate, missing, relocate, request } from './session.ts'
import type { Located, Session } from './session.ts'
import { expireAccount, updateAccount } from './update.ts'
import type { ExpireChange, UpdateChange } from './update.ts'

interface Task {
  readonly change: Change
  outcome: Outcome | null
}

/** One account with what shall be done to it. */
interface Job {
  nativeId: string | undefined
  account: Located | undefined
  readonly tasks: Task[]
}

interface Stage {
  readonly kinds: readonly ChangeKind[]
  /** Absent: for every account. */
  readonly isFor?: (job: Job) => boolean
}

/**
 * Stages are done one after the other for all accounts, so that memberships of many people meet in one modification. What is taken
 * from an account that goes elsewhere is taken from where it stands: groups hold addresses, and whoever is killed after the
 * move would leave the old one in them.
 */
const stages: readonly Stage[] = [
  { kinds: ['link', 'disable'] },
  { kinds: ['create'] },
  { kinds: ['revoke'], isFor: goesElsewhere },
  { kinds: ['rename', 'move', 'update'] },
  { kinds: ['revoke', 'grant'] },
  { kinds: ['issue-credential', 'expire', 'enable', 'delete'] },
]

/** Carries out changes of many accounts at once; one outcome per change, in their order. Throws nothing for one item. */
export async function applyChanges(session: Session, changes: readonly Change[]): Promise<readonly Outcome[]> {
  const tasks = changes.map((change): Task => ({ change, outcome: null }))
  const jobs = [...Map.groupBy(tasks, ({ change }) => targetKey(change)).values()].map(jobOf)
  await locateAll(session, jobs)
  refuseCreates(session, tasks)
  const untried = tasks.filter(({ outcome }) => outcome === null).map(({ change }) => change)
  const numbers = await attempt(() => reserveNumbers(session, untried.filter(isCreate)))
  for (const { kinds, isFor } of stages) {
    const due = jobs.filter(
      (job) =>
        isFor?.(job) !== false &&
        job.tasks.some(({ change, outcome }) => outcome === null && kinds.includes(change.kind)),
    )
    await Promise.all(
      due.map(async (job) => {
        for (const kind of kinds) await runKind(session, job, kind, numbers)
      }),
    )
  }
  return tasks.map(({ outcome }) => outcome ?? failed(new Error('the change was not tried')))
}

/** The first write for each of these leavers; see `Connector.shut`. */
export async function shutAccounts(session: Session, changes: readonly LeaverChange[]): Promise<readonly boolean[]> {
  const idOf = ({ target }: LeaverChange) => ('nativeId' in target ? target.nativeId : null)
  const ids = changes.map(idOf).filter((id) => id !== null)
  const accounts = await locate(session, ids)
  return Promise.all(
    changes.map(async (change) => {
      const id = idOf(change)
      const account = id === null ? undefined : accounts.get(id)
      return id !== null && account !== undefined && (await shut(session, account, id, change))
    }),
  )
}

function targetKey({ target }: Change): string {
  return 'nativeId' in target ? `id ${target.nativeId}` : `for ${target.creates}`
}

function jobOf(tasks: Task[]): Job {
  const target = tasks[0]?.change.target
  return {
    nativeId: target !== undefined && 'nativeId' in target ? target.nativeId : undefined,
    account: undefined,
    tasks,
  }
}

function goesElsewhere({ tasks }: Job): boolean {
  return tasks.some(({ change: { kind } }) => kind === 'rename' || kind === 'move')
}

function isUpdate(change: Change): change is UpdateChange {
  return change.kind === 'update'
}

function isCreate(change: Change): change is CreateChange {
  return change.kind === 'create'
}

/** Addresses as they are right before the writes. Where they cannot be looked up, everything about them is to be tried later. */
async function locateAll(session: Session, jobs: readonly Job[]): Promise<void> {
  const ids = jobs.map((job) => job.nativeId).filter((id) => id !== undefined)
  const leavers = jobs.some(({ tasks }) => tasks.some(({ change }) => isLeaver(change)))
  const found = await attempt(() => locate(session, ids, leavers ? credentialAttributes : []))
  for (const job of jobs) {
    if (job.nativeId === undefined) continue
    if ('error' in found) for (const task of job.tasks) task.outcome = failed(found.error)
    else job.account = found.value.get(job.nativeId)
  }
}

/** Accounts that may not be made any more take no numbers. */
function refuseCreates({ context }: Session, tasks: readonly Task[]): void {
  for (const task of tasks) {
    if (isCreate(task.change) && context.mayOpen?.(task.change.identity) === false) task.outcome = failed(claimLost())
  }
}

type Attempted<T> = { readonly value: T } | { readonly error: unknown }

async function attempt<T>(work: () => Promise<T>): Promise<Attempted<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error }
  }
}

type Numbers = Attempted<Map<CreateChange, number>>

async function runKind(session: Session, job: Job, kind: ChangeKind, numbers: Numbers): Promise<void> {
  const tasks = job.tasks.filter(({ change, outcome }) => change.kind === kind && outcome === null)
  if (tasks.length === 0) return
  if (kind === 'update') {
    await updateAll(session, job, tasks)
    return
  }
  await Promise.all(
    tasks.map(async (task) => {
      const done = await attempt(() =>
        isCreate(task.change) ? create(session, job, task.change, numbers) : runOne(session, job, task.change),
      )
      task.outcome = 'error' in done ? failed(done.error) : done.value
    }),
  )
}

async function create(session: Session, job: Job, change: CreateChange, numbers: Numbers): Promise<Outcome> {
  if ('error' in numbers) return failed(numbers.error)
  const outcome = await createAccount(session, change, numbers.value.get(change))
  if (outcome.account !== undefined) {
    const { nativeId, address: dn, name } = outcome.account
    job.nativeId = nativeId
    job.account = { dn, name, entry: new Entry(dn, new Map()) }
  }
  return outcome
}

async function updateAll(session: Session, job: Job, tasks: readonly Task[]): Promise<void> {
  const { account } = job
  const changes = tasks.map(({ change }) => change).filter(isUpdate)
  const done = account === undefined ? null : await attempt(() => updateAccount(session, account, changes))
  tasks.forEach((task, index) => {
    if (done === null) task.outcome = absent(session, job)
    else task.outcome = 'error' in done ? failed(done.error) : (done.value[index] ?? failed(new Error('no outcome')))
  })
}

/** The account is not there: its own create failed, or it is gone. */
function absent(session: Session, job: Job): Outcome {
  const create = job.tasks.find(({ change }) => change.kind === 'create')?.outcome
  if (create?.error !== undefined) return { result: create.result, error: create.error }
  return failed(missing(session, job.nativeId ?? 'of an account that is yet to be created'))
}

async function runOne(session: Session, job: Job, change: Exclude<Change, CreateChange>): Promise<Outcome> {
  const { account, nativeId } = job
  if (account === undefined || nativeId === undefined) {
    return change.kind === 'delete' ? { result: 'already' } : absent(session, job)
  }
  switch (change.kind) {
    case 'link':
      return { result: 'done', account: { nativeId, address: account.dn, name: account.name } }
    case 'disable':
      return isLeaver(change) ? leave(session, account, nativeId, change) : suspend(session, account, nativeId)
    case 'rename':
    case 'move':
      return relocateAccount(session, account, change, nativeId)
    case 'expire':
      return expire(session, job, await relocate(session, nativeId), change)
    case 'update':
      return (await updateAccount(session, account, [change]))[0] ?? absent(session, job)
    case 'grant':
    case 'revoke':
      return editMembership(session, account, change)
    case 'issue-credential':
      return issueCredential(session, await relocate(session, nativeId), nativeId, change.identity)
    case 'enable':
      return enable(session, await relocate(session, nativeId), nativeId, change.identity)
    case 'delete':
      return deleteAccount(session, account)
  }
}

/** Where one attribute is the lock and the end, an account is opened with its end in one modification: never without it. */
async function expire(session: Session, job: Job, account: Located, change: ExpireChange): Promise<Outcome> {
  const opening = job.tasks.find((task) => task.change.kind === 'enable' && task.outcome === null)
  const { nativeId } = job
  const held = change.to !== null && heldByEndTime(account.entry, session.facts)
  if (!held || opening === undefined || nativeId === undefined) return expireAccount(session, account, change)
  const done = await attempt(() => enable(session, account, nativeId, change.identity, change.to))
  const outcome = 'error' in done ? failed(done.error) : done.value
  opening.outcome = outcome
  return outcome
}

/** Deletes the entry and takes it out of the catalogue's groups, so that no later account of that name finds itself in them. */
async function deleteAccount(session: Session, account: Located): Promise<Outcome> {
  const deleted = await request(session, { doing: `deleting ${account.dn}` }, async (connection) => {
    try {
      await connection.delete(account.dn)
      return true
    } catch (error) {
      if (error instanceof LdapResultError && error.code === 32) return false
      throw error
    }
  })
  await followInGroups(session, account, null)
  return { result: deleted ? 'done' : 'already' }
}
