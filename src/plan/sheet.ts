import type { DesiredAccount, ObservedAccount } from '../model/account.ts'
import { changeOrder } from '../model/change.ts'
import type { Change, LinkCorrection, PlanNote, Target, WithheldWhy } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Link } from '../model/ledger.ts'
import type { Reason } from '../model/place.ts'
import type { ModeKind } from '../model/settings.ts'

/** Why a change is not let through; null while nothing speaks against it. */
export interface Verdict {
  readonly why: WithheldWhy
  readonly text: string
}

/** A change that is needed, before safety has looked at it. */
export interface Draft {
  readonly change: Change
  /** Which of the platform's modes it falls under; null: it writes nothing on the platform. */
  readonly mode: ModeKind | null
  /** Whose account must come to be first, when that account is not there yet. */
  readonly awaits: IdentityId | null
  verdict: Verdict | null
}

type DeedOf<C> = C extends Change ? Omit<C, 'identity' | 'platform' | 'target' | 'account' | 'reason'> : never
/** What is done, without to whom and why. */
export type Deed = DeedOf<Change>

const rank = new Map(changeOrder.map((kind, at) => [kind, at]))

/** One person's account on one platform: what is needed of it, gathered while the plan looks at this person. */
export class Sheet {
  readonly desired: DesiredAccount
  /** Null: none is there (yet). */
  readonly account: ObservedAccount | null
  readonly link: Link | null
  readonly drafts: Draft[] = []
  readonly notes: PlanNote[] = []
  /** What a person has said was done by hand. */
  doneByHand: Change | null = null
  /** What the restored ledger is to remember of the account instead. */
  correction: LinkCorrection | null = null
  readonly #target: Target
  readonly #name: string

  constructor(
    desired: DesiredAccount,
    link: Link | null,
    at: { readonly account: ObservedAccount } | { readonly name: string },
  ) {
    this.desired = desired
    this.link = link
    this.account = 'account' in at ? at.account : null
    this.#target = 'account' in at ? { nativeId: at.account.nativeId } : { creates: desired.identity }
    this.#name = 'account' in at ? at.account.name : at.name
  }

  need(
    deed: Deed,
    mode: ModeKind | null,
    reason: Reason,
    special: { readonly verdict?: Verdict | null; readonly awaits?: IdentityId | null } = {},
  ): void {
    const { identity, platform } = this.desired
    const change = { identity, platform, target: this.#target, account: this.#name, reason, ...deed } as Change
    this.drafts.push({ change, mode, verdict: special.verdict ?? null, awaits: special.awaits ?? null })
  }

  note(kind: PlanNote['kind'], text: string): void {
    const { identity, platform } = this.desired
    this.notes.push({ kind, platform, identity, account: this.#name, text })
  }

  /** Puts the drafts into the order in which they are carried out. */
  sort(): void {
    const place = (draft: Draft) => rank.get(draft.change.kind) as number
    this.drafts.sort((a, b) => place(a) - place(b))
  }
}
