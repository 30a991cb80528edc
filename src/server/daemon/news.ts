import type { RunningLedger } from '../../model/running.ts'

/**
 * For those who ask the ledger again and again: true where anybody has committed something since the last time, and every
 * `atLeast`th time in any case, because time alone makes things due.
 */
export function newsOf(ledger: Pick<RunningLedger, 'version'>, atLeast: number): () => boolean {
  let known: string | null = null
  let asked = 0
  return () => {
    const version = versionOf(ledger)
    // Whoever asks then meets the trouble, and can tell of it.
    if (version === null) return true
    asked = version === known ? asked + 1 : 0
    known = version
    if (asked === 0 || asked >= atLeast) {
      asked = 0
      return true
    }
    return false
  }
}

/** Null where the ledger cannot even be read: thrown in a timer, that would end the daemon. */
function versionOf(ledger: Pick<RunningLedger, 'version'>): string | null {
  try {
    return ledger.version()
  } catch {
    return null
  }
}
