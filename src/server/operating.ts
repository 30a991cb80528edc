// What an operator's word does at once: without the queue, without a daemon.
import type { Plan } from '../model/change.ts'
import { KeyturnError } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import { MINUTE } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { NewOverride, Override } from '../model/running.ts'
import { notGivenBack } from '../plan/index.ts'
import { overruled } from '../policy/override.ts'
import { carryOut } from './carrying.ts'
import type { Carried, Waiting } from './carrying.ts'
import { planConcerned } from './concerned.ts'
import type { Keyturn } from './context.ts'
import { orWithoutLedger } from './emergency.ts'

export interface Word {
  readonly reason: string
  /** null: until somebody ends it. */
  readonly until: Instant | null
}

/** Memberships that an offboarding took and that no role gives: only a person can give them back. */
export type NotGivenBack = ReturnType<typeof notGivenBack>

const mostAudit = 1_000

/**
 * Shuts everything that this person has, past every limit. Throws KeyturnError `rate-limited` where this operator has done it
 * too often lately; then nothing was written.
 */
export async function offboard(
  keyturn: Keyturn,
  identity: Identity,
  { reason, until }: Word,
  waiting: Waiting,
): Promise<Carried> {
  await refuseIfTooMany(keyturn, identity)
  refuseIfStopped(waiting.signal, `${identity.id} is NOT offboarded`)
  const since = keyturn.clock()
  const override = wordOf(keyturn, identity, { kind: 'state', state: 'left', emergency: true, reason, until })
  return orWithoutLedger(keyturn, identity, override, waiting, async (inTime) => {
    await inTime(keyturn.ledger.override(override, keyturn.correlation))
    return carryOut(keyturn, identity, since, waiting)
  })
}

export interface UndoPreview {
  readonly plan: Plan
  readonly blind: readonly string[]
  readonly freezes: readonly Override[]
  readonly notGivenBack: NotGivenBack
}

/** What taking an offboarding back would do. Writes nothing. */
export async function previewUndo(
  keyturn: Keyturn,
  identity: Identity,
  word: Word,
  signal: AbortSignal,
): Promise<UndoPreview> {
  const taken = await takenByOffboarding(keyturn, identity)
  const made = wordOf(keyturn, identity, { kind: 'state', state: 'active', emergency: false, ...word })
  const preview: Override = { ...made, id: 0, endedAt: null }
  const freezes = await freezesOf(keyturn, identity)
  const returned = overruled(identity, [preview, ...freezes], keyturn.clock())
  const { planned, blind } = await planConcerned(keyturn, [returned], { signal })
  const { plan } = planned
  const known = taken.filter(({ platform }) => !blind.includes(platform))
  return { plan, blind, freezes, notGivenBack: notGivenBack(identity.id, known, plan) }
}

/** A freeze stands beside an offboarding that is taken back: nothing is opened until it ends. */
async function freezesOf({ ledger, clock }: Keyturn, { id }: Identity): Promise<readonly Override[]> {
  return (await ledger.overrides(clock(), [id])).filter(({ kind }) => kind === 'freeze')
}

export interface Undone extends Carried {
  readonly freezes: readonly Override[]
  readonly notGivenBack: NotGivenBack
  /** Where a new password was set that reaches nobody, because no delivery is configured. */
  readonly undelivered: readonly string[]
}

/** Takes an offboarding back: an override to `active` stands above the sources' old word until its end. */
export async function undo(keyturn: Keyturn, identity: Identity, word: Word, waiting: Waiting): Promise<Undone> {
  const taken = await takenByOffboarding(keyturn, identity)
  refuseIfStopped(waiting.signal, `the offboarding of ${identity.id} is not taken back`)
  const since = keyturn.clock()
  const override = wordOf(keyturn, identity, { kind: 'state', state: 'active', emergency: false, ...word })
  await keyturn.ledger.override(override, keyturn.correlation)
  const carried = await carryOut(keyturn, identity, since, waiting)
  // A daemon may have been faster with the plan: what it gave is in the audit.
  const given = new Set(
    carried.audit.flatMap(({ action, platform, after }) => (action === 'grant' ? [`${platform} ${after}`] : [])),
  )
  // Of a platform that did not answer nobody knows yet what comes back.
  const known = taken.filter(({ platform }) => !carried.blind.includes(platform))
  const left = notGivenBack(identity.id, known, carried.plan)
  const reissued = carried.audit.flatMap(({ action, platform, result }) =>
    action === 'issue-credential' && result === 'done' && platform !== null ? [platform] : [],
  )
  return {
    ...carried,
    freezes: await freezesOf(keyturn, identity),
    notGivenBack: left.filter(({ platform, entitlement }) => !given.has(`${platform} ${entitlement}`)),
    undelivered: [...new Set(reissued)].filter((id) => keyturn.settings.platforms[id]?.delivery === undefined),
  }
}

export function wordOf(
  { clock, operator }: Keyturn,
  { id: identity }: Identity,
  word: Pick<NewOverride, 'kind' | 'state' | 'emergency' | 'reason' | 'until'>,
): NewOverride {
  return { ...word, identity, operator, madeAt: clock() }
}

/** Whoever stops it before the word is written must not go to bed in the belief that it was. */
function refuseIfStopped(signal: AbortSignal, what: string): void {
  if (!signal.aborted) return
  throw new KeyturnError('stopped', `Nothing was done: ${what}.`, {
    hint: 'It was stopped before the word was written.',
    cause: signal.reason,
  })
}

async function refuseIfTooMany({ ledger, settings, operator, clock }: Keyturn, { id }: Identity): Promise<void> {
  const { most, within } = settings.daemon.offboards
  const made = await ledger.emergenciesBy(operator, clock() - within, id)
  if (made < most) return
  throw new KeyturnError(
    'rate-limited',
    `${operator} has offboarded ${made} people within ${within / MINUTE} minutes; daemon.offboards allows ${most}. Nothing was done.`,
    { hint: 'Another operator may go on; for many leavers let HR say so in the feed, or raise daemon.offboards.most.' },
  )
}

/** The memberships that went since the person was offboarded. Throws KeyturnError `usage` where nobody has. */
async function takenByOffboarding(
  { ledger, clock }: Keyturn,
  { id }: Identity,
): Promise<readonly { readonly platform: string; readonly entitlement: string }[]> {
  const since = offboardedSince(await ledger.overridesOf(id), clock())
  if (since === null) {
    throw new KeyturnError('usage', `nobody has offboarded ${id}: there is nothing to take back`, {
      hint: '"keyturn override PERSON --state active --reason TEXT" puts an operator\'s word above what HR says.',
    })
  }
  const taken = (await ledger.auditOf(id, mostAudit)).flatMap(({ at, action, result, platform, before }) =>
    at >= since && action === 'revoke' && result === 'done' && platform !== null && before !== null
      ? [{ platform, entitlement: before }]
      : [],
  )
  return [...new Map(taken.map((one) => [`${one.platform} ${one.entitlement}`, one])).values()]
}

/** Whoever was offboarded twice has been since the first time. Null: no such word stands. `made`: the newest first. */
function offboardedSince(made: readonly Override[], now: Instant): Instant | null {
  const [standing, ...older] = made.filter(({ kind }) => kind === 'state')
  if (standing?.state !== 'left' || standing.endedAt !== null) return null
  if (standing.until !== null && standing.until <= now) return null
  let since = standing.madeAt
  for (const { state, endedAt, madeAt } of older) {
    if (state !== 'left' || endedAt !== since) break
    since = madeAt
  }
  return since
}
