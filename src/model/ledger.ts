import type { HeldRole } from './account.ts'
import type { Change, Lane, Plan, WithheldWhy } from './change.ts'
import type { Outcome, Proof, RevocationStep } from './connector.ts'
import type { ErrorSummary } from './errors.ts'
import type { AcceptedRead, Identity, IdentityId, IntakeResult, LifecycleEvent, RefusedRead } from './identity.ts'
import type { Instant } from './instant.ts'
import type { Reason } from './place.ts'

/** The remembered answer to "whose account is this?" */
export interface Link {
  readonly identity: IdentityId
  readonly platform: string
  readonly nativeId: string
  readonly name: string
  /** Last known address. */
  readonly address: string
  readonly how: 'created' | 'matched' | 'adopted'
  readonly linkedAt: Instant
  /** Set while Keyturn itself holds the account shut; only then may Keyturn open it (law 8). */
  readonly shutByUs: 'pre-hire' | 'suspend' | 'leaver' | null
  /** True once the leaver protocol has scrambled the password: opening needs a new one. */
  readonly passwordScrambled: boolean
  /** True where another hand had shut the account before our leaver protocol ran over it: not ours to open (law 8). */
  readonly foundShut?: boolean
  /** When the leaver protocol was over; `delete-after` counts from here too. */
  readonly shutAt?: Instant
}

/** A membership that the ledger records as ours. */
export interface Grant {
  readonly identity: IdentityId
  readonly platform: string
  readonly entitlement: string
  readonly reason: Reason
  readonly grantedAt: Instant
}

export interface NameClaim {
  readonly platform: string
  /** Lower-case. */
  readonly name: string
  readonly identity: IdentityId
}

export interface ObligationKey {
  readonly identity: IdentityId
  readonly platform: string
}

/** What a job carries. */
export interface ObligationPointer extends ObligationKey {
  readonly lane: Lane
}

/** A claimed obligation, with what was admitted for it and is still open. */
export interface ClaimedObligation extends ObligationPointer {
  /** The wanted number at the moment of the claim. */
  readonly number: number
  /** Fencing: a settlement with another token is refused. */
  readonly token: string
  readonly changes: readonly AdmittedChange[]
  readonly tries: number
  readonly admittedAt: Instant
  /** When the state that this serves became effective (for a leaver: leftAt); null where no date applies. */
  readonly effectiveAt: Instant | null
  readonly correlation: string
  readonly operator: string
  readonly planId: string
  readonly stepsDone: readonly RevocationStep[]
  /** Intents of an earlier claim that were never closed: the platform must be looked at before anything is opened. */
  readonly openIntents: readonly Intent[]
}

export interface AdmittedChange {
  readonly id: number
  readonly change: Change
}

/** Committed before a write that opens something (law 5). */
export interface Intent extends ObligationKey {
  readonly kind: Change['kind']
  /** The native id; for a create the name; for a grant the native id, a tab and the entitlement. */
  readonly target: string
}

export interface ChangeResult {
  readonly id: number
  readonly change: Change
  /** `moved`: no longer needed as admitted; planning looks again. */
  readonly status: 'done' | 'already' | 'failed' | 'retry' | 'waiting' | 'moved'
  readonly error?: ErrorSummary
  readonly outcome?: Outcome
  /** Of a reference: the address of the other's account that was written. It may stand elsewhere by now. */
  readonly address?: string
}

/** How one claimed obligation came out, recorded with everything it implies in one transaction. */
export interface Settlement {
  readonly obligation: ClaimedObligation
  readonly results: readonly ChangeResult[]
  /** The account as it was read back; null where there is none. */
  readonly link: Link | null
  /** Remove the link: the account is gone. */
  readonly unlink: boolean
  readonly grantsAdded: readonly Grant[]
  readonly grantsRemoved: readonly string[]
  readonly proof: Proof | null
  /** Set where something is still owed: when to try again. */
  readonly nextTryAt: Instant | null
  /** Nothing but the whole platform's (or our own store's) trouble stood in the way: it is no try of this person's. */
  readonly outage?: boolean
  readonly at: Instant
  readonly audit: readonly AuditRecord[]
}

export interface AuditRecord {
  readonly at: Instant
  /** Correlation id: one apply, one story. */
  readonly correlation: string
  readonly identity: IdentityId | null
  readonly platform: string | null
  readonly account: string | null
  /** Such as `create`, `disable`, `grant`, `proof`, `step`, `hold-approved`, `adopted`, `feed-refused`. */
  readonly action: string
  readonly reason: Reason | null
  readonly operator: string
  readonly before: string | null
  readonly after: string | null
  readonly askedAt: Instant | null
  readonly result: string
  readonly detail: string | null
}

/** A step of a revocation that is done, under the claim of this token. */
export interface StepRecord {
  readonly token: string
  readonly step: RevocationStep
  readonly audit: AuditRecord
  /** False: another worker may still undo it, so that it is a record only. */
  readonly counts: boolean
}

/** Changes that safety stopped until a person releases them. */
export interface Hold {
  /** Stands for what was shown: a plan that adds something gives the hold another one, and the old one is superseded. */
  readonly id: number
  readonly platform: string
  readonly why: WithheldWhy
  readonly text: string
  readonly status: 'open' | 'approved' | 'rejected' | 'superseded' | 'done'
  readonly madeAt: Instant
  readonly decidedAt: Instant | null
  readonly decidedBy: string | null
  readonly reason: string | null
  readonly items: readonly HoldItem[]
}

/** Fingerprints of changes about which a person has decided. */
export interface Decisions {
  /** And that are not used up. */
  readonly approved: ReadonlySet<string>
  readonly rejected: ReadonlySet<string>
  /** Left open when a person decided about others of the same hold: they wait for their own decision. */
  readonly leftOpen: ReadonlySet<string>
  /** Protected accounts that a person has shut: approving such a hold says that, and releases nothing. In none of the others. */
  readonly doneByHand: ReadonlySet<string>
}

export interface HoldItem {
  readonly fingerprint: string
  readonly identity: IdentityId
  readonly summary: string
  /** `superseded`: approved, but a later plan did not need it any more. */
  readonly status: 'open' | 'approved' | 'rejected' | 'done' | 'superseded'
  /** A person's last word about it; absent where nobody has said anything. */
  readonly decided?: { readonly at: Instant; readonly by: string; readonly reason: string }
}

export interface Admission {
  readonly plan: Plan
  readonly correlation: string
  readonly operator: string
  readonly now: Instant
  /** Effective instants of leavers and others, for the audit's "when asked". */
  readonly effectiveAt: ReadonlyMap<IdentityId, Instant>
  /** Those of its people who shall not be let in now: they left, are on leave, or have not begun. Absent: nobody. */
  readonly keptOut?: ReadonlySet<IdentityId>
  /** Roles with `linger` as they are now; replaces those of the identities in it. */
  readonly heldRoles: readonly HeldRole[]
  /**
   * When the clock alone changes something for these people next; what was said before of them is replaced. They are
   * everybody whom the plan looked at: what is held of others, and was decided, stays. Absent: it looked at everybody.
   */
  readonly dueAt?: ReadonlyMap<IdentityId, Instant | null>
  /** When the cause was noticed, per person; `now` for those who are not in it. */
  readonly receivedAt?: ReadonlyMap<IdentityId, Instant>
  /**
   * The plan looked at these people as they were then: marks up to this number are answered. Absent: none are. `people`
   * null: it looked at everybody.
   */
  readonly looked?: { readonly upTo: number; readonly people: readonly IdentityId[] | null }
  /**
   * The revisions of the people that the plan was made from. Whoever has another one by now is left out, keeps the mark,
   * and is named in `AdmissionResult.stale`: a newer word about them is on its way.
   */
  readonly revisions?: ReadonlyMap<IdentityId, number>
  /**
   * The plan looked at everybody and every platform after the ledger was restored (`RunningLedger.restored`): with it the
   * mark ends and everybody is looked at again, unless somebody is stale, or one of these sources was not read since.
   */
  readonly reconciles?: { readonly restoredAt: Instant; readonly sources: readonly string[] }
}

export interface AdmissionResult {
  /** Obligations that are owed now because of this plan, new or already there. */
  readonly pointers: readonly ObligationPointer[]
  readonly holds: readonly Hold[]
  /** People who changed while the plan was made: nothing was admitted for them. */
  readonly stale?: readonly IdentityId[]
}

export interface ObligationStatus extends ObligationPointer {
  readonly wanted: number
  readonly settled: number
  readonly tries: number
  readonly nextTryAt: Instant | null
  readonly claimedUntil: Instant | null
  readonly admittedAt: Instant
  readonly receivedAt?: Instant
  readonly effectiveAt?: Instant | null
  readonly lastError: ErrorSummary | null
  /** `owed`, `settled`, `failed` (given up, loudly), `waiting` (for another person's account). */
  readonly state: 'owed' | 'settled' | 'failed' | 'waiting'
  readonly proof: Proof | null
}

/** How much is open in a lane of a platform. */
export interface OpenCount {
  readonly platform: string
  readonly lane: Lane
  readonly owed: number
  readonly failed: number
  readonly waiting: number
  /** When the oldest that is owed or waiting was admitted. */
  readonly oldest: Instant | null
}

/**
 * The system of record. Every method is one transaction, but a large intake and a large admission are several, each of which
 * is right by itself; several processes may call at once. Throws KeyturnError `ledger-unavailable` (stop) or `ledger-busy`
 * (retry).
 */
export interface Ledger extends AsyncDisposable {
  // people
  identities(source?: string): Promise<readonly Identity[]>
  identitiesById(ids: readonly IdentityId[]): Promise<readonly Identity[]>
  /** By id, key, mail attribute, or account name; every match. */
  findPeople(text: string): Promise<readonly Identity[]>
  acceptedRead(source: string): Promise<AcceptedRead | null>
  lastRefusal(source: string): Promise<RefusedRead | null>
  /**
   * Marks whoever changed. Throws KeyturnError `read-overtaken` where another read of the source was accepted since `base`, or
   * the clock changed somebody meanwhile: then read and compare again.
   */
  saveIntake(result: IntakeResult, correlation: string): Promise<void>
  events(identity: IdentityId, most: number): Promise<readonly LifecycleEvent[]>
  /** Whose reference (such as manager) is one of these people. */
  dependents(
    of: readonly IdentityId[],
  ): Promise<readonly { readonly identity: IdentityId; readonly reference: string; readonly to: IdentityId }[]>

  heldRoles(identities?: readonly IdentityId[]): Promise<readonly HeldRole[]>

  // accounts
  links(platform: string, identities?: readonly IdentityId[]): Promise<readonly Link[]>
  linksOf(identity: IdentityId): Promise<readonly Link[]>
  /** For adopt: links by hand. Refuses (KeyturnError `name-taken`) what is linked to somebody else. */
  adopt(links: readonly Link[], audit: readonly AuditRecord[]): Promise<void>
  grants(platform: string, identities?: readonly IdentityId[]): Promise<readonly Grant[]>
  names(platform: string, identities?: readonly IdentityId[]): Promise<readonly NameClaim[]>
  /** `count` consecutive numbers of a sequence, never given twice; returns the first, which is at least `floor`. */
  allocate(sequence: string, count: number, floor: number): Promise<number>

  // admission and work
  admit(admission: Admission): Promise<AdmissionResult>
  /** Claims what is owed, due and unclaimed among these; the rest is left out. */
  claim(
    pointers: readonly ObligationPointer[],
    worker: string,
    leaseMs: number,
    now: Instant,
  ): Promise<readonly ClaimedObligation[]>
  /** Renews; returns the tokens that are still ours. */
  renew(tokens: readonly string[], leaseMs: number, now: Instant): Promise<ReadonlySet<string>>
  release(tokens: readonly string[]): Promise<void>
  /** Commits intents; returns the tokens that still hold claim and number (others must not write). */
  intend(intents: readonly (Intent & { readonly token: string })[], now: Instant): Promise<ReadonlySet<string>>
  /** Records steps of revocations; returns the tokens that are no longer ours, whose steps are a record and count for nothing. */
  stepsDone(steps: readonly StepRecord[]): Promise<ReadonlySet<string>>
  /** Records results; those whose token is no longer ours are refused and returned. */
  settle(settlements: readonly Settlement[]): Promise<{ readonly refused: readonly ObligationPointer[] }>
  /** Owed, unclaimed and due: what the sweep adds to the queue again. */
  due(platform: string, lane: Lane, now: Instant, most: number): Promise<readonly ObligationPointer[]>
  /** Is anything owed there, due or not, or waiting for another account? */
  isOwed(platform: string, lane: Lane): Promise<boolean>
  obligations(filter: {
    readonly identity?: IdentityId
    readonly platform?: string
    readonly open?: boolean
    /** Only what was given up. */
    readonly failed?: boolean
  }): Promise<readonly ObligationStatus[]>
  obligationsOf(pointers: readonly ObligationPointer[]): Promise<readonly ObligationStatus[]>
  openCounts(): Promise<readonly OpenCount[]>

  // holds
  holds(filter: { readonly status?: Hold['status']; readonly id?: number }): Promise<readonly Hold[]>
  /**
   * Who is held by a limit together with some of these: a limit counts people together, so they are planned together; else
   * a part of them would pass by itself, or wait although the rest is not held any more.
   */
  heldTogether(identities: readonly IdentityId[]): Promise<readonly IdentityId[]>
  /**
   * Approves or rejects a hold, whole or only some people; returns it as it is now. Approving what shuts people who must not be
   * let in admits it; everybody else is marked to be looked at again.
   */
  decideHold(
    id: number,
    decision: 'approved' | 'rejected',
    by: string,
    reason: string,
    now: Instant,
    only?: readonly IdentityId[],
  ): Promise<Hold>
  /** What people have said about held changes of this platform; with `only`, about changes of these people. */
  decisions(platform: string, only?: readonly IdentityId[]): Promise<Decisions>

  // record
  audit(records: readonly AuditRecord[]): Promise<void>
  auditOf(identity: IdentityId, most: number): Promise<readonly AuditRecord[]>
  plans(most: number): Promise<
    readonly {
      readonly id: string
      readonly at: Instant
      readonly policyVersion: string
      readonly changes: number
      readonly withheld: number
    }[]
  >
}
