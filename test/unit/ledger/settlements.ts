import type { ClaimedObligation, Settlement } from '../../../src/model/ledger.ts'

/** A settlement that says nothing but this. */
export function settlementOf(said: Partial<Settlement>): Settlement {
  return {
    obligation: {} as ClaimedObligation,
    results: [],
    link: null,
    unlink: false,
    grantsAdded: [],
    grantsRemoved: [],
    proof: null,
    nextTryAt: null,
    at: 100,
    audit: [],
    ...said,
  }
}
