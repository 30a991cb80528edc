// Invented people, changes and plans for the ledger's tests.
import { onTestFinished } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import type { HeldRole } from '../../../src/model/account.ts'
import type { Change, Plan, Withheld } from '../../../src/model/change.ts'
import type { Identity, IntakeResult } from '../../../src/model/identity.ts'
import type { RevocationStep } from '../../../src/model/connector.ts'
import type {
  Admission,
  AuditRecord,
  ChangeResult,
  ClaimedObligation,
  Ledger,
  Link,
  Settlement,
  StepRecord,
} from '../../../src/model/ledger.ts'
import { settlementOf } from '../../unit/ledger/settlements.ts'
import { temporaryLedger } from './raw.ts'

export { temporaryLedger } from './raw.ts'
export const now = Date.UTC(2031, 4, 5, 6, 7, 8)
export const platform = 'corp-ad'
export const leaseMs = 60_000

/** An open ledger that knows the people p1 … pN; closed after the test. */
export async function ledgerWith(count: number): ReturnType<typeof openLedger> {
  const { url } = await temporaryLedger()
  const ledger = await openLedger(url)
  onTestFinished(() => ledger[Symbol.asyncDispose]())
  await ledger.saveIntake(intake(people(count)), 'first')
  return ledger
}

export function people(count: number): Identity[] {
  return Array.from({ length: count }, (_, index) => person(`p${index + 1}`))
}

export function person(key: string, changes: Partial<Identity> = {}): Identity {
  return {
    id: `hr:${key}`,
    source: 'hr',
    key,
    attributes: { givenName: 'Ann', surname: `Example-${key}`, mail: `Ann.${key}@Corp.Example`, department: 'Sales' },
    references: {},
    status: 'active',
    startsAt: now - 1_000,
    endsAt: null,
    accessEndsAt: null,
    zone: 'Europe/Berlin',
    state: 'active',
    next: null,
    held: null,
    leftAt: null,
    announcedAt: null,
    vanishedAt: null,
    leftBeforeFirstSeen: false,
    firstSeenAt: now,
    reason: { kind: 'source', text: 'status "Active"', place: { file: 'people.csv', line: 2 } },
    recordHash: `hash-${key}`,
    place: { file: 'people.csv', line: 2 },
    ...changes,
  }
}

export function intake(changed: readonly Identity[], rest: Partial<IntakeResult> = {}): IntakeResult {
  return {
    source: 'hr',
    accepted: { source: 'hr', at: now, rows: 10, active: 9, modifiedAt: now - 5, mappingVersion: 'v1' },
    refused: null,
    identities: changed,
    changed,
    events: [],
    problems: [],
    ...rest,
  }
}

const reason = { kind: 'rule', text: 'role employee', place: { file: 'roles.yaml', line: 3, column: 5 } } as const

/** What every change of one person's account has in common; `native` is the account's id, or null while there is none. */
function base(key: string, native: string | null) {
  const identity = `hr:${key}`
  const target = native === null ? { creates: identity } : { nativeId: native }
  return { identity, platform, account: `ann.${key}`, target, reason }
}

export const create = (key: string, name = `ann.${key}`): Extract<Change, { kind: 'create' }> => ({
  ...base(key, null),
  kind: 'create',
  desired: {
    name,
    container: 'OU=Staff,DC=corp,DC=example',
    enabled: true,
    attributes: { displayName: [`Ann Example-${key}`], employeeNumber: [key] },
    expiresAt: null,
  },
})

export const grant = (key: string, entitlement: string, native: string | null = null): Change => ({
  ...base(key, native),
  kind: 'grant',
  entitlement,
})

export const revoke = (key: string, entitlement: string): Change => ({
  ...base(key, `guid-${key}`),
  kind: 'revoke',
  entitlement,
})

export const disable = (key: string): Change => ({ ...base(key, `guid-${key}`), kind: 'disable', protocol: 'leaver' })
/** The shutting of somebody of whom no account is seen. */
export const shutUnseen = (key: string): Change => ({ ...base(key, null), kind: 'disable', protocol: 'leaver' })
export const enable = (key: string): Change => ({ ...base(key, `guid-${key}`), kind: 'enable' })
export const matched = (key: string, native = `guid-${key}`): Change => ({
  ...base(key, native),
  kind: 'link',
  by: 'mail',
  address: `CN=ann.${key},OU=Staff,DC=corp,DC=example`,
})

export const title = (key: string, to: string): Change => ({
  ...base(key, `guid-${key}`),
  kind: 'update',
  field: { attribute: 'title', from: [], to: [to] },
})

export const manager = (key: string, of: string): Change => ({
  ...base(key, `guid-${key}`),
  kind: 'update',
  field: { attribute: 'manager', from: [], to: { accountOf: `hr:${of}` } },
})

export const withheld = (change: Change, why: Withheld['why'] = 'removals-limit'): Withheld => ({
  change,
  why,
  text: '412 of 3,000 (13.7 %), allowed are 10 %',
})

export function plan(changes: readonly Change[], stopped: readonly Withheld[] = [], id = 'a'.repeat(64)): Plan {
  const counts = { linked: 0, unlinked: 0, unmatched: 0, disputed: 0, missing: 0, absent: 0 }
  return {
    id,
    madeAt: now,
    policyVersion: 'policy-1',
    population: { [platform]: 100 },
    changes,
    withheld: stopped,
    situations: { [platform]: counts },
    notes: [],
  }
}

export function admission(
  changes: readonly Change[],
  stopped: readonly Withheld[] = [],
  rest: Partial<Admission> = {},
): Admission {
  const heldRoles: readonly HeldRole[] = []
  const common = { correlation: 'c-1', operator: 'root', now, effectiveAt: new Map(), heldRoles }
  return { plan: plan(changes, stopped), ...common, ...rest }
}

export function link(key: string, rest: Partial<Link> = {}): Link {
  return {
    identity: `hr:${key}`,
    platform,
    nativeId: `guid-${key}`,
    name: `ann.${key}`,
    address: `CN=ann.${key},OU=Staff,DC=corp,DC=example`,
    how: 'created',
    linkedAt: now,
    shutByUs: null,
    passwordScrambled: false,
    ...rest,
  }
}

/** Every change came out in the same way, unless stated. */
export function settlement(
  obligation: ClaimedObligation,
  status: ChangeResult['status'] = 'done',
  rest: Partial<Settlement> = {},
): Settlement {
  const result = status === 'moved' ? 'already' : status
  const results = obligation.changes.map((one) => ({ ...one, status, outcome: { result } }))
  return settlementOf({ obligation, results, at: now, ...rest })
}

export function record(key: string, rest: Partial<AuditRecord> = {}): AuditRecord {
  return {
    at: now,
    correlation: 'c-1',
    identity: `hr:${key}`,
    platform,
    account: `ann.${key}`,
    action: 'grant',
    reason,
    operator: 'root',
    before: null,
    after: 'engineers',
    askedAt: now - 100,
    result: 'done',
    detail: null,
    ...rest,
  }
}

export function stepRecord({ token, identity }: ClaimedObligation, step: RevocationStep, counts = true): StepRecord {
  const audit = record(identity.replace('hr:', ''), { action: 'step', after: step.step })
  return { token, step, audit, counts }
}

/** Claims whatever is due of the people, in either lane. */
export async function claimAll(ledger: Ledger, keys: readonly string[], at = now, worker = 'w1') {
  const pointers = keys.flatMap((key) =>
    (['revoke', 'change'] as const).map((lane) => ({ identity: `hr:${key}`, platform, lane })),
  )
  return ledger.claim(pointers, worker, leaseMs, at)
}

export async function claimOne(ledger: Ledger, key: string, at = now, worker = 'w1'): Promise<ClaimedObligation> {
  const [claimed] = await claimAll(ledger, [key], at, worker)
  if (claimed === undefined) throw new Error(`nothing to claim of ${key}`)
  return claimed
}

export async function statusOf(ledger: Ledger, key: string) {
  const [status] = await ledger.obligations({ identity: `hr:${key}` })
  if (status === undefined) throw new Error(`no obligation of ${key}`)
  return status
}
