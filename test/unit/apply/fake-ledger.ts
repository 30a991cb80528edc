import type { Change, Lane } from '../../../src/model/change.ts'
import type { RevocationStep } from '../../../src/model/connector.ts'
import type { IdentityId } from '../../../src/model/identity.ts'
import type { Instant } from '../../../src/model/instant.ts'
import type {
  AdmittedChange,
  AuditRecord,
  ClaimedObligation,
  Grant,
  Intent,
  Link,
  ObligationPointer,
  Settlement,
  StepRecord,
} from '../../../src/model/ledger.ts'
import type { SettleLedger } from '../../../src/apply/ports.ts'

interface Row {
  lane: Lane
  wanted: number
  settled: number
  changes: AdmittedChange[]
  claim: { token: string; number: number; until: Instant; lane: Lane; seen: Set<OpenIntent> } | null
  tries: number
  nextTryAt: Instant | null
  steps: RevocationStep[]
  intents: OpenIntent[]
  admittedAt: Instant
}

function claimedOf({ identity, platform }: ObligationPointer, row: Row, token: string): ClaimedObligation {
  return {
    identity,
    platform,
    lane: row.lane,
    number: row.wanted,
    token,
    changes: [...row.changes],
    tries: row.tries,
    admittedAt: row.admittedAt,
    effectiveAt: null,
    correlation: 'story-1',
    operator: 'ada',
    planId: 'plan-1',
    stepsDone: [...row.steps],
    openIntents: row.intents.map(({ intent }) => intent),
  }
}

const nothing = {
  correlation: 'story-1',
  operator: 'ada',
  reason: null,
  before: null,
  after: null,
  askedAt: null,
  result: 'done',
  detail: null,
} as const

interface OpenIntent {
  readonly token: string
  readonly intent: Intent
}

/** The ledger's contract in memory, for one platform: claims with fencing, intents, links, grants. */
export class FakeLedger implements SettleLedger {
  readonly rows = new Map<IdentityId, Row>()
  readonly linkRows = new Map<IdentityId, Link>()
  readonly grantRows = new Map<string, Grant>()
  readonly records: AuditRecord[] = []
  readonly settlements: Settlement[] = []
  /** Does a revocation take the claim of a worker that changes the same account, or wait for it? Both must be safe. */
  steals = false
  /** Told of every committed intent and every settled revocation. */
  note: (what: string) => void = () => undefined
  /** Whom planning must look at again. */
  readonly marked = new Set<IdentityId>()
  /** Planted mistakes, to show that the tests would find them. */
  readonly mistakes = new Set<'intends-always' | 'forgets-intents' | 'settles-always'>()
  private count = 0

  admit(identity: IdentityId, lane: Lane, changes: readonly Change[], now: Instant): void {
    const row = this.rows.get(identity)
    const next: Row = {
      lane,
      wanted: (row?.wanted ?? 0) + 1,
      settled: row?.settled ?? 0,
      changes: changes.map((change) => ({ id: this.next(), change })),
      claim: row?.claim ?? null,
      tries: 0,
      nextTryAt: null,
      steps: row?.steps ?? [],
      intents: row?.intents ?? [],
      admittedAt: now,
    }
    this.rows.set(identity, next)
  }

  linkNow({ identity, platform, target, account }: Change, now: Instant): void {
    if (!('nativeId' in target)) return
    const { nativeId } = target
    const how = 'matched'
    // What a worker has begun to make under this name, and has not told, is ours.
    const made = this.rows
      .get(identity)
      ?.intents.some(({ intent }) => intent.kind === 'create' && intent.target === account)
    if (made === true) this.records.push({ ...nothing, at: now, identity, platform, account, action: 'create' })
    const link = { identity, platform, nativeId, name: account, address: '', how, linkedAt: now } as const
    this.linkRows.set(identity, { ...link, shutByUs: null, passwordScrambled: false })
  }

  owed(): IdentityId[] {
    return [...this.rows].filter(([, row]) => row.wanted > row.settled).map(([identity]) => identity)
  }

  grantsOf(identity: IdentityId): string[] {
    return [...this.grantRows.values()].filter((grant) => grant.identity === identity).map((grant) => grant.entitlement)
  }

  async claim(pointers: Parameters<SettleLedger['claim']>[0], _worker: string, leaseMs: number, now: Instant) {
    const claimed: ClaimedObligation[] = []
    for (const pointer of pointers) {
      const row = this.rows.get(pointer.identity)
      if (row === undefined || !this.isDue(row, pointer.lane, now)) continue
      const token = `token-${this.next()}`
      row.claim = { token, number: row.wanted, until: now + leaseMs, lane: row.lane, seen: new Set(row.intents) }
      const obligation = claimedOf(pointer, row, token)
      claimed.push(this.mistakes.has('forgets-intents') ? { ...obligation, openIntents: [] } : obligation)
    }
    return claimed
  }

  async peek(pointers: Parameters<SettleLedger['claim']>[0], now: Instant) {
    return pointers.flatMap((pointer) => {
      const row = this.rows.get(pointer.identity)
      return row === undefined || !this.isDue(row, pointer.lane, now) ? [] : [claimedOf(pointer, row, '')]
    })
  }

  /** A revocation takes the place of who still works on an older number as on a change, and never of a revocation. */
  private isDue(row: Row, lane: Lane, now: Instant): boolean {
    if (row.lane !== lane || row.wanted <= row.settled || (row.nextTryAt ?? 0) > now) return false
    const { claim } = row
    if (claim === null || claim.until <= now) return true
    return this.steals && lane === 'revoke' && claim.lane === 'change' && claim.number < row.wanted
  }

  async renew(tokens: readonly string[], leaseMs: number, now: Instant) {
    const still = new Set<string>()
    for (const row of this.rows.values()) {
      if (row.claim === null || !tokens.includes(row.claim.token)) continue
      row.claim.until = now + leaseMs
      still.add(row.claim.token)
    }
    return still
  }

  async release(tokens: readonly string[]) {
    for (const row of this.rows.values()) if (row.claim !== null && tokens.includes(row.claim.token)) row.claim = null
  }

  async intend(intents: Parameters<SettleLedger['intend']>[0]) {
    const current = new Set<string>()
    for (const { token, ...intent } of intents) {
      const row = this.rows.get(intent.identity)
      const isCurrent = row?.claim?.token === token && row.claim.number === row.wanted
      if (row === undefined || (!isCurrent && !this.mistakes.has('intends-always'))) continue
      row.intents.push({ token, intent })
      this.note(`intent ${intent.kind}`)
      row.steps = []
      current.add(token)
    }
    return current
  }

  async stepsDone(steps: readonly StepRecord[]) {
    const lost = new Set<string>()
    for (const { token, step, counts, audit } of steps) {
      const row = [...this.rows.values()].find(({ claim }) => claim?.token === token)
      if (row === undefined) lost.add(token)
      else if (counts) row.steps.push(step)
      this.records.push(audit)
    }
    return lost
  }

  async audit(records: readonly AuditRecord[]) {
    this.records.push(...records)
  }

  async settle(settlements: readonly Settlement[]) {
    const refused = []
    for (const settlement of settlements) {
      const { identity, platform, lane, token, number } = settlement.obligation
      const row = this.rows.get(identity)
      const isCurrent = row?.claim?.token === token || this.mistakes.has('settles-always')
      if (row === undefined || !isCurrent) {
        refused.push({ identity, platform, lane })
        continue
      }
      this.settleRow(row, settlement, number)
    }
    return { refused }
  }

  private settleRow(row: Row, settlement: Settlement, number: number): void {
    const { identity } = settlement.obligation
    this.settlements.push(settlement)
    this.records.push(...settlement.audit)
    if (settlement.results.some(({ status }) => status === 'moved')) this.marked.add(identity)
    const claim = row.claim
    row.intents = row.intents.filter((open) => open.token !== claim?.token && claim?.seen.has(open) !== true)
    row.claim = null
    if (settlement.link !== null) this.linkRows.set(identity, settlement.link)
    if (settlement.unlink) this.linkRows.delete(identity)
    for (const grant of settlement.grantsAdded) this.grantRows.set(`${identity} ${grant.entitlement}`, grant)
    for (const entitlement of settlement.grantsRemoved) this.grantRows.delete(`${identity} ${entitlement}`)
    if (row.wanted !== number) return
    const open = new Set(
      settlement.results.filter(({ status }) => status === 'retry' || status === 'waiting').map(({ id }) => id),
    )
    row.changes = row.changes.filter(({ id }) => open.has(id))
    row.nextTryAt = settlement.nextTryAt
    row.tries = settlement.nextTryAt === null ? 0 : row.tries + (settlement.outage === true ? 0 : 1)
    if (settlement.nextTryAt !== null) return
    row.settled = number
    if (row.lane === 'revoke') this.note('settled')
  }

  async links(_platform: string, identities?: readonly IdentityId[]) {
    return [...this.linkRows.values()].filter((link) => identities?.includes(link.identity) ?? true)
  }

  async adopt(links: readonly Link[], audit: readonly AuditRecord[]) {
    for (const link of links) this.linkRows.set(link.identity, link)
    this.records.push(...audit)
  }

  async lookAgain(identities: readonly IdentityId[] | null) {
    for (const identity of identities ?? this.rows.keys()) this.marked.add(identity)
  }

  async allocate() {
    return this.next()
  }

  private next(): number {
    this.count += 1
    return this.count
  }
}
