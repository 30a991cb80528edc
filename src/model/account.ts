import type { IdentityId, LifecycleState } from './identity.ts'
import type { Instant } from './instant.ts'
import type { Reason } from './place.ts'

/** What a platform holds for an identity. The native id survives renames (entryUUID, objectGUID). */
export interface ObservedAccount {
  readonly platform: string
  readonly nativeId: string
  /** Where it stands now: the DN. */
  readonly address: string
  readonly name: string
  readonly container: string
  /** May somebody sign in with it, as far as the platform's own state says? */
  readonly enabled: boolean
  /** Shut by the platform's own temporary lock (too many tries), not by an administrator. */
  readonly lockedOut?: boolean
  /** Only the attributes that Keyturn manages or matches by, under the names of the configuration; absent ones are missing. */
  readonly attributes: Readonly<Record<string, readonly string[]>>
  /** Catalogue names held directly. */
  readonly entitlements: readonly string[]
  readonly expiresAt: Instant | null
  /** Set where the platform will not let us change it (AD: adminCount=1), with the sentence to show. */
  readonly cannotManage?: string
}

/** One entitlement that Keyturn may touch, as the platform has it now. */
export interface CatalogueEntry {
  readonly platform: string
  /** The catalogue's name for it, the word that roles use. */
  readonly name: string
  readonly nativeId: string
  readonly address: string
  readonly members: 'additive' | 'exact'
  readonly privileged: boolean
}

/** How a worker asks for a few accounts: by native id, or by what a create would collide with or be matched by. */
export type AccountRef =
  | { readonly nativeId: string }
  | { readonly name: string; readonly matches: readonly { readonly attribute: string; readonly value: string }[] }

/** A value as policy wants it: text, several texts, or "the address of that person's account here". Empty is []. */
export type DesiredValue = readonly string[] | { readonly accountOf: IdentityId }

export interface DesiredAttribute {
  readonly name: string
  readonly value: DesiredValue
  readonly write: 'always' | 'create'
  readonly empty: 'keep' | 'clear' | 'reject'
  readonly reason: Reason
}

export interface DesiredEntitlement {
  readonly name: string
  readonly reason: Reason
  /** Set while a mover lingers: when it ends. */
  readonly until?: Instant
}

/**
 * `open`: exists and may sign in. `closed`: exists, may not sign in, keeps what it has (pre-hire, suspended).
 * `shut`: if it exists, the leaver protocol (left, or no role grants an account here any more).
 */
export type DesiredAccountState = 'open' | 'closed' | 'shut'

/** What policy wants of one identity on one platform. Names and attributes are worked out only when they are needed. */
export interface DesiredAccount {
  readonly identity: IdentityId
  readonly key: string
  readonly platform: string
  readonly lifecycle: LifecycleState
  readonly state: DesiredAccountState
  /** Create it where it does not exist? (open: yes; pre-hire: yes; suspended and shut: no.) */
  readonly create: boolean
  /** Values to match existing accounts by, in the order of the configuration. */
  readonly matches: readonly { readonly attribute: string; readonly value: string; readonly then: 'link' | 'propose' }[]
  /** Candidate names in order, already made legal; ends after a bounded number. */
  names(): Iterable<string>
  container(name: string): string
  attributes(name: string): readonly DesiredAttribute[]
  readonly entitlements: readonly DesiredEntitlement[]
  /** Leaver steps that are due now besides shutting; null while `cleanup-after` runs or nothing is shut. */
  readonly cleanup: {
    readonly strip: 'all' | 'ours' | 'none'
    readonly keep: readonly string[]
    readonly container?: string
    /** `delete-after` has passed: an account that Keyturn holds shut goes. */
    readonly remove?: true
  } | null
  /** When the platform itself should shut the account, as a dead man's switch; null: never. */
  readonly expiresAt: Instant | null
  /** Backlog: shut because the person left before Keyturn came. */
  readonly backlog: boolean
  /** An exit that an earlier accepted read announced with a date that is now reached: outside the limits. */
  readonly announced: boolean
  /** The record contradicts itself: nothing is changed for this person, and this says why. */
  readonly held: string | null
  /** An operator froze this person: only revocation goes on, and this says whose word it is. */
  readonly frozen?: string
  /** `offboard`: shutting this person's accounts passes every limit, hold and rejection. */
  readonly emergency?: boolean
  /** Why this state: role's line, source row. */
  readonly reason: Reason
}

/** A role held by an identity, with the line of policy that is the reason. */
export interface Assignment {
  readonly role: string
  readonly reason: Reason
  readonly until?: Instant
}

/** A role with `linger` that somebody holds or held: from `lostAt` on it lingers, and then it is forgotten. */
export interface HeldRole {
  readonly identity: IdentityId
  readonly role: string
  readonly since: Instant
  readonly lostAt: Instant | null
}
