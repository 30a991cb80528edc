import { stripVTControlCharacters } from 'node:util'
import type { Change, Plan, Withheld } from '../../../src/model/change.ts'
import type { Proof } from '../../../src/model/connector.ts'
import type { ChangeResult, ObligationStatus } from '../../../src/model/ledger.ts'
import type { Reason } from '../../../src/model/place.ts'

export const noon = Date.UTC(2026, 10, 22, 12)

export const rule: Reason = {
  kind: 'rule',
  text: 'role employee',
  place: { file: 'roles/base.yaml', line: 3, column: 5 },
}
export const left: Reason = { kind: 'source', text: 'Status "Left"', place: { file: 'people.csv', line: 7 } }

type Deed<C> = C extends Change ? Omit<C, 'identity' | 'platform' | 'target' | 'account' | 'reason'> : never

/** A change of the person with this key on `wiki`; their account is called as the key. */
export function change(key: string, deed: Deed<Change>, reason = rule): Change {
  const about = { identity: `hr:${key}`, platform: 'wiki', target: { nativeId: `id-${key}` }, account: key, reason }
  return { ...about, ...deed }
}

export const made = { name: 'ann', container: 'ou=people', enabled: true, attributes: {}, expiresAt: null }

export function planOf(changes: readonly Change[], withheld: readonly Withheld[] = []): Plan {
  const none = { linked: 0, unlinked: 0, unmatched: 0, disputed: 0, missing: 0, absent: 0 }
  return {
    id: 'a'.repeat(64),
    madeAt: noon,
    policyVersion: 'v1',
    population: { wiki: 207 },
    changes,
    withheld,
    situations: { wiki: none },
    notes: [],
  }
}

export function obligation(key: string, more: Partial<ObligationStatus> = {}): ObligationStatus {
  return {
    identity: `hr:${key}`,
    platform: 'wiki',
    lane: 'change',
    wanted: 1,
    settled: 1,
    tries: 0,
    nextTryAt: null,
    claimedUntil: null,
    admittedAt: noon,
    lastError: null,
    state: 'settled',
    proof: null,
    ...more,
  }
}

export function settled(key: string, results: readonly ChangeResult[], proof: Proof | null = null) {
  return { identity: `hr:${key}`, platform: 'wiki', results, proof, moved: false }
}

export function result(of: Change, status: ChangeResult['status'] = 'done'): ChangeResult {
  return { id: 1, change: of, status }
}

/** What stands on the terminal, line by line, without its colours. */
export function lines(text: string): readonly string[] {
  return stripVTControlCharacters(text).split('\n')
}
