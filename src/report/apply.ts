import colours from 'picocolors'
import type { Change, Plan } from '../model/change.ts'
import type { Proof } from '../model/connector.ts'
import type { AdmissionResult, ChangeResult, Hold, ObligationStatus } from '../model/ledger.ts'
import { showChange } from './plan.ts'
import { count, showDuration, showInstant, table } from './text.ts'

/** What an apply did, as far as a person wants to read it. */
export interface Applied {
  readonly plan: Plan
  /** Platforms that could not be read: nothing was planned there. */
  readonly unread: readonly unknown[]
  readonly admission: AdmissionResult
  readonly obligations: readonly ObligationStatus[]
  readonly settled: readonly {
    readonly identity: string
    readonly platform: string
    readonly results: readonly ChangeResult[]
    readonly proof: Proof | null
    /** Something was no longer needed as it had been admitted. */
    readonly moved: boolean
  }[]
}

export interface ApplyRendering {
  /** How many lines of one section are shown. */
  readonly most: number
  /** ms */
  readonly took: number
  /** Zone in which moments are shown. */
  readonly zone: string
}

/** Totals first, then leavers with their proofs, then everything that is not done and what to do about it. */
export function renderApply(applied: Applied, options: ApplyRendering): string {
  return [
    renderTotals(applied, options.took),
    renderLeavers(applied, options.most),
    renderUnfinished(applied, options),
    renderMoved(applied),
    renderHolds(applied.admission.holds),
  ]
    .filter((section) => section !== '')
    .join('\n\n')
}

function openItems(hold: Hold): number {
  return hold.items.filter((item) => item.status === 'open').length
}

function renderTotals(applied: Applied, took: number): string {
  const linked = applied.plan.changes.filter((change) => change.kind === 'link').length
  if (applied.obligations.length === 0 && linked > 0) {
    return `${count(linked, 'account')} linked; nothing else was to do. (${showDuration(took)})`
  }
  if (applied.obligations.length === 0) {
    const where = applied.unread.length === 0 ? '' : ' on what could be read'
    const withheld = applied.plan.withheld.length
    const what =
      withheld === 0 ? `Nothing was to do${where}` : `Nothing was done: ${count(withheld, 'change')} withheld`
    return `${what}. (${showDuration(took)})`
  }
  const rows = Object.keys(applied.plan.situations).map((platform) => {
    const own = applied.obligations.filter((one) => one.platform === platform)
    const results = applied.settled.filter((one) => one.platform === platform).flatMap((one) => one.results)
    const changed = results.filter((result) => result.status === 'done').length
    const withheld = applied.plan.withheld.filter((one) => one.change.platform === platform).length
    const inState = (state: ObligationStatus['state']) => own.filter((one) => one.state === state).length
    return [platform, inState('settled'), changed, inState('owed'), inState('waiting'), inState('failed'), withheld]
  })
  const heading = ['platform', 'accounts done', 'changes made', 'owed', 'waiting', 'failed', 'withheld']
  return `${table(heading, rows)}\n${colours.dim(`took ${showDuration(took)}`)}`
}

function renderLeavers(applied: Applied, most: number): string {
  const proofs = applied.settled.flatMap((one) => (one.proof === null ? [] : [{ ...one, proof: one.proof }]))
  if (proofs.length === 0) return ''
  const rows = proofs.slice(0, most).map(({ identity, platform, results, proof }) => {
    const account = results[0]?.change.account ?? ''
    const grade = proof.grade === 'not-proven' ? colours.red(proof.grade) : colours.green(proof.grade)
    return [account, identity, platform, grade, proof.text]
  })
  const more = proofs.length > most ? `\n${colours.dim(`… and ${proofs.length - most} more (--all shows them)`)}` : ''
  return `${colours.bold('Shut')}\n${table(['account', 'person', 'platform', 'proof', 'what was seen'], rows)}${more}`
}

function renderUnfinished(applied: Applied, { most, zone }: ApplyRendering): string {
  const open = applied.obligations.filter((one) => one.state !== 'settled')
  if (open.length === 0) return ''
  const changes = new Map<string, Change[]>()
  for (const one of applied.settled) {
    const bad = one.results.filter((result) => result.status !== 'done' && result.status !== 'already')
    changes.set(
      `${one.platform}\n${one.identity}`,
      bad.map((result) => result.change),
    )
  }
  const lines = open.slice(0, most).map((one) => {
    const own = changes.get(`${one.platform}\n${one.identity}`) ?? []
    const next = one.nextTryAt === null ? '' : `  next try ${showInstant(one.nextTryAt, zone)}`
    const what = own.map(showChange).join('  ')
    return `  ${colours.red(one.state)}  ${one.platform}  ${own[0]?.account ?? ''}  ${colours.dim(one.identity)}  ${what}  ${one.lastError?.message ?? ''}${next}`
  })
  const more = open.length > most ? [colours.dim(`  … and ${open.length - most} more (--all shows them)`)] : []
  const advice = '  What is owed is tried again by the next "keyturn apply"; a revocation is never given up.'
  return [colours.bold('Not done'), ...lines, ...more, advice].join('\n')
}

function renderMoved(applied: Applied): string {
  const moved = applied.settled.filter((one) => one.moved).length
  if (moved === 0) return ''
  return `${count(moved, 'account')} changed while this ran, so that what was planned no longer fitted. Run "keyturn apply" again.`
}

function renderHolds(holds: readonly Hold[]): string {
  if (holds.length === 0) return ''
  const lines = holds.map((hold) => `  ${hold.id}  ${hold.platform}  ${count(openItems(hold), 'change')}  ${hold.text}`)
  const advice = '  Look with "keyturn holds show ID", release with "keyturn holds approve ID --reason TEXT".'
  return [colours.bold('Held until a person decides'), ...lines, advice].join('\n')
}
