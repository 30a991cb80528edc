import type { ObservedAccount } from '../model/account.ts'
import type { Change, Lane } from '../model/change.ts'
import type { Connector, Proof } from '../model/connector.ts'
import type { ErrorSummary } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Clock, Instant } from '../model/instant.ts'
import type { ChangeResult, ClaimedObligation, Ledger, Link } from '../model/ledger.ts'
import type { Logger } from '../model/ports.ts'
import type { RunningLedger } from '../model/running.ts'
import type { RetrySettings } from '../model/settings.ts'
import type { Deliveries } from './delivery.ts'
import type { PasswordRules } from './password.ts'
import type { ShutFirst } from './shut-first.ts'

/** What a worker must know of one person on the platform. */
export interface PersonView {
  readonly link: Link | null
  /** The linked account as it is now, and those that were found by a match or a name. */
  readonly accounts: readonly ObservedAccount[]
  /** Values by which an account is certainly this person's (`then: link`). */
  readonly matches: readonly { readonly attribute: string; readonly value: string }[]
  /** Entitlements that the ledger records as ours; those that the account does not hold any more are forgotten. */
  readonly grants?: readonly string[]
  /** The person's names as they are written; no password contains a part of them. */
  readonly names: readonly string[]
}

/** The platform as it is now, as far as the claimed obligations are concerned. */
export interface WorkerView {
  readonly people: ReadonlyMap<IdentityId, PersonView>
  /** What new passwords must be: asked of the platform, so known only where it could be observed. */
  readonly passwords: PasswordRules
}

/** What `settle` asks of the ledger. */
export type SettleLedger = Pick<
  Ledger,
  'claim' | 'renew' | 'release' | 'intend' | 'stepsDone' | 'audit' | 'settle' | 'links' | 'adopt' | 'allocate'
> &
  Pick<RunningLedger, 'lookAgain'>

/** Everything `settle` needs; all pointers are of this one platform. */
export interface SettlePorts<View extends WorkerView = WorkerView> {
  readonly platform: string
  readonly ledger: SettleLedger
  readonly connector: Connector
  /** Who claims: host, process, lane, and where that process id counts. */
  readonly worker: string
  readonly leaseMs: number
  readonly clock: Clock
  readonly logger: Logger
  /** Aborted: no further write begins, and what is not begun is handed back. */
  readonly signal: AbortSignal
  /** null: nobody will learn the initial passwords. */
  readonly deliveries: Deliveries | null
  readonly mustChange: boolean
  /** Scrambled passwords of this process that a proof still needs: one new Map for each platform, shared by its calls. */
  readonly scrambled: Map<IdentityId, string>
  readonly retry: RetrySettings
  /** Of the revoke lane: one for each platform, shared by its calls. Absent: nobody else is waited for. */
  readonly shutFirst?: ShutFirst
  /** Called when no account of this call is still to be shut. */
  readonly onShut?: () => void
  /** Uniform in [0, 1), for the jitter of the next try. */
  readonly random: () => number
  /** Reads the platform; throws a KeyturnError where it cannot be read whole (law 1). */
  observe(claimed: readonly ClaimedObligation[]): Promise<View>
  /** Policy and plan over that view: every change that each of these people needs now. Pure. */
  needed(view: View, claimed: readonly ClaimedObligation[]): ReadonlyMap<IdentityId, readonly Change[]>
}

/** How one obligation stands after `settle`. `lost`: another worker claimed it meanwhile and will settle it. */
export type SettledState = 'settled' | 'retry' | 'waiting' | 'failed' | 'lost'

export interface SettledObligation {
  readonly identity: IdentityId
  readonly platform: string
  readonly lane: Lane
  readonly state: SettledState
  /** Something admitted is no longer needed as it was: planning should look at this person again. */
  readonly moved: boolean
  readonly results: readonly ChangeResult[]
  readonly proof: Proof | null
  /** The first thing that went wrong. */
  readonly error: ErrorSummary | null
  readonly nextTryAt: Instant | null
  /** The thread through logs and audit. */
  readonly correlation?: string
}

/** Obligations that could not be claimed (taken, settled or not due) are not in it. */
export interface SettleReport {
  readonly obligations: readonly SettledObligation[]
}
