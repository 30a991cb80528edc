import type { StepRecord } from '../model/ledger.ts'
import type { SettleLedger } from './ports.ts'

/** Records steps of revocations. */
export interface Steps {
  /**
   * Resolves when it is recorded: false where somebody else has taken over, so that it is a record and counts for nothing.
   * Throws what the ledger throws.
   */
  record(step: StepRecord): Promise<boolean>
}

interface Waiting {
  readonly step: StepRecord
  readonly resolve: (counts: boolean) => void
  readonly reject: (error: unknown) => void
}

/** What is done in one turn is written at once: of hundreds who leave together, the server answers for many at a time. */
export function openSteps(ledger: Pick<SettleLedger, 'stepsDone'>): Steps {
  let waiting: Waiting[] = []

  async function write(): Promise<void> {
    const some = waiting
    waiting = []
    try {
      const lost = await ledger.stepsDone(some.map(({ step }) => step))
      for (const { step, resolve } of some) resolve(!lost.has(step.token))
    } catch (error) {
      for (const { reject } of some) reject(error)
    }
  }

  return {
    record: (step) =>
      new Promise((resolve, reject) => {
        waiting.push({ step, resolve, reject })
        // The others of this turn come first.
        if (waiting.length === 1) queueMicrotask(() => void write())
      }),
  }
}
