// Carrying an operator's word out at once: the plan for this one person, its admission, and the work itself, by the same
// protocol, claims and audit as the daemon's. Another process that is faster takes nothing away: what it did is shown.
import { setTimeout as sleep } from 'node:timers/promises'
import type { SettledObligation } from '../apply/ports.ts'
import type { Plan } from '../model/change.ts'
import { KeyturnError } from '../model/errors.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import { SECOND } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { AuditRecord, Hold, Link, ObligationPointer, ObligationStatus } from '../model/ledger.ts'
import { admissionOf } from './admitting.ts'
import { keyOf, together } from './board.ts'
import { planConcerned } from './concerned.ts'
import type { Keyturn } from './context.ts'
import { overlaid } from './people.ts'
import { sayingOnce } from './say-once.ts'
import { openSettling } from './settling.ts'
import type { Settling } from './settling.ts'

/** What came of an operator's word on the platforms. */
export interface Carried {
  readonly plan: Plan
  /** Platforms that did not answer: what is known to be open there is owed. */
  readonly blind: readonly string[]
  readonly settled: readonly SettledObligation[]
  /** The open holds in which something of this person waits. */
  readonly holds: readonly Hold[]
  /** Of every platform where something was to do, is owed, or an account is linked. */
  readonly obligations: readonly ObligationStatus[]
  /** The accounts that are known as this person's, as they are now. */
  readonly links: readonly Link[]
  /** Those of platforms that the configuration has no section for: nothing was done there. */
  readonly forgotten: readonly Link[]
  /** Every step and proof since then, whoever did it, in the order in which they happened. */
  readonly audit: readonly AuditRecord[]
  readonly since: Instant
  /** The ledger could not be written: accounts are shut all the same, and nothing else is done. */
  readonly unwritten?: Unwritten
}

export interface Unwritten {
  readonly why: string
  /** The word and what was done are in the spool; false: nothing remembers them. */
  readonly isKept: boolean
}

export interface Waiting {
  /** Aborted: no longer waited for. What is admitted by then stays owed. */
  readonly signal: AbortSignal
  /** How long it is waited for what does not succeed, ms. */
  readonly patience: number
  /** Something did not succeed and is tried on. */
  readonly onTrouble?: (status: ObligationStatus) => void
}

const answerAtMost = 2 * SECOND
const mostAudit = 500
/** Somebody who changes at every moment is left to the daemon after so many plans. */
const mostPlans = 5
const lookEvery = 50

/**
 * Plans this person on every platform, admits, and works until everything is settled or `patience` ends. What the ledger
 * was told before is never given up: whatever is left stays marked or owed.
 */
export async function carryOut(keyturn: Keyturn, { id }: Identity, since: Instant, waiting: Waiting): Promise<Carried> {
  // Ctrl-C ends the waiting. Until the word is work in the ledger it ends nothing: that takes two seconds at most.
  const logger = sayingOnce(keyturn.logger)
  await using settling = openSettling({ ...keyturn, logger }, ['revoke', 'change'], waiting.signal)
  const { plan, blind, pointers, holds } = await planAndAdmit(keyturn, id, since)
  const settled = await settleAll(keyturn, settling, await openOf(keyturn, id, pointers), waiting)
  const recorded = (await keyturn.ledger.auditOf(id, mostAudit)).filter(({ at }) => at >= since)
  const audit = recorded.toReversed().toSorted((a, b) => a.at - b.at)
  const touched = new Set([...pointers, ...audit].map(({ platform }) => platform))
  const { links, forgotten } = await linksOf(keyturn, id)
  for (const { platform } of links) touched.add(platform)
  const known = await keyturn.ledger.obligations({ identity: id })
  const obligations = known.filter(({ platform, state }) => touched.has(platform) || state !== 'settled')
  return { plan, blind, settled, holds, obligations, links, forgotten, audit, since }
}

/** Whose accounts can be shut here, and whose cannot, although nobody has given their platform up. */
export async function linksOf(
  { ledger, connectors, settings }: Keyturn,
  id: IdentityId,
): Promise<Pick<Carried, 'links' | 'forgotten'>> {
  const links = await ledger.linksOf(id)
  return {
    links: links.filter(({ platform }) => connectors.has(platform)),
    forgotten: links.filter(
      ({ platform }) => !connectors.has(platform) && !settings.retired.platforms.includes(platform),
    ),
  }
}

interface Admitted {
  readonly plan: Plan
  readonly blind: readonly string[]
  readonly holds: readonly Hold[]
  readonly pointers: readonly ObligationPointer[]
}

/** The feed or another operator may say something new meanwhile: then it is planned again. */
async function planAndAdmit(keyturn: Keyturn, id: IdentityId, since: Instant): Promise<Admitted> {
  const { signal } = new AbortController()
  for (let plans = 0; plans < mostPlans; plans++) {
    const marks = await keyturn.ledger.markedOf([id])
    const people = await overlaid(keyturn, await keyturn.ledger.identitiesById([id]))
    const { planned, blind } = await planConcerned(keyturn, people, { signal, patience: answerAtMost })
    const done = blind.length === 0 && (planned.plan.undecided ?? []).length === 0
    const looked = { upTo: marks.at(-1)?.id ?? 0, people: done ? [id] : [] }
    // An older mark of another cause would make this revocation look as if it had waited since then.
    const own = marks.filter(({ since: noticedAt }) => noticedAt >= since)
    const admission = await admissionOf(keyturn, planned, own, looked)
    const { pointers, holds, stale = [] } = await keyturn.ledger.admit(admission)
    if (stale.includes(id)) continue
    return { plan: planned.plan, blind, pointers, holds: holds.filter(({ items }) => items.some(isWaiting(id))) }
  }
  throw new KeyturnError(
    'ledger-busy',
    `${id} changes again and again: your word is written, but not carried out yet`,
    {
      hint: 'A running daemon carries it out, and so does the same command once more.',
    },
  )
}

function isWaiting(id: IdentityId) {
  return ({ identity, status }: Hold['items'][number]) => identity === id && status === 'open'
}

/** Also what was owed before: the queue may be down, and the operator waits here. */
async function openOf(
  { ledger, connectors }: Keyturn,
  id: IdentityId,
  pointers: readonly ObligationPointer[],
): Promise<readonly ObligationPointer[]> {
  const open = await ledger.obligations({ identity: id, open: true })
  const all = [...pointers, ...open].filter(({ platform }) => connectors.has(platform))
  return [...new Map(all.map(({ identity, platform, lane }) => [platform, { identity, platform, lane }])).values()]
}

/**
 * Each platform for itself, until all are settled or given up, or patience ends. Another worker may be faster: then it is its.
 * Another planner may owe once more what is shut, from a look before it was: as long as anything is waited for, that is done, too.
 */
async function settleAll(
  keyturn: Keyturn,
  settling: Settling,
  pointers: readonly ObligationPointer[],
  { signal, patience, onTrouble }: Waiting,
): Promise<readonly SettledObligation[]> {
  const deadline = performance.now() + patience
  const results = new Map<string, SettledObligation>()
  const unfinished = new Set(pointers)
  const told = new Set<ObligationPointer>()
  const tryOnce = async (pointer: ObligationPointer): Promise<readonly SettledObligation[]> => {
    const [status] = await keyturn.ledger.obligationsOf([pointer])
    if (status === undefined || isOver(status)) {
      unfinished.delete(pointer)
      return []
    }
    unfinished.add(pointer)
    if (status.lastError !== null && !told.has(pointer)) {
      told.add(pointer)
      onTrouble?.(status)
    }
    return (await settling.settle([{ ...pointer, lane: status.lane }], status.lane)).obligations
  }
  await Promise.all(
    pointers.map(async (pointer) => {
      while (unfinished.size > 0 && !signal.aborted && performance.now() < deadline) {
        const settled = await tryOnce(pointer)
        for (const one of settled) results.set(keyOf(one), together(results.get(keyOf(one)), one))
        if (settled.length > 0 || unfinished.size === 0) continue
        await sleep(lookEvery, undefined, { signal }).catch(() => undefined)
      }
    }),
  )
  return [...results.values()]
}

/** Settled, given up, or waiting for somebody else's account, which nobody makes here. */
function isOver({ state }: ObligationStatus): boolean {
  return state !== 'owed'
}
