import colours from 'picocolors'
import { changeOrder } from '../model/change.ts'
import type { Change, Plan, Withheld } from '../model/change.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { AuditRecord, Hold, Link, ObligationStatus } from '../model/ledger.ts'
import type { Role } from '../model/running.ts'
import { showChange } from './plan.ts'
import { count, showDuration, visible } from './text.ts'

/** What came of an operator's word, as far as a person wants to read it. */
export interface CarriedWord {
  readonly plan: Plan
  readonly blind: readonly string[]
  readonly holds: readonly Hold[]
  readonly obligations: readonly ObligationStatus[]
  readonly links: readonly Link[]
  readonly forgotten: readonly Link[]
  readonly audit: readonly AuditRecord[]
  readonly since: Instant
  /** Set where an offboarding was taken back. */
  readonly notGivenBack?: Memberships
}

/** Memberships that only a person can give back. */
type Memberships = readonly { readonly platform: string; readonly entitlement: string }[]

/** One block per platform: what was done and after how many milliseconds, the proof, and what could not be ended. */
export function renderCarried(identity: Identity, carried: CarriedWord): string {
  const platforms = new Set([
    ...carried.obligations.map(({ platform }) => platform),
    ...carried.links.map(({ platform }) => platform),
    ...carried.plan.withheld.map(({ change }) => change.platform),
    ...carried.blind,
    ...openByHand(identity.id, carried.plan).map(({ platform }) => platform),
  ])
  const blocks = [...platforms].toSorted().map((platform) => platformBlock(platform, identity.id, carried))
  const nothing = blocks.length === 0 ? ['No account of this person is known on any platform; nothing was to do.'] : []
  return [colours.bold(identity.id), ...nothing, ...blocks].join('\n')
}

/** Protected accounts that a person said to have shut, and that are seen to be open all the same. */
export function openByHand(id: IdentityId, { doneByHand = [] }: Plan): readonly Change[] {
  return doneByHand.filter(({ identity }) => identity === id)
}

/** Accounts that nobody can shut from here; empty where there are none. */
export function renderForgotten({ forgotten }: CarriedWord): string {
  const lines = forgotten.map(({ platform, name, address }) => `  ${platform}  ${visible(name)}  ${visible(address)}`)
  if (lines.length === 0) return ''
  const what = 'NOT looked at, because the configuration has no section for the platform: shut it by hand'
  return [colours.red(`${what}, or put the section back and give this command again.`), ...lines].join('\n')
}

/** The last line: whether the operator may go back to bed. `running`: what the processes of the daemon that run do together. */
export function renderOwed({ obligations, blind }: CarriedWord, running: ReadonlySet<Role>): string {
  const owed = new Set([
    ...obligations.filter(({ state }) => state !== 'settled').map(({ platform }) => platform),
    ...blind,
  ])
  if (owed.size === 0) return ''
  // What could not be looked at must be planned before anybody can work on it.
  const who = whoTriesOn(running, blind.length > 0 ? ['workers', 'intake'] : ['workers'])
  return colours.red(`\nNot done on ${count(owed.size, 'platform')} (${[...owed].toSorted().join(', ')}). ${who}`)
}

function whoTriesOn(running: ReadonlySet<Role>, needed: readonly Role[]): string {
  const lacking = needed.filter((role) => !running.has(role))
  if (lacking.length === 0) return 'The running daemon tries on until it is done; "keyturn status" shows it.'
  if (running.size === 0) return 'No daemon runs, so NOBODY tries on: start "keyturn run", or give this command again.'
  const nobody = lacking.includes('workers') ? 'NOBODY tries on' : 'NOBODY plans what could not be looked at'
  return `No running daemon has the role ${lacking.join(' or ')}, so ${nobody}: start "keyturn run --only ${lacking.join(',')}", or give this command again.`
}

/** Said while the ledger cannot be written: what was done, what was not, and who remembers it. */
export function renderUnwritten(
  { why, isKept }: { readonly why: string; readonly isKept: boolean },
  isDaemonRunning: boolean,
): string {
  const forgotten =
    'Nor could the spool beside it: NOTHING remembers your word. Keep this output, and give this command again when the ledger can be written.'
  const kept = `Your word and what was done are spooled beside it. When it can be written again, ${
    isDaemonRunning ? 'the running daemon' : 'the next "keyturn run" or "keyturn apply" on this machine'
  } takes them over and does the rest.`
  return colours.red(
    `\n${visible(why)}\nOnly accounts were shut, memberships not yet taken. ${isKept ? kept : forgotten}`,
  )
}

/** What a return does not bring back; empty where it brings everything. */
export function renderNotGivenBack(memberships: Memberships): string {
  if (memberships.length === 0) return ''
  const lines = memberships.map(({ platform, entitlement }) => `  ${platform}  ${visible(entitlement)}`)
  return [
    colours.yellow('Not given back, because no role gives it; by hand, where it is still needed:'),
    ...lines,
  ].join('\n')
}

function platformBlock(platform: string, person: IdentityId, carried: CarriedWord): string {
  const mine = (one: { readonly platform: string | null }) => one.platform === platform
  const status = carried.obligations.find(mine)
  const link = carried.links.find(mine)
  const withheld = carried.plan.withheld.filter(({ change }) => change.platform === platform)
  const open = openByHand(person, carried.plan).filter(mine)
  const done = carried.audit.filter(mine).flatMap((record) => auditLine(record, carried.since))
  const isQuiet = done.length === 0 && withheld.length === 0 && open.length === 0 && !carried.blind.includes(platform)
  return [
    colours.bold(platform) + (link === undefined ? '' : `  ${visible(link.name)}`),
    ...done,
    ...new Set(withheld.map((one) => withheldLine(one, person, carried.holds))),
    ...open.map(({ account }) =>
      colours.red(
        `protected: ${visible(account)} is STILL OPEN, as seen just now, whatever was recorded: shut it there`,
      ),
    ),
    ...(carried.blind.includes(platform) ? [colours.red(blindWords(carried))] : []),
    ...(isQuiet && status?.state !== 'owed' ? unchangedLines(link, status) : []),
    ...(status === undefined || isQuiet || isOlder(status, carried, done) ? [] : statusLines(status)),
    ...(isQuiet && status?.state === 'owed' ? statusLines(status) : []),
  ].join('\n  ')
}

/** With the number of the hold, and for this person only: who copies the command releases nobody else with it. */
function withheldLine({ change, text, why }: Withheld, person: IdentityId, holds: readonly Hold[]): string {
  const hold = holds.find((one) => one.platform === change.platform && one.why === why)
  const said =
    hold === undefined
      ? text
      : text
          .replaceAll('holds show ID', `holds show ${hold.id}`)
          .replaceAll('holds approve ID', `holds approve ${hold.id} --person ${person}`)
  return colours.red(`withheld: ${showChange(change)}: ${visible(said)}`)
}

/** An undo opens nothing that it has not seen. */
function blindWords({ notGivenBack }: CarriedWord): string {
  return notGivenBack === undefined
    ? 'could not be looked at; the account that is known here is owed and is tried until it is shut'
    : 'could not be looked at: what comes back here is worked out when it can'
}

/** Settled is what was owed before: of a platform that was not looked at, or where all is withheld, that says nothing. */
function isOlder({ platform, state }: ObligationStatus, { blind }: CarriedWord, done: readonly string[]): boolean {
  return state === 'settled' && (blind.includes(platform) || done.length === 0)
}

function unchangedLines(link: Link | undefined, status: ObligationStatus | undefined): readonly string[] {
  if (link?.shutByUs !== 'leaver') return ['nothing was to do']
  const proof = status?.proof ?? null
  return [`was shut already${proof === null ? '' : `; its proof: ${proof.grade}, ${proof.text}`}`]
}

const changes = new Set<string>(changeOrder)

function auditLine({ action, before, after, result, detail, at }: AuditRecord, since: Instant): readonly string[] {
  const when = colours.dim(`after ${showDuration(at - since)}`)
  if (action === 'step') return [`${after ?? ''}  ${when}${detail === null ? '' : `  ${detail}`}`]
  if (action === 'proof') {
    const grade = result === 'refused' ? colours.green(`proof: ${result}`) : colours.yellow(`proof: ${result}`)
    return [`${grade}  ${when}  ${detail ?? ''}`]
  }
  if (!changes.has(action) || action === 'create') return []
  return [`${action}${what(action, before, after)}: ${result}  ${when}`, ...detailLines(action, detail)]
}

function what(action: string, before: string | null, after: string | null): string {
  if (action === 'move' || action === 'grant') return ` ${visible(after ?? '')}`
  return action === 'revoke' ? ` ${visible(before ?? '')}` : ''
}

/** Of a disabling: what it cannot end, and until when that lives; of the others: why they did not succeed. */
function detailLines(action: string, detail: string | null): readonly string[] {
  const lines =
    detail === null
      ? []
      : detail
          .split('; ')
          .map((line) => colours.yellow(`  ${visible(line.replace('not ended by this:', 'residual access:'))}`))
  return action === 'disable' && detail === null ? ['  residual access: none known'] : lines
}

function statusLines({ state, lastError, proof, lane }: ObligationStatus): readonly string[] {
  if (state === 'settled') {
    return proof === null && lane === 'revoke' ? [colours.yellow('settled, without a proof')] : ['settled']
  }
  if (state === 'failed') return [colours.red(`given up: ${lastError?.message ?? 'for a reason that nobody recorded'}`)]
  return [colours.red(`still ${state}: ${lastError?.message ?? 'no try is over yet'}`)]
}
