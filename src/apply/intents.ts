import type { Change } from '../model/change.ts'
import type { ClaimedObligation, Intent } from '../model/ledger.ts'
import { nativeIdOf } from './work.ts'

/** What a crash must not let us forget about a write that opens something: which account, and for a grant which entitlement. */
export function intentOf(change: Change): Intent {
  const { identity, platform, kind } = change
  return { identity, platform, kind, target: targetOf(change) }
}

function targetOf(change: Change): string {
  if (change.kind === 'create') return change.desired.name
  const nativeId = nativeIdOf(change) ?? ''
  return change.kind === 'grant' ? `${nativeId}\t${change.entitlement}` : nativeId
}

/** Was this very change begun under an earlier claim that never told how it came out? Then what it did is ours. */
export function wasBegun(change: Change, obligation: ClaimedObligation): boolean {
  const { kind, target } = intentOf(change)
  return obligation.openIntents.some((intent) => intent.kind === kind && intent.target === target)
}

/** Another worker's write that opens something may still be on its way to this account. */
export function mayStillOpen(obligation: ClaimedObligation): boolean {
  const kinds = new Set<string>(obligation.openIntents.map((intent) => intent.kind))
  return obligation.lane === 'revoke' && kinds.size > 0
}

/** Entitlements whose granting was begun under an earlier claim that never told how it came out. */
export function begunGrants({ openIntents }: ClaimedObligation): readonly string[] {
  return openIntents.flatMap(({ kind, target }) => (kind === 'grant' ? target.split('\t').slice(1, 2) : []))
}
