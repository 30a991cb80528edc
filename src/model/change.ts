import type { DesiredValue } from './account.ts'
import type { IdentityId } from './identity.ts'
import type { Instant } from './instant.ts'
import type { Link, NameClaim } from './ledger.ts'
import type { Reason } from './place.ts'

/** A planned create has no native id yet. */
export type Target = { readonly nativeId: string } | { readonly creates: IdentityId }

export type Lane = 'revoke' | 'change'

interface ChangeBase {
  readonly identity: IdentityId
  readonly platform: string
  readonly target: Target
  /** The account's name, for people. */
  readonly account: string
  readonly reason: Reason
}

/** Everything a create needs; references to other people's accounts come as updates of their own. */
export interface NewAccount {
  readonly name: string
  readonly container: string
  readonly enabled: boolean
  readonly attributes: Readonly<Record<string, readonly string[]>>
  readonly expiresAt: Instant | null
}

export interface FieldDiff {
  readonly attribute: string
  readonly from: readonly string[]
  readonly to: DesiredValue
}

export type CredentialKind = 'password'

/** `leaver`: the whole protocol; `suspend`: only no sign-in. */
type DisableChange = ChangeBase & { readonly kind: 'disable'; readonly protocol: 'leaver' | 'suspend' }

export type LeaverChange = DisableChange & { readonly protocol: 'leaver' }

export type Change =
  /** `address`: where the account stands, to be remembered with the link. */
  | (ChangeBase & { readonly kind: 'link'; readonly by: string; readonly address?: string })
  | (ChangeBase & { readonly kind: 'create'; readonly desired: NewAccount })
  | (ChangeBase & { readonly kind: 'enable' })
  | DisableChange
  | (ChangeBase & { readonly kind: 'delete' })
  | (ChangeBase & { readonly kind: 'rename' | 'move'; readonly from: string; readonly to: string })
  | (ChangeBase & { readonly kind: 'update'; readonly field: FieldDiff })
  | (ChangeBase & { readonly kind: 'expire'; readonly from: Instant | null; readonly to: Instant | null })
  | (ChangeBase & { readonly kind: 'grant' | 'revoke'; readonly entitlement: string; readonly privileged?: boolean })
  | (ChangeBase & { readonly kind: 'issue-credential'; readonly credential: CredentialKind })

export type ChangeKind = Change['kind']

export function isLeaver(change: Change): change is LeaverChange {
  return change.kind === 'disable' && change.protocol === 'leaver'
}

/** The order in which one account's changes are carried out. Shutting comes first, opening last (after what it may use is right). */
export const changeOrder: readonly ChangeKind[] = [
  'link',
  'disable',
  'create',
  'rename',
  'move',
  'update',
  'expire',
  'revoke',
  'grant',
  'issue-credential',
  'enable',
  'delete',
]

/** Changes that let somebody in or give something: they need a claim and a committed intent (law 5). */
export function opens(change: Change): boolean {
  return (
    change.kind === 'create' ||
    change.kind === 'enable' ||
    change.kind === 'grant' ||
    change.kind === 'issue-credential'
  )
}

/** Which limit of safety counts it. */
export function limitOf(change: Change): 'removals' | 'creations' | 'updates' | null {
  switch (change.kind) {
    case 'disable':
    case 'delete':
    case 'revoke':
      return 'removals'
    case 'create':
      return 'creations'
    case 'update':
    case 'rename':
    case 'move':
    case 'expire':
      return 'updates'
    case 'link':
    case 'enable':
    case 'grant':
    case 'issue-credential':
      return null
  }
}

/**
 * Old and new values on one line: equal lines mean the same change (law 6). No moment of planning, generated number or
 * secret is in it; an expiry that HR stated is.
 */
export function fingerprint(change: Change): string {
  return JSON.stringify([
    change.platform,
    change.identity,
    change.kind,
    'nativeId' in change.target ? change.target.nativeId : '+',
    detail(change),
  ])
}

function detail(change: Change): unknown {
  switch (change.kind) {
    case 'create':
      return [
        change.desired.name,
        change.desired.container,
        change.desired.enabled,
        sorted(change.desired.attributes),
        change.desired.expiresAt,
      ]
    case 'update':
      return [change.field.attribute, change.field.from, change.field.to]
    case 'rename':
    case 'move':
      return [change.from, change.to]
    case 'grant':
    case 'revoke':
      return change.entitlement
    case 'disable':
      return change.protocol
    case 'expire':
      return change.to
    case 'link':
      return change.by
    case 'issue-credential':
      return change.credential
    case 'enable':
    case 'delete':
      return null
  }
}

function sorted(attributes: Readonly<Record<string, readonly string[]>>): unknown {
  return Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** Changes that safety did not let pass, and the way out. */
export interface Withheld {
  readonly change: Change
  readonly why: WithheldWhy
  /** One sentence with counts, percentage and limit. */
  readonly text: string
}

export type WithheldWhy =
  | 'removals-limit'
  | 'creations-limit'
  | 'updates-limit'
  | 'privileged'
  | 'backlog'
  | 'account-deleted'
  | 'disputed'
  | 'proposed'
  | 'protected'
  | 'cannot-manage'
  | 'own-account'
  | 'observe'
  | 'held'
  | 'rejected'
  | 'missing-entitlement'
  | 'empty-value'
  | 'value-refused'
  | 'not-ours'
  | 'no-name'
  | 'frozen'
  /** The ledger was restored from a backup, and nothing is opened before a reconciliation. */
  | 'restored'

/** The kinds of `why` that become holds: a person may release them. The others are told and need another remedy. */
export const holdable: ReadonlySet<WithheldWhy> = new Set([
  'removals-limit',
  'creations-limit',
  'updates-limit',
  'privileged',
  'backlog',
  'account-deleted',
] satisfies WithheldWhy[])

/**
 * Shutting a protected account whose owner left (law 14): a hold as well, until a person says that it was done by hand.
 * Nobody's word lets Keyturn do it.
 */
function isByHand({ change, why }: Pick<Withheld, 'change' | 'why'>): boolean {
  return why === 'protected' && isLeaver(change)
}

/** Does a person's decision count for it? Then it becomes a hold. */
export function awaitsDecision(withheld: Withheld): boolean {
  return holdable.has(withheld.why) || isByHand(withheld)
}

/**
 * The kinds of `why` that last until something is put right: in the feed, on the platform, in the configuration. They are
 * remembered as hindrances. The rest is a hold, is wanted by a person, or is told in another way.
 */
export const hinders: ReadonlySet<WithheldWhy> = new Set([
  'disputed',
  'proposed',
  'cannot-manage',
  'own-account',
  'missing-entitlement',
  'empty-value',
  'value-refused',
  'no-name',
] satisfies WithheldWhy[])

/** Whoever reviews a plan sees these too, and carries them out by its hash: so they are in the hash. */
export const passesWhenReviewed: ReadonlySet<WithheldWhy> = new Set<WithheldWhy>(['creations-limit', 'updates-limit'])

/** What `apply --plan HASH` carries out: the plan's changes, and what only a limit that a review passes holds back. */
export function reviewedChanges(plan: Pick<Plan, 'changes' | 'withheld'>): readonly Change[] {
  const more = plan.withheld.filter(({ why }) => passesWhenReviewed.has(why)).map(({ change }) => change)
  return more.length === 0 ? plan.changes : [...plan.changes, ...more]
}

export type Situation = 'linked' | 'unlinked' | 'unmatched' | 'disputed' | 'missing' | 'absent'

/** Plans that are made side by side know nothing of each other: admission counts once more by this. */
export interface RemovalRoom {
  /** Since when removals count. */
  readonly since: Instant
  /** Removals of earlier plans that this one has counted. */
  readonly lately: number
  /** So many more would have passed. */
  readonly more: number
}

/** Desired minus observed, as a value that can be printed, hashed, approved and applied. */
export interface Plan {
  /** The hash of law 6, 64 hexadecimal digits. */
  readonly id: string
  readonly madeAt: Instant
  readonly policyVersion: string
  /** Linked accounts of people per platform: the denominator of every limit. */
  readonly population: Readonly<Record<string, number>>
  readonly changes: readonly Change[]
  readonly withheld: readonly Withheld[]
  /**
   * A `disable` for everybody who shall not be let in and whom `changes` do not shut: nothing open of theirs was seen.
   * Admission owes it only where something that opens is still on its way to that person (law 5); the hash is without it.
   */
  readonly standby?: readonly Change[]
  /** What a person has said was done by hand, and would be withheld otherwise. */
  readonly doneByHand?: readonly Change[]
  /** Whose accounts the limit on removals counted and let pass, per platform: they count against the next plans, too. */
  readonly removals?: Readonly<Record<string, readonly IdentityId[]>>
  /** What the limit on removals still has room for, per platform, where it looks back over earlier plans. */
  readonly removalRoom?: Readonly<Record<string, RemovalRoom>>
  /**
   * Of a plan for a few people: of these it cannot be told on some platform what they need without looking at everybody.
   * Nothing is planned for them there; what is planned elsewhere is right. Absent: the plan looked at everybody.
   */
  readonly undecided?: readonly IdentityId[]
  /** Of a restored ledger: what it remembers of accounts and the platform shows otherwise. */
  readonly corrections?: readonly LinkCorrection[]
  /** Of a restored ledger: names that accounts without an owner have, and that may be these people's. */
  readonly claims?: readonly NameClaim[]
  /** Counts per platform of accounts in each situation. */
  readonly situations: Readonly<Record<string, Readonly<Record<Situation, number>>>>
  /** Notes that need a person but hold no change: an account that security shut by hand, a weak match that proposes. */
  readonly notes: readonly PlanNote[]
}

/** How an account is held, where a ledger that was restored from a backup does not know it. */
export interface LinkCorrection extends Pick<Link, 'identity' | 'platform' | 'nativeId' | 'shutByUs'> {
  /** What the ledger remembers; null as well where the link is new. */
  readonly from: Link['shutByUs']
  readonly account: string
  readonly foundShut: boolean
  readonly passwordScrambled: boolean
  /** One sentence for the audit. */
  readonly text: string
}

export interface PlanNote {
  readonly kind:
    | 'shut-by-another-hand'
    | 'disputed'
    | 'proposed'
    | 'missing'
    | 'waits-for-reference'
    | 'held'
    | 'protected'
  readonly platform: string
  readonly identity: IdentityId | null
  readonly account: string
  readonly text: string
}
