// What an operator's word does at once: without the queue, without a daemon, by the same protocol, claims and audit.
import { setTimeout as sleep } from 'node:timers/promises'
import type { SettledObligation } from '../apply/ports.ts'
import type { Plan } from '../model/change.ts'
import { KeyturnError } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import { MINUTE, SECOND } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { AuditRecord, ObligationPointer, ObligationStatus } from '../model/ledger.ts'
import type { NewOverride, Override } from '../model/running.ts'
import { overruled } from '../policy/override.ts'
import { admissionOf } from './admitting.ts'
import { keyOf } from './board.ts'
import { planConcerned } from './concerned.ts'
import type { Keyturn } from './context.ts'
import { overlaid } from './people.ts'
import { openSettling } from './settling.ts'
import type { Settling } from './settling.ts'

export interface Word {
  readonly reason: string
  /** null: until somebody ends it. */
  readonly until: Instant | null
}

/** What came of an operator's word on the platforms. */
export interface Carried {
  readonly plan: Plan
  /** Platforms that did not answer: what is known to be open there is owed. */
  readonly blind: readonly string[]
  readonly settled: readonly SettledObligation[]
  readonly obligations: readonly ObligationStatus[]
  /** Every step and proof, in the order in which they happened. */
  readonly audit: readonly AuditRecord[]
  readonly since: Instant
}

/** How long an operator is kept waiting before what is left is shown as owed, ms. */
const patience = MINUTE
const answerAtMost = 2 * SECOND
const mostAudit = 500

/**
 * Shuts everything that this person has, past every limit. Throws KeyturnError `rate-limited` where this operator has done it
 * too often lately; then nothing was written.
 */
export async function offboard(
  keyturn: Keyturn,
  identity: Identity,
  { reason, until }: Word,
  signal: AbortSignal,
): Promise<Carried> {
  await refuseIfTooMany(keyturn)
  const since = keyturn.clock()
  const override = wordOf(keyturn, identity, { kind: 'state', state: 'left', emergency: true, reason, until })
  await keyturn.ledger.override(override, keyturn.correlation)
  return carryOut(keyturn, identity, since, signal)
}

/** What taking an offboarding back would do. Writes nothing. */
export async function previewUndo(
  keyturn: Keyturn,
  identity: Identity,
  word: Word,
  signal: AbortSignal,
): Promise<{ readonly plan: Plan; readonly blind: readonly string[] }> {
  await refuseIfNotOffboarded(keyturn, identity)
  const made = wordOf(keyturn, identity, { kind: 'state', state: 'active', emergency: false, ...word })
  const preview: Override = { ...made, id: 0, endedAt: null }
  const { planned, blind } = await planConcerned(keyturn, [overruled(identity, [preview], keyturn.clock())], { signal })
  return { plan: planned.plan, blind }
}

/** Takes an offboarding back: an override to `active` stands above the sources' old word until its end. */
export async function undo(keyturn: Keyturn, identity: Identity, word: Word, signal: AbortSignal): Promise<Carried> {
  await refuseIfNotOffboarded(keyturn, identity)
  const since = keyturn.clock()
  const override = wordOf(keyturn, identity, { kind: 'state', state: 'active', emergency: false, ...word })
  await keyturn.ledger.override(override, keyturn.correlation)
  return carryOut(keyturn, identity, since, signal)
}

export function wordOf(
  { clock, operator }: Keyturn,
  { id: identity }: Identity,
  word: Pick<NewOverride, 'kind' | 'state' | 'emergency' | 'reason' | 'until'>,
): NewOverride {
  return { ...word, identity, operator, madeAt: clock() }
}

async function refuseIfTooMany({ ledger, settings, operator, clock }: Keyturn): Promise<void> {
  const { most, within } = settings.daemon.offboards
  const made = await ledger.emergenciesBy(operator, clock() - within)
  if (made < most) return
  throw new KeyturnError(
    'rate-limited',
    `${operator} has offboarded ${made} people within ${within / MINUTE} minutes; daemon.offboards allows ${most}. Nothing was done.`,
    { hint: 'Another operator may go on; for many leavers let HR say so in the feed, or raise daemon.offboards.most.' },
  )
}

async function refuseIfNotOffboarded({ ledger, clock }: Keyturn, { id }: Identity): Promise<void> {
  const standing = await ledger.overrides(clock(), [id])
  if (standing.some(({ kind, state }) => kind === 'state' && state === 'left')) return
  throw new KeyturnError('usage', `nobody has offboarded ${id}: there is nothing to take back`, {
    hint: '"keyturn override PERSON --state active" puts an operator\'s word above what HR says.',
  })
}

async function carryOut(keyturn: Keyturn, identity: Identity, since: Instant, signal: AbortSignal): Promise<Carried> {
  const people = await overlaid(keyturn, await keyturn.ledger.identitiesById([identity.id]))
  const marks = await keyturn.ledger.markedOf([identity.id])
  await using settling = openSettling(keyturn, ['revoke', 'change'], signal)
  const { planned, blind } = await planConcerned(keyturn, people, { signal, patience: answerAtMost })
  const done = blind.length === 0 && (planned.plan.undecided ?? []).length === 0
  const looked = { upTo: marks.at(-1)?.id ?? 0, people: done ? [identity.id] : [] }
  const { pointers } = await keyturn.ledger.admit(await admissionOf(keyturn, planned, marks, looked))
  const owed = await openOf(keyturn, identity, pointers)
  const settled = await settleAll(keyturn, settling, owed, signal)
  const audit = await keyturn.ledger.auditOf(identity.id, mostAudit)
  return {
    plan: planned.plan,
    blind,
    settled,
    obligations: await keyturn.ledger.obligationsOf(owed),
    audit: audit.filter(({ at }) => at >= since).toReversed(),
    since,
  }
}

/** Also what was owed before: the queue may be down, and the operator waits here. */
async function openOf(
  { ledger, connectors }: Keyturn,
  { id }: Identity,
  pointers: readonly ObligationPointer[],
): Promise<readonly ObligationPointer[]> {
  const open = await ledger.obligations({ identity: id, open: true })
  const all = [...pointers, ...open].filter(({ platform }) => connectors.has(platform))
  return [...new Map(all.map(({ identity, platform, lane }) => [platform, { identity, platform, lane }])).values()]
}

/** Each platform for itself, until it is settled, given up, or patience ends. Another worker may be faster: then it is its. */
async function settleAll(
  keyturn: Keyturn,
  settling: Settling,
  pointers: readonly ObligationPointer[],
  signal: AbortSignal,
): Promise<readonly SettledObligation[]> {
  const deadline = performance.now() + patience
  const results = new Map<string, SettledObligation>()
  await Promise.all(
    pointers.map(async (pointer) => {
      while (!signal.aborted && performance.now() < deadline) {
        const [status] = await keyturn.ledger.obligationsOf([pointer])
        if (status === undefined || status.state === 'settled' || status.state === 'failed') return
        const { obligations } = await settling.settle([{ ...pointer, lane: status.lane }], status.lane)
        for (const one of obligations) results.set(keyOf(one), together(results.get(keyOf(one)), one))
        await sleep(obligations.length === 0 ? 50 : 0)
      }
    }),
  )
  return [...results.values()]
}

function together(before: SettledObligation | undefined, now: SettledObligation): SettledObligation {
  if (before === undefined) return now
  const done = before.results.filter(({ status }) => status === 'done')
  return { ...now, results: [...done, ...now.results], proof: now.proof ?? before.proof }
}
