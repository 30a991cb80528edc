import type { AccountRef, CatalogueEntry, ObservedAccount } from './account.ts'
import type { Change, LeaverChange, NewAccount } from './change.ts'
import type { ErrorSummary } from './errors.ts'
import type { IdentityId } from './identity.ts'
import type { Instant } from './instant.ts'
import type { Snapshot } from './snapshot.ts'

/** Something that `doctor` found: what is wrong, and what to do. */
export interface Complaint {
  readonly severity: 'error' | 'warning' | 'fact'
  readonly message: string
  readonly hint?: string
}

/**
 * The code for one kind of platform. It never decides what changes: it reads, adapts what is desired to what the platform
 * can hold, and applies.
 *
 * Must: `read` everything in scope or say `complete: false`; `apply` with one outcome per change, in their order, each
 * read back by itself where a success answer alone proves nothing; address accounts by native id; set, never toggle.
 * Should: batch (one modification per group, many requests in flight).
 */
export interface Connector extends AsyncDisposable {
  readonly id: string
  /** Can we sign in, do we hold the rights, what does disabling do here? For `doctor`; reads only. */
  check(signal: AbortSignal): Promise<readonly Complaint[]>
  /** One bulk read, or a few accounts. Refs that do not exist are simply not in the items. */
  read(scope: 'all' | readonly AccountRef[], signal: AbortSignal): Promise<Snapshot<ObservedAccount>>
  /** The entitlements that the configuration lets Keyturn touch, as they exist now. */
  catalogue(signal: AbortSignal): Promise<Snapshot<CatalogueEntry>>
  /** Pure: rewrites a new account into what `read` would return of it, so that the diff is quiet. Throws KeyturnError `value-refused`. */
  adapt(account: NewAccount): NewAccount
  /** Pure: two values of an attribute are the same for the platform when their canonical texts are equal. */
  canonical(attribute: string, value: string): string
  /** Pure: is this text the address of something inside that container? */
  within(address: string, container: string): boolean
  /** The address (DN) of the account that Keyturn itself signs in with; null where there is none. */
  signsInAs(signal: AbortSignal): Promise<string | null>
  /** Who changed this account last, and when, as far as the platform says (accesslog, modifiersName, replication metadata). */
  lastChange?(nativeId: string, signal: AbortSignal): Promise<LastChange | null>
  /** Resolves when the platform answers after a sign-in: the lightest question that there is. Throws what stands in the way. */
  probe?(signal: AbortSignal): Promise<void>
  /** What the platform demands of passwords, as far as it can be read. */
  passwordPolicy(signal: AbortSignal): Promise<PasswordPolicy>
  /**
   * Does no more than shut the accounts of these leavers, and records it as the first step: `apply` goes on from there. For each
   * change in its order whether a fresh read shows the account shut. Never throws. Absent where `apply` needs no more than that.
   */
  shut?(changes: readonly LeaverChange[], context: ApplyContext): Promise<readonly boolean[]>
  /** Carries out changes, of one or many accounts; one outcome per change, in their order. Never throws for one item. */
  apply(changes: readonly Change[], context: ApplyContext): Promise<readonly Outcome[]>
  /**
   * Shows that a shut account is shut (law 10), with the password that the scramble step of this process has set
   * (`context.scrambled`); without one it may only read back. `account` was read after the last write.
   */
  prove(account: ObservedAccount, context: ApplyContext): Promise<Proof>
}

export interface LastChange {
  /** Who did it, as the platform names them; null where it does not say. */
  readonly by: string | null
  readonly at: Instant | null
  /** Where the platform says so, such as `modifiersName` or `msDS-ReplAttributeMetaData`. */
  readonly source: string
}

export interface PasswordPolicy {
  readonly length: number
  /** How many of: lower, upper, digit, symbol. */
  readonly classes: number
  /** Where it was found, for doctor. */
  readonly source: string
}

export interface ApplyContext {
  readonly signal: AbortSignal
  now(): Instant
  /**
   * May something still be opened for this person? Asked right before every single request that opens (create, enable,
   * grant, set a password that somebody will know): no means that a newer decision stands, or that we were asleep; the
   * request is not sent, and the outcome is `retry` with `claim-lost`.
   */
  mayOpen?(identity: IdentityId): boolean
  /** A fresh password for a person who will use it; apply/ hands it over. Call it once per create or issue-credential. */
  initialPassword(identity: IdentityId): string
  /** A fresh random password that nobody shall know, kept in memory for the proof only. */
  scramblePassword(identity: IdentityId): string
  /** The password of this process's last scramble of that person here, for `prove`. */
  scrambled(identity: IdentityId): string | undefined
  /** Steps of this revocation that are already done and recorded; a repeated run goes on where it was. */
  stepsDone(identity: IdentityId): ReadonlySet<string>
  /** Records one step durably before the next begins. */
  stepDone(identity: IdentityId, step: RevocationStep): Promise<void>
  /** Address of another person's account on this platform, for references; undefined while there is none. */
  addressOf(identity: IdentityId): string | undefined
  /** `count` consecutive numbers, none ever given before; the first is at least `floor`. From the ledger. */
  allocate(sequence: string, count: number, floor: number): Promise<number>
  /** Must the new password be changed at first sign-in? */
  readonly mustChange: boolean
}

/** One step of the leaver protocol: what was done and how it was read back. Detail never holds a secret. */
export interface RevocationStep {
  readonly step: string
  readonly at: Instant
  readonly detail: string
}

export interface Outcome {
  /**
   * `done`: it was carried out (and read back). `already`: the platform had it so. `failed`: give up on this one.
   * `retry`: try again later. `waiting`: the account that it refers to is not there yet.
   */
  readonly result: 'done' | 'already' | 'failed' | 'retry' | 'waiting'
  readonly error?: ErrorSummary
  /** After a create, rename or move: where the account is now. */
  readonly account?: { readonly nativeId: string; readonly address: string; readonly name: string }
  /** For a disable: what disabling cannot end, with its latest end. */
  readonly residual?: readonly ResidualAccess[]
}

export interface ResidualAccess {
  readonly what: string
  readonly until: Instant | null
}

export interface Proof {
  readonly grade: 'refused' | 'read-back' | 'not-proven'
  readonly at: Instant
  /** Protocol result code and platform data code, such as 49 and "533". */
  readonly resultCode?: number
  readonly dataCode?: string
  /** One sentence for people. */
  readonly text: string
}
