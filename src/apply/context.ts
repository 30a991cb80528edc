import type { ApplyContext, RevocationStep } from '../model/connector.ts'
import { KeyturnError, summarise } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import { auditRecord } from './audit.ts'
import type { Claims } from './claims.ts'
import { mayStillOpen } from './intents.ts'
import { generatePassword, generateScramble } from './password.ts'
import type { PasswordRules } from './password.ts'
import type { SettlePorts } from './ports.ts'
import { accountOf, type Job, nativeIdOf } from './work.ts'

/** Marks, before the first write of a revocation, that the account was open: then it is we who shut it (law 8). */
export const begun = 'begun'

/** What one run of `settle` keeps in memory only: passwords and addresses. */
export interface Bench {
  readonly jobs: ReadonlyMap<IdentityId, Job>
  readonly passwords: PasswordRules
  readonly initial: Map<IdentityId, string>
  addresses: ReadonlyMap<IdentityId, string>
}

export function openBench(jobs: readonly Job[], passwords: PasswordRules): Bench {
  return {
    passwords,
    jobs: new Map(jobs.map((job) => [job.obligation.identity, job])),
    initial: new Map(),
    addresses: new Map(),
  }
}

/** Draws the password that the next write sets for this person; `initialPassword` returns the same one. */
export function drawPassword(bench: Bench, identity: IdentityId): string {
  const names = bench.jobs.get(identity)?.person.names ?? []
  const password = generatePassword(bench.passwords, names)
  bench.initial.set(identity, password)
  return password
}

/** What a connector may ask for while it writes, or, without claims, while it proves. */
export function contextOf(bench: Bench, ports: SettlePorts, claims?: Claims): ApplyContext {
  return {
    ...(claims === undefined ? {} : { mayOpen: (identity) => claims.holds(jobOf(bench, identity).obligation.token) }),
    signal: ports.signal,
    mustChange: ports.mustChange,
    now: ports.clock,
    initialPassword: (identity) => bench.initial.get(identity) ?? drawPassword(bench, identity),
    scramblePassword(identity) {
      const password = generateScramble(bench.passwords, jobOf(bench, identity).person.names)
      ports.scrambled.set(identity, password)
      return password
    },
    scrambled: (identity) => ports.scrambled.get(identity),
    stepsDone: (identity) => stepsDone(jobOf(bench, identity)),
    stepDone: (identity, step) => recordStep(jobOf(bench, identity), step, ports),
    addressOf: (identity) => bench.addresses.get(identity),
    allocate: (sequence, count, floor) => ports.ledger.allocate(sequence, count, floor),
  }
}

/**
 * Writes one step to the ledger and the audit; both land in the same group commit. Never throws: a ledger that cannot be
 * written must not keep us from shutting, and an unrecorded step is only done once more.
 */
export async function recordStep(job: Job, step: RevocationStep, ports: SettlePorts): Promise<void> {
  job.steps.push(step)
  const change = job.tasks.find((task) => task.change.kind === 'disable')?.admitted ?? null
  const record = auditRecord(job.obligation, change, {
    at: step.at,
    action: 'step',
    after: step.step,
    result: 'done',
    detail: step.detail,
  })
  // What another worker may still undo does not count as done: the second look goes through the whole protocol.
  const counts = step.step === begun || !mayStillOpen(job.obligation)
  const { token } = job.obligation
  try {
    await Promise.all([counts && ports.ledger.stepDone(token, step), ports.ledger.audit([record])])
  } catch (error) {
    const { identity, platform } = job.obligation
    ports.logger.error('a step of a revocation could not be recorded', { identity, platform, ...summarise(error) })
  }
}

/**
 * Steps of an earlier run count only while the account still is as they left it (one that is open again is shut anew), and
 * for what was admitted then: a protocol that is admitted again has a reason to be gone through again.
 */
function stepsDone(job: Job): ReadonlySet<string> {
  const disable = job.tasks.find(({ change }) => change.kind === 'disable')
  const account = accountOf(job.person, disable === undefined ? null : nativeIdOf(disable.change))
  const isAnew = account?.enabled === true || mayStillOpen(job.obligation)
  const { stepsDone: recorded, admittedAt } = job.obligation
  const earlier = isAnew ? [] : recorded.filter(({ at }) => at >= admittedAt)
  return new Set([...earlier, ...job.steps].map(({ step }) => step).filter((step) => step !== begun))
}

function jobOf(bench: Bench, identity: IdentityId): Job {
  const job = bench.jobs.get(identity)
  if (job === undefined) throw new KeyturnError('unexpected', `${identity} is not among the claimed people`)
  return job
}
