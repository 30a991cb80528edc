// An operator's word to shut somebody out while the ledger cannot be written (law 3): every account is shut and proven by the
// same protocol; the word and the record are spooled beside the ledger.
import { setTimeout as sleep } from 'node:timers/promises'
import type { SettledObligation } from '../apply/ports.ts'
import { revokeNow } from '../apply/revoke-now.ts'
import { openSpool } from '../apply/spool.ts'
import type { Spool } from '../apply/spool.ts'
import { openStandby } from '../apply/standby-ledger.ts'
import { KeyturnError, summarise } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import { SECOND } from '../model/instant.ts'
import type { AuditRecord, ObligationStatus } from '../model/ledger.ts'
import type { NewOverride } from '../model/running.ts'
import { overruled } from '../policy/override.ts'
import { inTimeOrThrow } from '../queue/patience.ts'
import { keyOf } from './board.ts'
import { linksOf } from './carrying.ts'
import type { Carried, Waiting } from './carrying.ts'
import { planConcerned } from './concerned.ts'
import type { Keyturn } from './context.ts'
import { isUnwritable } from './daemon/rescue.ts'
import { sayingOnce } from './say-once.ts'
import { openSettling } from './settling.ts'
import type { Settling } from './settling.ts'

/** How long the ledger is waited for, ms. */
const patience = 1_500
const answerAtMost = 2 * SECOND
const againAfter = SECOND

type InTime = <T>(writing: Promise<T>) => Promise<T>

/** Carries the word out; where the ledger cannot be written, or not in time, without it. */
export async function orWithoutLedger(
  keyturn: Keyturn,
  identity: Identity,
  word: NewOverride,
  waiting: Waiting,
  carryOut: (inTime: InTime) => Promise<Carried>,
): Promise<Carried> {
  try {
    return await carryOut((writing) => inTimeOrThrow(writing, patience, busy))
  } catch (error) {
    if (!isUnwritable(error)) throw error
    return await withoutLedger(keyturn, identity, word, waiting, error)
  }
}

function busy(): KeyturnError {
  return new KeyturnError('ledger-busy', 'Another process holds the write lock of the ledger.')
}

async function withoutLedger(
  keyturn: Keyturn,
  identity: Identity,
  word: NewOverride,
  waiting: Waiting,
  error: unknown,
): Promise<Carried> {
  const { settings, clock, logger } = keyturn
  await using spool = await openSpool(settings.state.folder, clock, logger)
  await spool.note([{ override: word }])
  const patient = { ...keyturn, logger: sayingOnce(logger) }
  await using settling = openSettling(patient, ['revoke'], waiting.signal)
  const gone = overruled(identity, [{ ...word, id: 0, endedAt: null }], clock())
  const audit: AuditRecord[] = []
  const noting = {
    note: (entries: Parameters<Spool['note']>[0]) => {
      for (const entry of entries) if ('audit' in entry) audit.push(entry.audit)
      return spool.note(entries)
    },
  }
  const shut = await shutAll(patient, gone, settling, noting, waiting)
  const why = summarise(error).message
  return {
    ...shut,
    holds: [],
    obligations: shut.settled.map((one) => owedStill(one, word, why)),
    ...(await linksOf(keyturn, identity.id)),
    audit,
    since: word.madeAt,
    unwritten: { why, isKept: spool.unkept === 0 },
  }
}

/** Every platform, again and again until nothing more can be tried or nobody waits any longer. */
async function shutAll(
  keyturn: Keyturn,
  gone: Identity,
  settling: Settling,
  spool: Pick<Spool, 'note'>,
  { signal, patience: most }: Waiting,
): Promise<Pick<Carried, 'plan' | 'blind' | 'settled'>> {
  const deadline = performance.now() + most
  const standby = openStandby(keyturn.ledger, spool)
  const asked = { correlation: keyturn.correlation, operator: keyturn.operator, effectiveAt: new Map() }
  const settled = new Map<string, SettledObligation>()
  for (;;) {
    const { planned, blind } = await planConcerned(keyturn, [gone], { signal, patience: answerAtMost })
    const { plan } = planned
    const owed = plan.changes.filter((one) => one.kind === 'disable' && settled.get(keyOf(one))?.state !== 'settled')
    await Promise.all(
      [...Map.groupBy(owed, ({ platform }) => platform)].map(async ([platform, changes]) => {
        const ports = settling.ports(platform, 'revoke')
        if (ports === undefined) return
        for (const one of await revokeNow(changes, asked, standby, ports)) settled.set(keyOf(one), one)
      }),
    )
    const isDone = blind.length === 0 && [...settled.values()].every(({ state }) => state !== 'retry')
    if (isDone || signal.aborted || performance.now() > deadline) return { plan, blind, settled: [...settled.values()] }
    await sleep(againAfter, undefined, { signal }).catch(() => undefined)
  }
}

/** The rest of what is owed when somebody leaves needs the ledger. */
function owedStill(
  { identity, platform, proof, error }: SettledObligation,
  { madeAt }: NewOverride,
  why: string,
): ObligationStatus {
  return {
    identity,
    platform,
    lane: 'revoke',
    wanted: 0,
    settled: 0,
    tries: 1,
    state: 'owed',
    nextTryAt: null,
    claimedUntil: null,
    admittedAt: madeAt,
    proof,
    lastError: error ?? { code: 'ledger-unavailable', message: why },
  }
}
