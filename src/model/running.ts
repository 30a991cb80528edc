// What a daemon remembers besides people, accounts and work: whom to look at again, what operators said, how platforms do.
import type { WithheldWhy } from './change.ts'
import type { Proof } from './connector.ts'
import type { ErrorSummary } from './errors.ts'
import type { Identity, IdentityId, LifecycleEvent } from './identity.ts'
import type { Instant } from './instant.ts'
import type { AuditRecord, ClaimedObligation, Link, ObligationPointer } from './ledger.ts'

/**
 * Whom planning must look at again, and since when. It is written in the transaction of its cause and removed by the
 * admission that looked: what is noticed is never lost between noticing and planning.
 */
export interface LookAgain {
  readonly id: number
  /** null: everybody (a new policy, a start). */
  readonly identity: IdentityId | null
  readonly cause: LookAgainCause
  /** When the cause was noticed: time-to-revoke counts from here as "received". */
  readonly since: Instant
  readonly correlation: string
}

export type LookAgainCause =
  /** The feed says something new. */
  | 'feed'
  /** A date is reached. */
  | 'clock'
  /** An operator's word began or ended. */
  | 'override'
  /** What was admitted is not what is needed any more. */
  | 'moved'
  /** The account of somebody to whom this person refers was made, renamed or moved. */
  | 'reference'
  /** A person decided about a hold. */
  | 'hold'
  /** The account of a leaver is open again. */
  | 'reopened'
  /** Another configuration, a start, a scheduled full pass. */
  | 'policy'
  /** An emergency disable was done while the ledger could not be written. */
  | 'spool'

/** An operator's durable word above the sources. One of each kind is in force per person; a new one ends the older. */
export interface Override {
  readonly id: number
  readonly identity: IdentityId
  readonly kind: 'state' | 'freeze'
  /** null for a freeze. */
  readonly state: 'active' | 'left' | null
  /** `offboard` passes every limit for this person. */
  readonly emergency: boolean
  /** null: until somebody ends it. */
  readonly until: Instant | null
  readonly reason: string
  readonly operator: string
  readonly madeAt: Instant
  /** Ended by hand or by a newer one; null while it stands (its `until` may have passed all the same). */
  readonly endedAt: Instant | null
}

export type NewOverride = Omit<Override, 'id' | 'endedAt'>

/** How a platform does, as all processes know it. */
export interface PlatformState {
  readonly platform: string
  readonly state: 'up' | 'down'
  readonly since: Instant
  /** Why it is down. */
  readonly error: ErrorSummary | null
  /** When it is asked next whether it is back. */
  readonly probeAt: Instant | null
}

/** From what to what a revocation took; all instants of the ledger's clock. */
export interface RevocationTiming extends ObligationPointer {
  readonly id: number
  /** When access should have ended; null where no date applies. */
  readonly effectiveAt: Instant | null
  /** When Keyturn noticed: the changed file, the operator's word, the date that was reached. */
  readonly receivedAt: Instant
  readonly admittedAt: Instant
  readonly provenAt: Instant
  readonly grade: Proof['grade']
}

/** One process of the daemon, as it last said of itself. */
export interface ProcessState {
  /** `host:pid`. */
  readonly id: string
  readonly roles: readonly string[]
  readonly startedAt: Instant
  readonly seenAt: Instant
  readonly policyVersion: string
  /** Why the configuration on disk is not the one in force; null where it is. */
  readonly refusedConfig: string | null
}

/** Something that people should know; the same key means the same thing, so that it is told once. */
export interface Notice {
  /** Such as `platform-down:corp-ad` or `overdue:hr:10268:corp-ad`. */
  readonly key: string
  readonly kind: NoticeKind
  /** How bad it is: `page` wakes somebody up. */
  readonly severity: 'page' | 'warn' | 'info'
  /** One sentence with ids, never with names or secrets. */
  readonly text: string
  readonly platform: string | null
  readonly identity: IdentityId | null
}

export type NoticeKind =
  | 'revocation-late'
  | 'revocation-nearly-late'
  | 'not-proven'
  | 'protected-leaver'
  | 'feed-refused'
  | 'rows-set-aside'
  | 'leavers-withheld'
  | 'withheld'
  | 'shutting-hindered'
  | 'hindered'
  | 'person-held'
  | 'platform-down'
  | 'change-failed'
  | 'reopened'
  | 'config-refused'
  | 'ledger-spooled'
  | 'ledger-restored'

export interface NoticeNews {
  /** Not told before. */
  readonly begun: readonly (Notice & { readonly since: Instant })[]
  /** Told before, and over now. */
  readonly over: readonly (Notice & { readonly since: Instant })[]
}

/** An open hold, as far as it can be told in one sentence. */
export interface HoldCount {
  readonly id: number
  /** The same for as long as it is open, whatever `id` it gets. */
  readonly lasting: number
  readonly platform: string
  readonly why: WithheldWhy
  readonly text: string
  readonly people: number
  /** How many of them would be shut by the leaver protocol, and still have access. */
  readonly leavers: number
  /** One of them. */
  readonly someone: IdentityId
}

/** People who left and keep access on a platform because somebody rejected that they are shut. */
export interface RejectedLeavers {
  readonly count: number
  /** The first of them by id, each with the hold in which that was said. */
  readonly first: readonly { readonly identity: IdentityId; readonly platform: string; readonly hold: number }[]
}

/** People of whom a plan withholds something that no decision releases, on one platform and for one cause. */
export interface Hindrance {
  readonly platform: string
  readonly why: WithheldWhy
  /** They are to be shut, and may still have access. Others are counted apart from them. */
  readonly keptOut: boolean
  readonly people: number
  /** The first of them, the longest hindered first; `text` says what is in the way, and may have names in it. */
  readonly first: readonly { readonly identity: IdentityId; readonly text: string; readonly since: Instant }[]
}

/** People whose source is not believed: their state is held where it was. */
export interface HeldPeople {
  readonly count: number
  /** The first of them by id; `held` says why, in ids and dates. */
  readonly first: readonly { readonly identity: IdentityId; readonly held: string }[]
}

/** What a revocation did while the ledger could not be written, from the spool beside it. */
export interface Spooled {
  readonly audit: readonly AuditRecord[]
  /** Accounts that were open and that we have shut meanwhile: only then may we open them again (law 8). */
  readonly shut: readonly Pick<Link, 'identity' | 'platform' | 'nativeId'>[]
  /** People who were shut by what their sources said then. */
  readonly left?: readonly SpooledLeaver[]
  /** Operators' words that the ledger could not take when they were said. */
  readonly overrides?: readonly NewOverride[]
}

export interface SpooledLeaver {
  /** As the source described the person. */
  readonly identity: Identity
  /** The revision that the ledger had of the person then; 0: none. */
  readonly known: number
  readonly events: readonly LifecycleEvent[]
  /** When that was read. */
  readonly at: Instant
}

/** The ledger cannot be written. */
export interface Trouble {
  readonly since: Instant
  readonly why: string
}

/** What waits beside the ledger on this machine until it can be written again. */
export interface SpoolState {
  readonly records: number
  /** Whom they are about. */
  readonly people: number
  readonly words: readonly NewOverride[]
  readonly shut: Spooled['shut']
  /** What a process that runs here found when it wrote the ledger last; null: it could, or nobody tried. */
  readonly trouble: Trouble | null
  /** Files that this user cannot read. */
  readonly unreadable: readonly string[]
}

/** The ledger came back from a backup, or is another than before: what happened since the backup is not in it. */
export interface Restored {
  /** When that was noticed. */
  readonly at: Instant
  /** Until when the ledger knew everything; null: it is a new one, or does not say. */
  readonly knownUntil: Instant | null
}

/** A leaver's account to be looked at by the leaver lock. */
export interface Leaver {
  readonly identity: IdentityId
  /** null: no account is linked; one that a stale write makes would stand under `name`. */
  readonly nativeId: string | null
  /** The names that were claimed for this person here. */
  readonly names: readonly string[]
}

/** What a configuration without the section of a platform or a source would forget. */
export interface AtStake {
  /** Linked accounts of each platform that has any. */
  readonly links: ReadonlyMap<string, number>
  /** People who have not left, of each source that was ever read. */
  readonly people: ReadonlyMap<string, number>
}

/** The part of the ledger that only a running daemon and the operator's words need. */
export interface RunningLedger {
  /** Another text whenever any process has changed a row since: who polls asks this first, it costs next to nothing. */
  version(): string

  // look again
  /** `identities: null` means everybody. */
  lookAgain(
    identities: readonly IdentityId[] | null,
    cause: LookAgainCause,
    since: Instant,
    correlation: string,
  ): Promise<void>
  /** The oldest first, at most so many. */
  marked(most: number): Promise<readonly LookAgain[]>
  /** After this number, those of people who must not be let in, as they were when they were marked; the oldest first. */
  markedUrgently(after: number, most: number): Promise<readonly LookAgain[]>
  /** The number of the newest mark of anybody else; 0 where there is none. */
  lastUnhurriedMark(): Promise<number>
  /** Marks of these people. */
  markedOf(identities: readonly IdentityId[]): Promise<readonly LookAgain[]>
  /** People for whom the clock alone changes something that is due now (`Admission.dueAt`), the most overdue first. */
  clockDue(now: Instant, most: number): Promise<readonly IdentityId[]>
  /** The next such moment of anybody; null where there is none. */
  nextClockDue(): Promise<Instant | null>
  /** True for the one who fires this tick of a schedule; false where somebody has fired it (law 4). */
  tick(schedule: string, at: Instant, now: Instant): Promise<boolean>

  // operators
  /** Writes the override and its audit, ends an older one of the same kind, marks the person. Returns it. */
  override(made: NewOverride, correlation: string): Promise<Override>
  /** Ends it, with audit and mark; false where none stands. */
  endOverride(
    identity: IdentityId,
    kind: Override['kind'],
    by: string,
    reason: string,
    now: Instant,
    correlation: string,
  ): Promise<boolean>
  /** Those that stand at `now`, of these people or of everybody. */
  overrides(now: Instant, identities?: readonly IdentityId[]): Promise<readonly Override[]>
  /** All that were ever made for this person, the newest first. */
  overridesOf(identity: IdentityId): Promise<readonly Override[]>
  /** How many people this operator has offboarded since then, this one not counted. */
  emergenciesBy(operator: string, since: Instant, but: IdentityId): Promise<number>

  // work
  /** Like `claim`, but claims nothing and writes nothing: for revoking while the ledger cannot be written. */
  peek(pointers: readonly ObligationPointer[], now: Instant): Promise<readonly ClaimedObligation[]>
  /** A platform is back: everything that waits there because of the outage is due at once. Returns how many. */
  wake(platform: string, now: Instant): Promise<number>
  /** The workers that have something claimed that is not settled. */
  claimants(): Promise<readonly string[]>
  /** This worker's process has certainly ended: what it had claimed is due at once, not when its leases end. */
  releaseAllOf(worker: string): Promise<void>
  /**
   * Where the ledger shows that clocks were set back: whatever waits for a moment that was reckoned with the old clock is
   * due now, claims of the dead end soon, and ticks of the lost time fire anew. True where it was so.
   *
   * @param longestWait longer than this nothing waits for its next try, ms
   */
  clockSetBack(now: Instant, longestWait: number): Promise<boolean>
  /** Accounts whose removal was counted by the limits and admitted since then (each account once). */
  removalsSince(platform: string, since: Instant): Promise<ReadonlySet<IdentityId>>
  /** A page of leavers in the order of their ids, after this id; the newest leavers where `newest` is true. */
  leavers(
    platform: string,
    page: { readonly after: IdentityId | null; readonly most: number } | { readonly newest: number },
  ): Promise<readonly Leaver[]>
  /** Names of these that somebody holds or ever held here (lower-case). */
  namesTaken(
    platform: string,
    names: readonly string[],
  ): Promise<readonly { readonly name: string; readonly identity: IdentityId }[]>
  /** How many accounts of people are linked: the denominator of the limits. */
  population(platform: string): Promise<number>
  /** Everything that a configuration must have a section for. */
  atStake(): Promise<AtStake>
  /** Writes what was done without the ledger, marks those people. */
  unspool(spooled: Spooled, now: Instant, correlation: string): Promise<void>

  /** Who owns these accounts; those that nobody is linked to are not in it. */
  owners(platform: string, nativeIds: readonly string[]): Promise<readonly Link[]>

  /** Null, unless the ledger was restored and no reconciliation has run since: then nothing is opened and granted (law 8). */
  restored(): Promise<Restored | null>

  // record
  /** Records of one action since then, the newest first, at most a thousand. */
  auditSince(action: string, since: Instant): Promise<readonly AuditRecord[]>
  /** Records after this number, the oldest first, each with its own. */
  auditAfter(after: number, most: number): Promise<readonly (AuditRecord & { readonly id: number })[]>
  /** The number of the newest record; 0: there is none. */
  lastAudit(): Promise<number>
  /** Proven revocations after this id, the oldest first. */
  revocations(after: number, most: number): Promise<readonly RevocationTiming[]>
  /** Proven since then, the newest first. */
  revocationsSince(since: Instant, most: number): Promise<readonly RevocationTiming[]>
  platformStates(): Promise<readonly PlatformState[]>
  savePlatformState(state: PlatformState): Promise<void>
  saveProcess(process: ProcessState): Promise<void>
  endProcess(id: string): Promise<void>
  /** Those that said something since then. */
  processes(since: Instant): Promise<readonly ProcessState[]>
  /** Compares what is the case with what was told: each beginning and each end is told to one caller only. */
  noticed(present: readonly Notice[], now: Instant): Promise<NoticeNews>
  /** Every open hold with the number of people who wait in it. */
  openHoldCounts(): Promise<readonly HoldCount[]>
  rejectedLeavers(most: number): Promise<RejectedLeavers>
  /** What hinders people on these platforms, those who left first, each with the first so many people. */
  hindrances(platforms: readonly string[], most: number): Promise<readonly Hindrance[]>
  /** How many people are held, and the first so many of them (at least one). */
  heldPeople(most: number): Promise<HeldPeople>
  /** Open revocations, the oldest first; of which the cause was noticed until then, where that is stated. */
  openRevocations(receivedBefore?: Instant): Promise<
    readonly (ObligationPointer & {
      readonly effectiveAt: Instant | null
      readonly receivedAt: Instant
      readonly admittedAt: Instant
      readonly tries: number
      readonly lastError: ErrorSummary | null
      readonly proof: Proof | null
    })[]
  >
}

/** Which process does what: `keyturn run --only intake,workers`. */
export const roles = ['intake', 'workers', 'server'] as const
export type Role = (typeof roles)[number]
