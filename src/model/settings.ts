import type { Place } from './place.ts'

/** A checked configuration: what `config/` makes of the YAML files. Durations are milliseconds. */
export interface Settings {
  readonly organisation: { readonly name: string; readonly timezone: string }
  readonly state: StateSettings
  readonly sources: Readonly<Record<string, SourceSettings>>
  readonly platforms: Readonly<Record<string, PlatformSettings>>
  readonly safety: SafetySettings
  readonly roles: Readonly<Record<string, RoleSettings>>
  readonly daemon: DaemonSettings
  readonly notifications: NotificationSettings
  /** Names of sections that were given up on purpose, although people and accounts hang on them. */
  readonly retired: { readonly sources: readonly string[]; readonly platforms: readonly string[] }
  /** Every file that this was made of, absolute: what a daemon watches. */
  readonly files: readonly string[]
  /** Hash over everything that decides who gets what; it changes when the policy does. */
  readonly policyVersion: string
}

export interface StateSettings {
  /** Absolute path of this machine's state folder: sockets, locks, the spool, the witness of a ledger on a server. */
  readonly folder: string
  /** `sqlite:/absolute/path`, `postgres://user@host/database`, or a reference to such an address. */
  readonly ledger: SecretOrText
  /** `embedded`, or a reference to a Redis URL. */
  readonly redis: 'embedded' | SecretOrText
  readonly place?: Place
}

/** `env:NAME` or `file:PATH` (absolute by now), resolved at the moment of use (law 11). */
export type SecretReference = `env:${string}` | `file:${string}`
export type SecretOrText = string

/** A CEL expression and where it stands. */
export interface Expression {
  readonly text: string
  readonly place: Place
}

// ---------------------------------------------------------------- sources

export interface SourceSettings {
  readonly id: string
  readonly kind: 'csv'
  /** Absolute path. */
  readonly path: string
  readonly every: number
  readonly key: string
  readonly content: 'full' | 'delta'
  readonly timezone: string
  readonly csv: CsvSettings
  readonly identity: IdentityMapping
  readonly contract: FeedContract
  readonly vanished: { readonly after: number; readonly then: 'hold' | 'keep' | 'suspend' }
  /** How long a file that is written in place must be quiet before it is read, ms. A rename is read at once. */
  readonly settle: number
  readonly place: Place
}

export interface CsvSettings {
  /** undefined: found by looking. */
  readonly delimiter?: string
  /** undefined: by byte-order mark, else UTF-8, else Latin-1 where the bytes are no UTF-8 is NOT guessed: an error says to state it. */
  readonly encoding?: 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1'
  /** `required`: a file whose last line has no line ending counts as cut (complete: false). */
  readonly finalNewline: 'required' | 'optional'
}

export interface IdentityMapping {
  readonly attributes: Readonly<Record<string, AttributeMapping>>
  readonly references: Readonly<Record<string, ReferenceMapping>>
  readonly startsAt?: DateMapping
  readonly endsAt?: DateMapping
  readonly accessEndsAt?: DateMapping
  readonly state: StateMapping
  /** A fixed zone, or per record by a column; otherwise the source's. */
  readonly zone?: { readonly column: string; readonly values?: Readonly<Record<string, string>> }
  /** Hash of this mapping. */
  readonly version: string
}

export interface AttributeMapping {
  readonly from: { readonly column: string } | { readonly expr: Expression }
  readonly trim: boolean
  readonly place: Place
}

export interface ReferenceMapping extends AttributeMapping {
  /** The attribute (or `key`) of the other person that the text names. */
  readonly reference: string
  /** `keep`: the last one that was found stays; `clear`: nobody; `hold`: the record is set aside. */
  readonly unresolved: 'keep' | 'clear' | 'hold'
}

export interface DateMapping {
  readonly column: string
  /** Letters of Unicode TR 35: yyyy, MM or M, dd or d, HH, mm, ss, and XXX for an offset. */
  readonly format: string
  readonly at: 'start-of-day' | 'end-of-day' | 'exact'
  /** Texts that mean "no date"; "" always does. */
  readonly none: readonly string[]
  readonly place: Place
}

export interface StateMapping {
  readonly column: string
  readonly values: Readonly<Record<string, 'active' | 'suspended' | 'left' | 'archived'>>
  /** `page`: set aside and told. */
  readonly otherwise: 'page' | 'active' | 'suspended' | 'left'
  readonly place: Place
}

export interface FeedContract {
  readonly required: readonly string[]
  readonly rows: { readonly min: number; readonly max?: number /** Share, 0.1 for 10%. */; readonly maxChange: number }
  /** undefined: any age. */
  readonly maxAge?: number
}

// ---------------------------------------------------------------- platforms

export type PlatformSettings = DirectorySettings
export type ModeKind = 'revoke' | 'create' | 'attributes' | 'entitlements'

export interface CommonPlatformSettings {
  readonly id: string
  readonly mode: Readonly<Record<ModeKind, 'full' | 'observe'>>
  readonly accounts: AccountSettings
  readonly entitlements: CatalogueSettings
  readonly leaver: LeaverSettings
  readonly delivery?: DeliverySettings
  readonly password: PasswordSettings
  readonly limits: {
    readonly concurrency: number
    /** People a second; undefined: unlimited. */
    readonly rate?: number
  }
  readonly retry: RetrySettings
  readonly objectives: {
    /** From noticing to the proof, ms. */
    readonly revoke: number
  }
  readonly place: Place
}

/** OpenLDAP, 389 Directory Server and Active Directory. */
export interface DirectorySettings extends CommonPlatformSettings {
  readonly kind: 'ldap' | 'active-directory'
  readonly url: string
  /** Allows plain ldap:// to another machine. */
  readonly insecure: boolean
  readonly bind: { readonly dn: string; readonly password: SecretReference }
  readonly tls: { /** Absolute path of PEM file. */ readonly ca?: string; readonly servername?: string }
  readonly base: string
  /** Time limits, ms. */
  readonly timeouts: { readonly connect: number; readonly request: number }
  readonly schema: DirectorySchema
}

export interface DirectorySchema {
  /** ldap only: object classes of a new account. */
  readonly objectClasses: readonly string[]
  /** The attribute that holds the account's name: uid, or sAMAccountName. */
  readonly nameAttribute: string
  /** The attribute of the RDN: uid, or cn. */
  readonly rdnAttribute: string
  /** ldap only: posixAccount; numbers come from the counter entry where given, else from the ledger. */
  readonly posix?: {
    readonly uidNumbers: { readonly from: number; readonly to: number; readonly counter?: string }
    readonly gidNumber: number
    /** `{name}` is replaced. */
    readonly home: string
    readonly shell: string
  }
  /** ldap only: the member that keeps an empty groupOfNames legal. */
  readonly placeholder?: string
  /** active-directory only: what follows the @ of userPrincipalName. */
  readonly upnSuffix?: string
}

export interface AccountSettings {
  readonly match: readonly MatchSettings[]
  /** Ordered candidates; one that uses `n` is tried with n = 2, 3, … */
  readonly name: readonly Expression[]
  readonly container: Expression | { readonly text: string; readonly fixed: true; readonly place: Place }
  readonly attributes: Readonly<Record<string, AccountAttributeSettings>>
}

export interface MatchSettings {
  readonly account: string
  /** An identity attribute, or `key`. */
  readonly person: string
  readonly then: 'link' | 'propose'
  readonly place: Place
}

export interface AccountAttributeSettings {
  /** CEL over person, key and name (the account's name). */
  readonly value: Expression
  readonly write: 'always' | 'create'
  readonly empty: 'keep' | 'clear' | 'reject'
}

export interface CatalogueSettings {
  readonly under: readonly { readonly dn: string; readonly place: Place }[]
  readonly named: Readonly<Record<string, NamedEntitlement>>
}

export interface NamedEntitlement {
  readonly id: string
  readonly members: 'additive' | 'exact'
  readonly privileged: boolean
  readonly place: Place
}

export interface LeaverSettings {
  readonly container?: string
  readonly strip: 'all' | 'ours' | 'none'
  readonly keep: readonly string[]
  readonly cleanupAfter: number
  readonly deleteAfter: number | 'never'
  /** How often leavers' accounts are looked at, ms; absent: never. */
  readonly watch?: number
}

export interface DeliverySettings {
  readonly kind: 'age-file'
  /** Absolute path. */
  readonly folder: string
  /** `file:PATH` of recipients, or `age1…` public keys. */
  readonly recipients: readonly string[]
  readonly expiresAfter: number
}

export interface PasswordSettings {
  readonly length?: number
  readonly classes?: number
  readonly readable: boolean
  readonly mustChange: boolean
}

export interface RetrySettings {
  readonly revoke: { readonly first: number; readonly most: number }
  readonly change: { readonly first: number; readonly most: number; readonly attempts: number }
}

// ---------------------------------------------------------------- safety and roles

export interface SafetySettings {
  /** Glob patterns over account names and DNs; `*` stands for anything. Matched without regard to case. */
  readonly protected: readonly string[]
  readonly limits: Readonly<Record<string, SafetyLimits>> & { readonly default: SafetyLimits }
  readonly privileged: 'hold' | 'allow'
}

export interface SafetyLimits {
  readonly removals: SafetyLimit
  readonly creations?: SafetyLimit
  readonly updates?: SafetyLimit
}

export interface SafetyLimit {
  /** Share of the population, 0.1 for 10%. */
  readonly max: number
  /** Up to this many are always allowed. */
  readonly above: number
  /** Removals only: what earlier plans removed within this time counts too, ms; 0 or absent: each plan by itself. */
  readonly within?: number
}

// ---------------------------------------------------------------- the daemon

export interface DaemonSettings {
  /** Where /healthz, /readyz and /metrics answer; null: nowhere. */
  readonly listen: { readonly host: string; readonly port: number } | null
  /** How often everybody and everything is looked at, whatever was noticed, ms. */
  readonly fullPass: number
  /** How many emergency offboardings one operator may begin within a time. */
  readonly offboards: { readonly most: number; readonly within: number }
  /** Traces of the queue through OpenTelemetry. */
  readonly tracing: boolean
}

export interface NotificationSettings {
  /** How long news are gathered into one message, ms. */
  readonly gather: number
  readonly mail: MailSettings | null
  readonly webhooks: readonly WebhookSettings[]
}

export interface MailSettings {
  readonly host: string
  readonly port: number
  /** `tls`: from the first byte; `starttls`: demanded; `none`: only to this machine. */
  readonly security: 'tls' | 'starttls' | 'none'
  readonly ca?: string
  readonly user?: string
  readonly password?: SecretReference
  readonly from: string
  readonly to: readonly string[]
}

export interface WebhookSettings {
  /** The address, or a reference to it: for Slack and Teams the address itself is the secret. */
  readonly url: SecretOrText
  readonly shape: 'keyturn' | 'slack' | 'teams'
  /** Signs the body: HMAC-SHA256. */
  readonly secret?: SecretReference
}

export interface RoleSettings {
  readonly name: string
  /** null: everybody. */
  readonly when: Expression | null
  readonly accounts: readonly { readonly platform: string; readonly place: Place }[]
  readonly entitlements: Readonly<Record<string, readonly { readonly name: string; readonly place: Place }[]>>
  readonly includes: readonly { readonly role: string; readonly place: Place }[]
  readonly linger: number
  readonly place: Place
}
