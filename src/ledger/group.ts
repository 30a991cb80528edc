// Group commit: writes that arrive within a few milliseconds share one transaction, and so one wait for the disk. This is what the
// drivers of all databases have in common: who waits how long, and when the next group begins.
import { setImmediate, setTimeout } from 'node:timers/promises'
import { KeyturnError } from '../model/errors.ts'

export interface Job {
  readonly since: number
  fail(error: unknown): void
}

/** How a group went, ms. */
export interface Group {
  readonly end: number
  /** How long its COMMIT took. */
  readonly commit: number
  /** How long the ledger was kept from others for which it must now be left free. */
  readonly locked: number
}

/** How long a unit may wait for other processes, ms. */
export const patience = 10_000
/** A group ends after so much work, to let the event loop turn, ms. */
export const groupTime = 30
/** Jitter between tries, so that several waiting processes do not meet again and again, ms. */
const pause = { least: 1, most: 8 }
/**
 * After a group that kept the ledger locked for `long`, it stays free for `rest`, ms: longer than anybody pauses, so that
 * every process that waits gets its turn. A revocation must not wait for the end of a backlog (law 3).
 */
const fair = { long: 15, rest: 10 }
/**
 * While writes follow each other within this time, the next group is gathered for as long as the disk took for the last one,
 * but not longer than `gatherMost`, ms.
 */
const burst = 10
const gatherMost = 3

/**
 * The queue of writes. `commitSome` takes jobs from its beginning, and gives null where the ledger was busy and it shall be
 * tried again. `done` resolves when nothing is left of it.
 */
export function gatherWrites<J extends Job>(
  commitSome: (jobs: J[]) => Group | null | Promise<Group | null>,
  now: () => number,
) {
  const jobs: J[] = []
  let last: Group = { end: -Infinity, commit: 0, locked: 0 }
  let draining: Promise<void> | undefined

  async function gather(): Promise<void> {
    const since = now() - last.end
    const wait = last.locked > fair.long ? fair.rest - since : since < burst ? Math.min(last.commit, gatherMost) : 0
    await (wait < 1 ? setImmediate() : setTimeout(wait))
  }

  async function drain(): Promise<void> {
    await gather()
    while (jobs.length > 0) {
      const group = await commitSome(jobs)
      if (group === null) await setTimeout(jitter())
      else {
        last = group
        await gather()
      }
    }
    draining = undefined
  }

  return {
    add(job: J): void {
      jobs.push(job)
      draining ??= drain()
    },
    done: async () => draining,
  }
}

/** What an error of BEGIN means for those that wait for it: where the ledger is busy, only who has waited too long is told. */
export function failWaiting<J extends Job>(jobs: J[], error: unknown, now: number): void {
  const busy = isBusy(error)
  for (const job of busy ? jobs.filter(({ since }) => now - since > patience) : [...jobs]) {
    jobs.splice(jobs.indexOf(job), 1)
    job.fail(busy ? stillBusy(error) : error)
  }
}

/** Tries again while another process has the ledger locked. Throws KeyturnError `ledger-busy` in the end. */
export async function patiently<T>(
  work: () => T | Promise<T>,
  now: () => number = () => performance.now(),
): Promise<T> {
  const since = now()
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (now() - since > patience) throw stillBusy(error)
    }
    await setTimeout(jitter())
  }
}

export function isBusy(error: unknown): error is KeyturnError {
  return error instanceof KeyturnError && error.code === 'ledger-busy'
}

export function closedError(): KeyturnError {
  return new KeyturnError('ledger-unavailable', 'The ledger was closed.')
}

function stillBusy(error: KeyturnError): KeyturnError {
  const hint = error.hint === undefined ? {} : { hint: error.hint }
  return new KeyturnError('ledger-busy', `${error.message} It did so for ${patience / 1000} s.`, {
    cause: error,
    ...hint,
  })
}

function jitter(): number {
  return pause.least + Math.random() * (pause.most - pause.least)
}
