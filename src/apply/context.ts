import type { ApplyContext, RevocationStep } from '../model/connector.ts'
import { KeyturnError, summarise } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import { auditRecord } from './audit.ts'
import type { Claims } from './claims.ts'
import { mayStillOpen } from './intents.ts'
import { generatePassword, generateScramble } from './password.ts'
import type { PasswordRules } from './password.ts'
import type { SettlePorts } from './ports.ts'
import { openSteps } from './steps.ts'
import type { Steps } from './steps.ts'
import { accountOf, type Job, nativeIdOf } from './work.ts'

/** Marks, before the first write of a revocation, that the account was open: then it is we who shut it (law 8). */
export const begun = 'begun'

/** What one run of `settle` keeps in memory only: passwords and addresses. */
export interface Bench {
  readonly jobs: ReadonlyMap<IdentityId, Job>
  readonly passwords: PasswordRules
  readonly initial: Map<IdentityId, string>
  readonly steps: Steps
  addresses: ReadonlyMap<IdentityId, string>
}

export function openBench(jobs: readonly Job[], passwords: PasswordRules, ledger: SettlePorts['ledger']): Bench {
  return {
    passwords,
    steps: openSteps(ledger),
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
    stepDone: (identity, step) => recordStep(jobOf(bench, identity), step, bench, ports),
    addressOf: (identity) => bench.addresses.get(identity),
    allocate: (sequence, count, floor) => ports.ledger.allocate(sequence, count, floor),
  }
}

/**
 * Writes one step and its audit to the ledger. Never throws: a ledger that cannot be written must not keep us from shutting,
 * and an unrecorded step is only done once more.
 */
export async function recordStep(
  job: Job,
  step: RevocationStep,
  { steps }: Pick<Bench, 'steps'>,
  { logger }: Pick<SettlePorts, 'logger'>,
): Promise<void> {
  job.steps.push(step)
  const { obligation } = job
  const { identity, platform, token } = obligation
  const change = job.tasks.find((task) => task.change.kind === 'disable')?.admitted ?? null
  const { at, detail } = step
  const audit = auditRecord(obligation, change, { at, action: 'step', after: step.step, result: 'done', detail })
  // What another worker may still undo does not count as done: the second look goes through the whole protocol.
  const counts = step.step === begun || !mayStillOpen(obligation)
  try {
    const isOurs = await steps.record({ token, step, audit, counts })
    if (!isOurs)
      logger.warn('a step of a revocation is recorded, but another worker has taken over', { identity, platform })
  } catch (error) {
    logger.error('a step of a revocation could not be recorded', { identity, platform, ...summarise(error) })
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
