import type { Assignment, DesiredAccount } from '../model/account.ts'
import type { Identity, LifecycleEvent } from '../model/identity.ts'
import type { AuditRecord, Grant, Hold, Link, ObligationStatus } from '../model/ledger.ts'
import type { Withheld } from '../model/change.ts'
import type { Instant } from '../model/instant.ts'
import { showPlace } from '../model/place.ts'
import type { NewOverride, Override, SpoolState } from '../model/running.ts'
import { showReason, showWhy } from './plan.ts'
import { count, localInstants, showEnd, showInstant, showMoment, visible } from './text.ts'

/** Why no account is linked, by a look at the platform. */
export interface Unlinked {
  /** What keeps an account from being linked or made, each once. */
  readonly withheld: readonly Pick<Withheld, 'why' | 'text'>[]
  /** Why it cannot be told; null where it can. */
  readonly unseen: 'no-answer' | 'needs-whole-plan' | null
}

/** What is known of one person, from the ledger and the policy in force. */
export interface Explanation {
  readonly identity: Identity
  /** What the person is by the sources alone, where an operator's word stands above them. */
  readonly sourcesSay: Identity['state']
  /** Operators' words that stand. */
  readonly overrides: readonly Override[]
  /** Operators' words that the ledger does not know yet. */
  readonly spooled?: SpoolState['words']
  /** When the clock alone changes something next. */
  readonly next: { readonly at: Instant; readonly why: string; readonly zone: string } | null
  readonly assignments: readonly Assignment[]
  readonly platforms: readonly {
    readonly platform: string
    readonly link: Link | null
    readonly grants: readonly Grant[]
    readonly desired: Pick<DesiredAccount, 'state' | 'reason' | 'entitlements' | 'expiresAt' | 'held'>
    readonly obligation: ObligationStatus | null
    /** Open holds in which changes of this person wait. */
    readonly holds: readonly Hold[]
    /** The hold in which somebody rejected that the account is shut. */
    readonly rejectedIn?: number
    /** Set where no account is linked and the person may have one there. */
    readonly unlinked?: Unlinked
    /** Of a protected account: the record that a person has shut it, if anybody said so. Else null, or absent. */
    readonly byHand?: { readonly record: AuditRecord | null } | null
    /** Keyturn has shut it, and the ledger does not know that yet. */
    readonly isShutInSpool?: boolean
  }[]
  /** Rows of the person's source that are set aside: this one's may be among them. */
  readonly setAside?: number
  readonly events: readonly LifecycleEvent[]
  readonly audit: readonly AuditRecord[]
}

interface Rendering {
  readonly zone: string
  readonly bold: (text: string) => string
}

/** One person as a page: state, what holds it, each role and entitlement with its reason, and what happened last. */
export function renderExplanation(explained: Explanation, { zone, bold }: Rendering): string {
  const { identity } = explained
  return [
    [
      bold(`${identity.id}  ${identity.state}`),
      ...explained.overrides.map((override) => wordLine(override, zone, explained.sourcesSay)),
      ...(explained.spooled ?? []).map((word) => spooledLine(word, zone)),
      ...stateLines(identity),
      ...asideLines(explained),
      nextLine(explained.next),
    ].join('\n'),
    section(
      bold('Attributes'),
      Object.entries(identity.attributes).map(
        ([name, value]) => `${name}: ${value === '' ? '(empty)' : visible(value)}`,
      ),
    ),
    section(
      bold('Roles'),
      explained.assignments.map((one) => `${one.role}  ${showReason(one.reason)}${until(one.until, zone)}`),
    ),
    ...explained.platforms.map((one) => section(bold(one.platform), platformLines(one, identity.id, zone))),
    section(
      bold('Events'),
      explained.events.map(
        (event) => `${showInstant(event.effectiveAt, zone)}  ${event.kind}  ${showReason(event.reason)}`,
      ),
    ),
    section(
      bold('Last changes'),
      explained.audit.flatMap((record) => auditLines(record, zone)),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function stateLines(identity: Identity): readonly string[] {
  const { zone } = identity
  return [
    `  because of ${showReason(identity.reason)}`,
    `  read from ${showPlace(identity.place)}`,
    ...(identity.startsAt === null ? [] : [`  starts ${showInstant(identity.startsAt, zone)}`]),
    ...(identity.endsAt === null ? [] : [`  ends ${showInstant(identity.endsAt, zone)}`]),
    ...(identity.accessEndsAt === null ? [] : [`  access ends ${showInstant(identity.accessEndsAt, zone)}`]),
    ...(identity.leftAt === null ? [] : [`  has no right to access since ${showInstant(identity.leftAt, zone)}`]),
    ...(identity.vanishedAt === null ? [] : [`  vanished from the feed ${showInstant(identity.vanishedAt, zone)}`]),
    ...(identity.held === null ? [] : [`  held: ${visible(identity.held)}`]),
  ]
}

function asideLines({ identity: { source }, setAside = 0 }: Explanation): readonly string[] {
  if (setAside === 0) return []
  const rows = `${count(setAside, 'row')} of ${source} ${setAside === 1 ? 'is' : 'are'} set aside`
  return [`  ${rows} ("keyturn status" says where): if this person's is among them, the feed says something newer`]
}

function wordLine({ kind, state, until, reason, operator }: Override, zone: string, said: Identity['state']): string {
  const what = kind === 'freeze' ? 'frozen' : `override to ${state ?? ''}`
  return `  ${what} ${showEnd(until, zone)}, by ${operator}: ${visible(reason)}${kind === 'freeze' ? '' : ` (the sources say: ${said})`}`
}

function spooledLine({ state, madeAt, operator, reason }: NewOverride, zone: string): string {
  const what = `override to ${state ?? ''} of ${showInstant(madeAt, zone)}, by ${operator}: ${visible(reason)}`
  return `  NOT YET in the ledger, waits in the spool beside it: ${what}`
}

function nextLine(next: Explanation['next']): string {
  if (next === null) return '  the clock alone changes nothing'
  return `  changes by the clock at ${showInstant(next.at, next.zone)}: ${visible(next.why)}`
}

function platformLines(one: Explanation['platforms'][number], person: string, zone: string): readonly string[] {
  const { link, desired, grants, obligation, holds, rejectedIn } = one
  const ours = new Set(grants.map((grant) => grant.entitlement))
  return [
    link === null
      ? 'no account is linked'
      : `account ${link.name}  ${link.address}  (${link.how} ${showInstant(link.linkedAt, zone)})`,
    ...unlinkedLines(one),
    ...(one.isShutInSpool === true ? [shutInSpool] : shutLines(one, zone)),
    `should be ${desired.state === 'closed' ? 'shut for now' : desired.state}: ${showReason(desired.reason)}`,
    ...holds.flatMap((hold) => holdLines(hold, person)),
    ...(rejectedIn === undefined ? [] : [`stays open by a person's word: shutting was rejected in hold ${rejectedIn}`]),
    ...(desired.held === null ? [] : [`nothing is changed: ${desired.held}`]),
    ...desired.entitlements.map(
      (entitlement) =>
        `${entitlement.name}  ${showReason(entitlement.reason)}${until(entitlement.until, zone)}${ours.has(entitlement.name) ? '  (granted by Keyturn)' : ''}`,
    ),
    ...leftovers(one),
    ...(obligation === null || obligation.state === 'settled'
      ? []
      : [
          `${obligation.state} since ${showInstant(obligation.admittedAt, zone)}: ${obligation.lastError?.message ?? 'no try is over yet'}`,
        ]),
    ...(obligation === null ? [] : proofLines(obligation)),
  ]
}

const unseenWords: Readonly<Record<NonNullable<Unlinked['unseen']>, string>> = {
  'no-answer': 'could not be looked at: why there is no account cannot be told',
  'needs-whole-plan':
    'whether something stands in the way of an account is told by "keyturn plan", which looks at everybody',
}

function unlinkedLines({ unlinked }: Explanation['platforms'][number]): readonly string[] {
  if (unlinked === undefined) return []
  const { withheld, unseen } = unlinked
  return [
    ...withheld.map(({ why, text }) => `${showWhy(why)}  ${visible(text)}`),
    ...(unseen === null ? [] : [unseenWords[unseen]]),
  ]
}

const shutInSpool = 'shut by Keyturn, which the ledger does not know yet: it waits in the spool beside it'

/** Whether the account that should be shut has been shut: what should be is not what is. */
function shutLines({ link, desired, byHand }: Explanation['platforms'][number], zone: string): readonly string[] {
  if (typeof link?.shutByUs === 'string') return [`shut by Keyturn (${link.shutByUs})`]
  if (link === null || desired.state === 'open') return []
  if (byHand === null || byHand === undefined) return ['Keyturn has not shut it']
  const { record } = byHand
  if (record === null) return ['protected, so Keyturn does not shut it; nobody has recorded that it was shut by hand']
  const why = record.reason === null ? '' : `: ${visible(record.reason.text)}`
  return [`protected; ${record.operator} recorded on ${showInstant(record.at, zone)} that it was shut by hand${why}`]
}

function holdLines({ id, items, text }: Hold, person: string): readonly string[] {
  const waiting = items.filter(({ identity, status }) => identity === person && status === 'open')
  return [
    `${count(waiting.length, 'change')} not done, held in hold ${id}: ${visible(text)}`,
    ...waiting.map(({ summary }) => `  ${visible(summary)}`),
  ]
}

/** What the person still has from us and should not have any more. */
function leftovers({ grants, desired }: Explanation['platforms'][number]): readonly string[] {
  const wanted = new Set(desired.entitlements.map(({ name }) => name))
  return grants
    .filter(({ entitlement }) => !wanted.has(entitlement))
    .map(
      ({ entitlement, reason }) =>
        `${entitlement}  nothing calls for it any more; granted because of ${showReason(reason)}`,
    )
}

function proofLines({ proof }: ObligationStatus): readonly string[] {
  if (proof === null) return []
  const codes = [
    ...(proof.resultCode === undefined ? [] : [`result code ${proof.resultCode}`]),
    ...(proof.dataCode === undefined ? [] : [`data code ${proof.dataCode}`]),
  ]
  return [[`proof: ${proof.grade}`, proof.text, ...codes].join(', ')]
}

function until(instant: number | undefined, zone: string): string {
  return instant === undefined ? '' : `  until ${showInstant(instant, zone)}`
}

/** What happened, and below it what was seen: of a revocation also what it cannot end, and until when that lives. */
function auditLines(record: AuditRecord, zone: string): readonly string[] {
  const why = record.reason === null ? '' : `  ${showReason(record.reason)}`
  const details =
    record.detail === null
      ? []
      : record.detail.split('; ').map((detail) => `    ${localInstants(visible(detail), zone)}`)
  const what = [record.platform ?? '', `${record.action}${valuesOf(record, zone)}`, record.result]
  return [
    `${showMoment(record.at, zone)}  ${what.filter((text) => text !== '').join('  ')}${why}  by ${record.operator}`,
    ...details,
  ]
}

/** What was there before and what is there now; only the one or the other where nothing was replaced. */
function valuesOf({ action, before, after }: AuditRecord, zone: string): string {
  const show = (text: string) => localInstants(visible(text), zone)
  if (action === 'create' && after !== null) return `  ${madeOf(after)}`
  if (before === null) return after === null ? '' : `  ${show(after)}`
  return after === null ? `  ${show(before)}` : `  ${show(before)} → ${show(after)}`
}

/** An account was made: which one and where. Its attributes are in the JSON of the record. */
function madeOf(after: string): string {
  const whole = visible(after)
  try {
    const { name, container } = JSON.parse(after) as Record<string, unknown>
    return typeof name === 'string' && typeof container === 'string' ? visible(`${name} in ${container}`) : whole
  } catch {
    return whole
  }
}

function section(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [heading, ...lines.map((line) => `  ${line}`)].join('\n')
}
