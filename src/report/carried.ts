import colours from 'picocolors'
import type { Change, Plan } from '../model/change.ts'
import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { AuditRecord, ChangeResult, ObligationStatus } from '../model/ledger.ts'
import { showChange } from './plan.ts'
import { showDuration, showInstant } from './text.ts'

/** What came of an operator's word, as far as a person wants to read it. */
export interface CarriedWord {
  readonly plan: Plan
  readonly blind: readonly string[]
  readonly settled: readonly { readonly platform: string; readonly results: readonly ChangeResult[] }[]
  readonly obligations: readonly ObligationStatus[]
  readonly audit: readonly AuditRecord[]
  readonly since: Instant
}

/** One block per platform: what was done and after how many milliseconds, the proof, and what could not be ended. */
export function renderCarried(identity: Identity, carried: CarriedWord, { zone }: { readonly zone: string }): string {
  const platforms = new Set([
    ...carried.obligations.map(({ platform }) => platform),
    ...carried.plan.withheld.map(({ change }) => change.platform),
    ...carried.blind,
  ])
  const blocks = [...platforms].toSorted().map((platform) => platformBlock(platform, carried, zone))
  const nothing = blocks.length === 0 ? ['No account of this person is known on any platform; nothing was to do.'] : []
  return [colours.bold(identity.id), ...nothing, ...blocks].join('\n')
}

function platformBlock(platform: string, carried: CarriedWord, zone: string): string {
  const mine = (one: { readonly platform: string | null }) => one.platform === platform
  const status = carried.obligations.find(mine)
  const withheld = carried.plan.withheld.filter(({ change }) => change.platform === platform)
  return [
    colours.bold(platform),
    ...carried.audit.filter(mine).flatMap((record) => auditLine(record, carried.since)),
    ...residualLines(carried.settled.filter(mine), zone),
    ...withheld.map(({ change, text }) => colours.red(`withheld: ${showChange(change)}: ${text}`)),
    ...(carried.blind.includes(platform)
      ? [colours.red('did not answer: what is known to be open here is owed and is tried until it is shut')]
      : []),
    ...(status === undefined ? [] : statusLines(status)),
  ].join('\n  ')
}

const done = new Set([
  'step',
  'proof',
  ...(['disable', 'enable', 'grant', 'revoke', 'move'] satisfies Change['kind'][]),
])

function auditLine(record: AuditRecord, since: Instant): readonly string[] {
  const { action, after, result, detail, at } = record
  const when = colours.dim(`after ${showDuration(at - since)}`)
  if (action === 'step') return [`${after ?? ''}  ${when}${detail === null ? '' : `  ${detail}`}`]
  if (action === 'proof') {
    const grade = result === 'refused' ? colours.green(`proof: ${result}`) : colours.yellow(`proof: ${result}`)
    return [`${grade}  ${when}  ${detail ?? ''}`]
  }
  if (!done.has(action) && action !== 'issue-credential') return []
  return [`${action}${after === null ? '' : ` ${after}`}: ${result}  ${when}`]
}

function residualLines(settled: CarriedWord['settled'], zone: string): readonly string[] {
  const results = settled.flatMap((one) => one.results)
  if (!results.some(({ change }) => change.kind === 'disable')) return []
  const residual = results.flatMap(({ outcome }) => outcome?.residual ?? [])
  if (residual.length === 0) return ['residual access: none known']
  return residual.map(({ what, until }) => {
    const end = until === null ? 'with no known end' : `until ${showInstant(until, zone)}`
    return colours.yellow(`residual access: ${what} ${end}`)
  })
}

function statusLines({ state, lastError, proof, lane }: ObligationStatus): readonly string[] {
  if (state === 'settled') {
    return proof === null && lane === 'revoke' ? [colours.yellow('settled, without a proof')] : ['settled']
  }
  return [colours.red(`${state}: ${lastError?.message ?? 'not done yet'}. It is tried on until it is done.`)]
}
