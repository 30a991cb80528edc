import { setTimeout as sleep } from 'node:timers/promises'
import type { SettledObligation } from '../apply/ports.ts'
import type { Plan } from '../model/change.ts'
import { KeyturnError } from '../model/errors.ts'
import { MINUTE, SECOND } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { AdmissionResult, ObligationPointer, ObligationStatus } from '../model/ledger.ts'
import { admissionOf } from './admitting.ts'
import type { Answered } from './admitting.ts'
import { keyOf, openBoard } from './board.ts'
import type { Board, Progress } from './board.ts'
import type { Keyturn } from './context.ts'
import { openRedisOf, openWork } from './lanes.ts'
import type { People } from './people.ts'
import type { Planning } from './planning.ts'
import { openSettling } from './settling.ts'

/** How long nothing may move before what is left is reported as owed. */
const patience = MINUTE

const both = ['revoke', 'change'] as const

export interface ApplyOptions {
  readonly signal: AbortSignal
  readonly onStage?: (stage: 'admit' | 'work') => void
  readonly onProgress?: (progress: Progress) => void
}

export interface ApplyReport extends Planning {
  readonly admission: AdmissionResult
  /** How every obligation stands at the end. */
  readonly obligations: readonly ObligationStatus[]
  /** What the workers of this process did: all that was done, and the last word on what was not. */
  readonly settled: readonly SettledObligation[]
  readonly endedAt: Instant
}

/** Other processes may accept reads of the same feeds meanwhile, a daemon for example: then all is looked at once more. */
const mostAttempts = 5

/** Tries again, from the reading of the feeds on, when another process was faster. Throws what the last attempt throws. */
export async function untilNotOvertaken<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = mostAttempts; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left === 1 || !(error instanceof KeyturnError) || error.code !== 'read-overtaken') throw error
    }
  }
}

/** Is this the plan that was reviewed? A hash may be shortened to twelve digits. */
export function isReviewed(plan: Plan, hash: string): boolean {
  return hash.length >= 12 && plan.id.startsWith(hash)
}

/**
 * Stores the people, admits the plan, and works until all is settled, failed for good or withheld. Asked to stop before
 * that, it throws; asked to stop in the middle, it ends what is being written and reports the rest as owed.
 */
export async function applyPlanning(keyturn: Keyturn, planning: Planning, options: ApplyOptions): Promise<ApplyReport> {
  options.signal.throwIfAborted()
  options.onStage?.('admit')
  await storePeople(keyturn, planning.people)
  const planned = { ...planning, identities: planning.people.identities }
  const looked = await answered(keyturn, planning)
  const admission = await keyturn.ledger.admit(await admissionOf(keyturn, planned, planning.marks, looked))
  const pointers = inWorkingOrder(await everythingOwed(keyturn, admission), planning.plan)
  options.onStage?.('work')
  const settled = pointers.length === 0 ? [] : await work(keyturn, pointers, options)
  const obligations = await keyturn.ledger.obligationsOf(pointers)
  return { ...planning, admission, obligations, settled, endedAt: keyturn.clock() }
}

async function storePeople(keyturn: Keyturn, people: People): Promise<void> {
  for (const intake of people.intakes) await keyturn.ledger.saveIntake(intake, keyturn.correlation)
}

/**
 * Whoever was marked before this plan was made has been looked at, and whoever its own reads marked, up to the first mark
 * of somebody else; nobody, where a platform could not be read.
 */
async function answered({ ledger, correlation }: Keyturn, { marks, unread }: Planning): Promise<Answered | undefined> {
  if (unread.length > 0) return undefined
  const before = marks.at(-1)?.id ?? 0
  const later = (await ledger.marked(Number.MAX_SAFE_INTEGER)).filter(({ id }) => id > before)
  const foreign = later.findIndex((mark) => mark.correlation !== correlation)
  const upTo = (foreign === -1 ? later : later.slice(0, foreign)).at(-1)?.id ?? before
  return upTo === 0 ? undefined : { upTo, people: null }
}

/** What this plan admitted, and what earlier runs left owed (a killed one, a platform that was down). */
async function everythingOwed(keyturn: Keyturn, admission: AdmissionResult): Promise<readonly ObligationPointer[]> {
  const open = await keyturn.ledger.obligations({ open: true })
  const all = [...admission.pointers, ...open.filter((one) => one.state === 'owed')]
  const configured = all.filter((pointer) => keyturn.connectors.has(pointer.platform))
  return [...new Map(configured.map((pointer) => [keyOf(pointer), pointer])).values()]
}

/** Revocations first; then people who get the same entitlements together, so that one chunk writes few groups. */
function inWorkingOrder(pointers: readonly ObligationPointer[], plan: Plan): readonly ObligationPointer[] {
  const granted = new Map<string, string>()
  for (const change of plan.changes) {
    if (change.kind === 'grant') granted.set(keyOf(change), `${granted.get(keyOf(change)) ?? ''} ${change.entitlement}`)
  }
  const rank = (pointer: ObligationPointer) =>
    `${pointer.lane === 'revoke' ? 0 : 1}\n${pointer.platform}\n${granted.get(keyOf(pointer)) ?? ''}`
  const ranked = pointers.map((pointer) => ({ pointer, rank: rank(pointer) }))
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
  return ranked.map(({ pointer }) => pointer)
}

async function work(
  keyturn: Keyturn,
  pointers: readonly ObligationPointer[],
  options: ApplyOptions,
): Promise<readonly SettledObligation[]> {
  const board = openBoard(pointers, keyturn.clock)
  const onSettled = (settled: readonly SettledObligation[]) => {
    board.note(settled)
    options.onProgress?.(board.progress())
  }
  {
    await using settling = openSettling(keyturn, both, options.signal)
    await using redis = await openRedisOf(keyturn)
    await using lanes = await openWork(keyturn, { lanes: both, redis, settling, onSettled })
    await lanes.add(pointers)
    await drive(keyturn, board, options)
  }
  // Only now: while the lanes were closed, what was being written came to its end.
  return board.settled()
}

/** Waits until nothing is left to do, nothing has moved for as long as patience lasts, or somebody asks to stop. */
async function drive(keyturn: Keyturn, board: Board, options: ApplyOptions): Promise<void> {
  let looked = keyturn.clock()
  while (!board.empty() && !options.signal.aborted && keyturn.clock() - board.movedAt() < patience) {
    await sleep(25)
    // While our own workers get on, there is nothing to learn from the ledger.
    if (!board.stuck() && keyturn.clock() - Math.max(looked, board.movedAt()) < SECOND) continue
    // Another process may have settled some of ours, and a settled account may have woken those who waited for it.
    board.learn(await keyturn.ledger.obligationsOf(board.remaining()))
    if (board.stuck()) break
    options.onProgress?.(board.progress())
    looked = keyturn.clock()
  }
}
