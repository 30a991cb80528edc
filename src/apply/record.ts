import type { ObservedAccount } from '../model/account.ts'
import { type Change, isLeaver } from '../model/change.ts'
import type { Instant } from '../model/instant.ts'
import type { AuditRecord, ChangeResult, Grant, Link, Settlement } from '../model/ledger.ts'
import { auditRecord, auditResult } from './audit.ts'
import { type Bench, begun } from './context.ts'
import { withoutPasswords } from './handover.ts'
import { begunGrants, mayStillOpen } from './intents.ts'
import type { SettlePorts } from './ports.ts'
import { givesUp, isOutage, isPlatformWide, nextTry } from './retry.ts'
import { accountOf, closes, type Job, retry, succeeded, type Task } from './work.ts'

/** What one job leaves behind, with everything it implies. */
export function settlementOf(job: Job, bench: Bench, ports: SettlePorts): Settlement {
  const at = ports.clock()
  const reached = [...job.spared, ...job.tasks.map((task) => resultOf(task, job, bench, ports))]
  const results = reached.map((result) => (isLookedAtAgain(result, job) ? keptOwed(result) : result))
  const link = linkAfter(job, at)
  return {
    obligation: job.obligation,
    results,
    ...link,
    grantsAdded: grantsAdded(job, at),
    grantsRemoved: grantsRemoved(job),
    proof: job.proof,
    nextTryAt: nextTryOf(job, results, at, ports),
    ...(isOutage(results) ? { outage: true } : {}),
    at,
    audit: auditOf(job, reached, at),
  }
}

function resultOf(task: Task, job: Job, bench: Bench, ports: SettlePorts): ChangeResult {
  const { lane, tries } = job.obligation
  const outcome = task.outcome ?? retry('unexpected', 'this change was not tried')
  const error = outcome.error && { ...outcome.error, message: withoutPasswords(outcome.error.message, bench, ports) }
  const clean = error === undefined ? outcome : { ...outcome, error }
  const address = addressWritten(task, bench)
  const base = {
    id: task.id,
    change: task.admitted,
    outcome: clean,
    ...(error === undefined ? {} : { error }),
    ...(address === undefined ? {} : { address }),
  }
  // Revocations never give up.
  if (outcome.result === 'failed' && lane === 'revoke' && closes(task.change)) return { ...base, status: 'retry' }
  const code = outcome.error?.code ?? 'unexpected'
  if (outcome.result === 'retry' && givesUp(lane, tries, code, ports.retry)) return { ...base, status: 'failed' }
  return { ...base, status: outcome.result }
}

function addressWritten({ change }: Task, bench: Bench): string | undefined {
  if (change.kind !== 'update' || !('accountOf' in change.field.to)) return undefined
  return bench.addresses.get(change.field.to.accountOf)
}

const lookedAtAgain =
  'an earlier write that opens something may still be on its way to this account; it is looked at again'

/**
 * Law 5: a revocation that met somebody's open intent looks once more, after that worker's time is certainly over; also
 * where it found nothing to shut, or not what was admitted.
 */
function isLookedAtAgain({ status, change }: ChangeResult, { obligation }: Job): boolean {
  const isOver = status === 'done' || status === 'already' || status === 'moved'
  return isOver && closes(change) && mayStillOpen(obligation)
}

function keptOwed(result: ChangeResult): ChangeResult {
  const error = { code: 'precondition-failed', message: lookedAtAgain } as const
  return { ...result, status: 'retry', error, outcome: { ...result.outcome, result: 'retry', error } }
}

function nextTryOf({ obligation }: Job, results: readonly ChangeResult[], at: Instant, ports: SettlePorts) {
  if (mayStillOpen(obligation)) return at + ports.leaseMs
  const owed = results.filter(({ status }) => status === 'retry' || status === 'waiting')
  if (owed.length === 0) return null
  // Handed back, not failed: due at once.
  if (owed.every(({ error }) => error?.code === 'stopped')) return at
  const tries = isOutage(results) ? 0 : obligation.tries
  return nextTry(obligation.lane, tries, at, ports.retry, ports.random)
}

/** The link as it is now. It follows what the platform showed, not what was asked for. */
function linkAfter(job: Job, at: Instant): { readonly link: Link | null; readonly unlink: boolean } {
  const deleted = [...job.spared, ...job.tasks.filter((task) => task.shown).map(resultLike)]
  if (deleted.some(({ change, status }) => change.kind === 'delete' && status !== 'moved')) {
    return { link: null, unlink: true }
  }
  let link = job.tasks.reduce((before, task) => linkWith(before, task, job, at), job.person.link)
  if (link === null) return { link, unlink: false }
  const account = job.seen ?? (writesSteps(job) ? null : accountOf(job.person, link.nativeId))
  if (account !== null && account.nativeId === link.nativeId) {
    const state = account.enabled ? opened(link) : linkHeld(link, account, job)
    link = { ...state, name: account.name, address: account.address }
  }
  return { link, unlink: false }
}

function resultLike(task: Task): Pick<ChangeResult, 'change' | 'status'> {
  return { change: task.change, status: 'done' }
}

function linkWith(link: Link | null, task: Task, job: Job, at: Instant): Link | null {
  const { change } = task
  const { identity, platform } = job.obligation
  if (change.kind === 'create' && task.outcome?.account !== undefined) {
    const shutByUs = change.desired.enabled ? null : 'pre-hire'
    return {
      identity,
      platform,
      ...task.outcome.account,
      how: 'created',
      linkedAt: at,
      shutByUs,
      passwordScrambled: false,
    }
  }
  if (link === null) return link
  if (change.kind === 'disable') return linkShut(link, change.protocol, task, job, at)
  if (change.kind === 'issue-credential' && task.shown) return { ...link, passwordScrambled: false }
  return link
}

/** Whoever opened it: it is not shut any more, and how it was shut is forgotten. */
function opened(link: Link): Link {
  const { identity, platform, nativeId, name, address, how, linkedAt, passwordScrambled } = link
  return { identity, platform, nativeId, name, address, how, linkedAt, passwordScrambled, shutByUs: null }
}

/** Ours to open again only if it was open when we came, or we held it shut before (law 8). */
function linkShut(link: Link, protocol: 'leaver' | 'suspend', task: Task, job: Job, at: Instant): Link {
  const began = writesSteps(job)
  const scrambled = protocol === 'leaver' && (task.shown || began)
  const shut = { ...link, passwordScrambled: link.passwordScrambled || scrambled }
  if (!task.shown && !began) return shut
  const ours = link.shutByUs !== null || weShut(job)
  const over = task.shown && succeeded(task) && !mayStillOpen(job.obligation)
  // `leaver` says that the protocol is over. Until that is proven, we hold it shut as we hold a suspended one.
  if (protocol === 'leaver' && over) {
    return { ...shut, shutByUs: protocol, shutAt: link.shutAt ?? at, ...(ours ? {} : { foundShut: true }) }
  }
  return ours ? { ...shut, shutByUs: link.shutByUs ?? 'suspend' } : shut
}

/** This run has shut the account, and read that back: what was observed before is not true any more. */
function writesSteps({ steps }: Job): boolean {
  return steps.some(({ step }) => step !== begun)
}

function weShut({ obligation, steps }: Job): boolean {
  return [...obligation.stepsDone, ...steps].some(({ step }) => step === begun)
}

/** How we hold an account that is shut, where this settlement is not the end of a leaver protocol itself. */
function linkHeld(link: Link, account: ObservedAccount, job: Job): Link {
  // We shut it, ended before recording that, and by now nothing is left to do or something else is owed.
  if (!account.enabled && link.shutByUs === null && weShut(job)) {
    return { ...link, shutByUs: 'suspend', passwordScrambled: link.passwordScrambled || mayBeScrambled(job) }
  }
  // Somebody may know its password again: should the person leave once more, the protocol is due once more.
  return link.shutByUs === 'leaver' && setPassword(job) ? { ...link, shutByUs: 'suspend' } : link
}

/** The first write of the leaver protocol may set a new password with the lock: whoever ended before recording it has done so. */
function mayBeScrambled({ tasks, spared }: Job): boolean {
  const changes: readonly Change[] = [...tasks, ...spared].map(({ change }) => change)
  const disables = changes.filter(({ kind }) => kind === 'disable')
  return disables.length === 0 || disables.some(isLeaver)
}

/** Was a new password set, or may it have been? */
function setPassword({ tasks, obligation }: Job): boolean {
  const written = tasks.some(
    ({ change, outcome }) =>
      change.kind === 'issue-credential' && outcome !== null && outcome.error?.code !== 'claim-lost',
  )
  return written || obligation.openIntents.some(({ kind }) => kind === 'issue-credential')
}

function grantsAdded(job: Job, at: Instant): readonly Grant[] {
  const written = job.tasks.flatMap(({ shown, change }) =>
    shown && change.kind === 'grant' ? [{ entitlement: change.entitlement, reason: change.reason }] : [],
  )
  // Begun under an earlier claim that ended early, and there now: that was us.
  const reason = { kind: 'setting', text: 'granted by an earlier try that ended before it could record it' } as const
  const held = finalAccount(job)?.entitlements ?? []
  const earlier = begunGrants(job.obligation)
    .filter((entitlement) => held.includes(entitlement) && !written.some((grant) => grant.entitlement === entitlement))
    .map((entitlement) => ({ entitlement, reason }))
  const { identity, platform } = job.obligation
  return [...written, ...earlier].map((grant) => ({ identity, platform, ...grant, grantedAt: at }))
}

/** What was taken away, by us or by another hand, is not ours to take away again. */
function grantsRemoved(job: Job): readonly string[] {
  const account = finalAccount(job)
  const gone = account === null ? [] : (job.person.grants ?? []).filter((name) => !account.entitlements.includes(name))
  const written = job.tasks.flatMap(({ shown, change }) =>
    shown && change.kind === 'revoke' ? [change.entitlement] : [],
  )
  const spared = job.spared.flatMap(({ status, change }) =>
    status === 'already' && change.kind === 'revoke' ? [change.entitlement] : [],
  )
  return [...new Set([...gone, ...written, ...spared])]
}

/** The newest that is known of the account. */
function finalAccount(job: Job): ObservedAccount | null {
  return job.seen === undefined ? accountOf(job.person, null) : job.seen
}

/**
 * What was reached, also where it stays owed: the second look may find nothing left to do, and would not tell of it. An outage
 * is one line in the log, not a record for everybody and every try.
 */
function auditOf(job: Job, reached: readonly ChangeResult[], at: Instant): readonly AuditRecord[] {
  const told = reached.filter(
    ({ status, error }) => status !== 'retry' || error === undefined || !isPlatformWide(error.code),
  )
  const made = reached.flatMap((result) => unconfirmed(result, job))
  const records = [...made, ...told].map((result) => {
    const record = auditResult(job.obligation, result, at)
    if (!isLookedAtAgain(result, job)) return record
    return { ...record, detail: record.detail === null ? lookedAtAgain : `${record.detail}; ${lookedAtAgain}` }
  })
  return [...records, ...proofRecord(job)]
}

/**
 * The platform has named the account that it made, and no read says that it is not there: it is linked, so the record tells
 * where it comes from. Whoever leaves before the next try is only shut.
 */
function unconfirmed(result: ChangeResult, { seen, tasks }: Job): readonly ChangeResult[] {
  if (result.change.kind !== 'create' || result.status === 'done' || result.status === 'already') return []
  const isThere = tasks.some(({ id, outcome }) => id === result.id && outcome?.account !== undefined) && seen !== null
  return isThere ? [{ ...result, status: 'done' }] : []
}

function proofRecord({ obligation, proof, tasks }: Job): readonly AuditRecord[] {
  if (proof === null) return []
  const change = tasks.find((task) => task.change.kind === 'disable')?.admitted ?? null
  const codes = [
    ...(proof.resultCode === undefined ? [] : [`result code ${proof.resultCode}`]),
    ...(proof.dataCode === undefined ? [] : [`data code ${proof.dataCode}`]),
  ]
  const detail = [proof.text, ...codes].join(', ')
  return [auditRecord(obligation, change, { at: proof.at, action: 'proof', result: proof.grade, detail })]
}
