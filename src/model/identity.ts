import type { Instant } from './instant.ts'
import type { Place, Problem, Reason } from './place.ts'

/** `source:key`, such as `hr:10268`. Never a name or a mail address. */
export type IdentityId = string

export type LifecycleState = 'pre-hire' | 'active' | 'suspended' | 'left' | 'archived'

/** One row or object of a source, as it was read. */
export interface SourceRecord {
  readonly source: string
  /** null where the key itself cannot be read: such a row proves nobody's presence, and nobody's absence either. */
  readonly key: string | null
  readonly row: Readonly<Record<string, string>>
  readonly place: Place
  /** Hash of the row's bytes: the same hash needs no second look. */
  readonly hash: string
  /** Set when the row cannot be used (too few fields, a doubled key): it still proves presence and changes nothing. */
  readonly problem?: string
}

/** A person (or service) as the authoritative source last described it. */
export interface Identity {
  readonly id: IdentityId
  readonly source: string
  readonly key: string
  /** Declared attributes; empty means "". References are in `references`. */
  readonly attributes: Readonly<Record<string, string>>
  /** Declared references, such as manager: whom the source's text means, or null where nobody fits. */
  readonly references: Readonly<Record<string, IdentityId | null>>
  /** Texts of references that fit nobody, or several people: they are tried again when somebody appears. */
  readonly unresolved?: Readonly<Record<string, string>>
  /** What the source's own status word says, before dates are looked at. */
  readonly status: 'active' | 'suspended' | 'left' | 'archived'
  readonly startsAt: Instant | null
  readonly endsAt: Instant | null
  readonly accessEndsAt: Instant | null
  /** IANA zone in which this person's dates were read. */
  readonly zone: string
  /** Status and dates together, at the moment of the last evaluation. */
  readonly state: LifecycleState
  /** When the clock alone changes the state next. */
  readonly next: { readonly at: Instant; readonly state: LifecycleState } | null
  /** Why the state is held where it was: the record contradicts itself. Null: nothing is held. */
  readonly held: string | null
  /** Since when access shall be shut (effective, not observed); null unless the state is left or archived. */
  readonly leftAt: Instant | null
  /** The first accepted read that told the present `endsAt`: an exit that was announced ahead is no surprise to the limits. */
  readonly announcedAt: Instant | null
  /** First complete read that no longer had the record; null while it is there. */
  readonly vanishedAt: Instant | null
  /** True when the person had already left when Keyturn first saw the record: the backlog. */
  readonly leftBeforeFirstSeen: boolean
  readonly firstSeenAt: Instant
  /** Why the state is what it is. */
  readonly reason: Reason
  readonly recordHash: string
  readonly place: Place
  /** Counts the stored descriptions of this person; absent where nothing is stored yet. */
  readonly revision?: number
  /** An operator's word that stands above the source, once it was laid over (`overruled`); the state is then theirs. */
  readonly override?: {
    /** Each that stands: a freeze first, then what says the state. At least one. */
    readonly words: readonly StandingWord[]
    readonly emergency: boolean
  }
}

export interface StandingWord {
  readonly kind: 'state' | 'freeze'
  readonly text: string
  /** When it ends by itself; null: it does not. */
  readonly until: Instant | null
}

export type EventKind =
  | 'joiner'
  | 'mover'
  | 'leaver'
  | 'rehire'
  | 'suspension'
  | 'return'
  | 'attribute-change'
  | 'vanished'
  | 'reappeared'

/** Says whom to look at again, never what to do. */
export interface LifecycleEvent {
  readonly kind: EventKind
  readonly identity: IdentityId
  /** When it is true in the world. */
  readonly effectiveAt: Instant
  /** When Keyturn learned of it. */
  readonly observedAt: Instant
  readonly reason: Reason
  /** Names of the attributes that changed. */
  readonly changed: readonly string[]
}

/** What is remembered of the last accepted read of a source: the base of "suspiciously different". */
export interface AcceptedRead {
  readonly source: string
  readonly at: Instant
  readonly rows: number
  readonly active: number
  readonly modifiedAt: Instant
  /** Hash of the identity mapping: when it changes, unchanged rows are read anew. */
  readonly mappingVersion: string
  /** Counts the accepted reads of this source: a read that was compared with an older one is refused (`read-overtaken`). */
  readonly number?: number
  /** SHA-256 of the bytes that were read: who holds the same bytes knows what the ledger knows. */
  readonly digest?: string
  /** Absent: not known. */
  readonly setAside?: SetAside
}

/** Rows that could not be used: they change nothing for their people until the feed is corrected. Places only, no texts. */
export interface SetAside {
  readonly rows: number
  /** When they became more than they were: whoever was told of them before is told again. */
  readonly since: Instant
  /** The first of them. `path`: the column, or the key. */
  readonly first: readonly { readonly place: Place; readonly path: string }[]
}

/** Why a whole read was refused. */
export interface RefusedRead {
  readonly source: string
  readonly at: Instant
  /** One sentence with the numbers. */
  readonly why: string
  readonly hint: string
  /** As `AcceptedRead.digest`, of what was refused; absent where it could not be read to its end. Not stored. */
  readonly digest?: string
}

/** What intake makes of one read of one source. */
export interface IntakeResult {
  readonly source: string
  /** null when the read was refused: then identities are those known before, with their states at `now`. */
  readonly accepted: AcceptedRead | null
  readonly refused: RefusedRead | null
  /** Everybody of this source as they are now. */
  readonly identities: readonly Identity[]
  /** Those that differ from what the ledger has (in anything that it stores). */
  readonly changed: readonly Identity[]
  readonly events: readonly LifecycleEvent[]
  readonly problems: readonly Problem[]
  /** The number of the accepted read that this one was compared with; 0: there was none. Absent: not checked. */
  readonly base?: number
  /**
   * The revisions that this was worked out from. Whoever has another one by now is only marked where no read was accepted; an
   * accepted read is overtaken. Absent: not checked.
   */
  readonly known?: ReadonlyMap<IdentityId, number>
  /** When the change was noticed; absent: when it was saved. */
  readonly receivedAt?: Instant
}

/** Which stored description of each of them somebody looks at; whoever is not stored yet has none. */
export function revisionsOf(identities: readonly Identity[]): ReadonlyMap<IdentityId, number> {
  return new Map(identities.flatMap(({ id, revision }) => (revision === undefined ? [] : [[id, revision] as const])))
}
