import { summarise } from '../model/errors.ts'
import type { ErrorSummary } from '../model/errors.ts'
import type { AcceptedRead, RefusedRead } from '../model/identity.ts'
import { DAY, MINUTE } from '../model/instant.ts'
import type { Hold, Ledger, ObligationStatus } from '../model/ledger.ts'
import type { HeldPeople, Override, PlatformState, ProcessState, Restored, RevocationTiming } from '../model/running.ts'
import type { Keyturn } from './context.ts'

export interface Status {
  readonly policyVersion: string
  readonly sources: readonly {
    readonly source: string
    readonly accepted: AcceptedRead | null
    /** The last refusal, unless a later read was accepted. */
    readonly refused: RefusedRead | null
  }[]
  readonly lanes: Awaited<ReturnType<Ledger['openCounts']>>
  /** Failed, or owed after at least one try; the first of them. */
  readonly troubles: readonly ObligationStatus[]
  readonly holds: readonly Hold[]
  /** Empty when only the ledger was looked at. */
  readonly platforms: readonly { readonly platform: string; readonly error: ErrorSummary | null; readonly ms: number }[]
  /** Platforms as the daemon found them last. */
  readonly states: readonly PlatformState[]
  /** Processes of the daemon that live; empty: none does. */
  readonly processes: readonly ProcessState[]
  /** Operators' words that stand. */
  readonly overrides: readonly Override[]
  /** People whose source is not believed, and the first of them. */
  readonly held: HeldPeople
  /** People who wait to be looked at. */
  readonly marked: number
  /** The ledger was restored from a backup, and no reconciliation has run since. */
  readonly restored: Restored | null
  /** How long revocations of the last thirty days took, by where the time counts from; ms. */
  readonly timeToRevoke: readonly TimeToRevoke[]
}

export interface TimeToRevoke {
  readonly from: 'effective' | 'received' | 'admitted'
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly worst: number
}

const most = 20
const timingsOf = 30 * DAY
const mostTimings = 100_000
/** A process that said nothing for so long is gone, or hangs. */
const silent = MINUTE / 2

/** What the ledger knows, and whether each platform answers just now. */
export async function readStatus(
  keyturn: Keyturn,
  options: { readonly offline: boolean; readonly signal: AbortSignal },
): Promise<Status> {
  const { ledger, settings, clock } = keyturn
  const now = clock()
  const sources = await Promise.all(
    Object.keys(settings.sources).map(async (source) => {
      const [accepted, refused] = await Promise.all([ledger.acceptedRead(source), ledger.lastRefusal(source)])
      const stands = refused !== null && (accepted === null || refused.at > accepted.at)
      return { source, accepted, refused: stands ? refused : null }
    }),
  )
  const [open, failed] = await Promise.all([ledger.obligations({ open: true }), ledger.obligations({ failed: true })])
  return {
    policyVersion: settings.policyVersion,
    sources,
    lanes: await ledger.openCounts(),
    troubles: [...open.filter(({ lastError }) => lastError !== null), ...failed].slice(0, most),
    holds: await ledger.holds({ status: 'open' }),
    platforms: options.offline ? [] : await health(keyturn, options.signal),
    states: await ledger.platformStates(),
    processes: await ledger.processes(now - silent),
    overrides: await ledger.overrides(now),
    held: await ledger.heldPeople(most),
    marked: (await ledger.marked(mostTimings)).length,
    restored: await ledger.restored(),
    timeToRevoke: timesOf(await ledger.revocationsSince(now - timingsOf, mostTimings)),
  }
}

/** Percentiles by the nearest rank, from the three moments that a revocation may be counted from to its proof. */
export function timesOf(timings: readonly RevocationTiming[]): readonly TimeToRevoke[] {
  const starts = {
    effective: ({ effectiveAt }: RevocationTiming) => effectiveAt,
    received: ({ receivedAt }: RevocationTiming) => receivedAt,
    admitted: ({ admittedAt }: RevocationTiming) => admittedAt,
  } as const
  return (Object.keys(starts) as (keyof typeof starts)[]).flatMap((from) => {
    const times = timings
      .flatMap((timing) => {
        const start = starts[from](timing)
        return start === null ? [] : [Math.max(0, timing.provenAt - start)]
      })
      .toSorted((a, b) => a - b)
    if (times.length === 0) return []
    const rank = (share: number) => times[Math.max(0, Math.ceil(share * times.length) - 1)] ?? 0
    return [{ from, count: times.length, p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), worst: rank(1) }]
  })
}

function health(keyturn: Keyturn, signal: AbortSignal): Promise<Status['platforms']> {
  return Promise.all(
    [...keyturn.connectors.values()].map(async (connector) => {
      const began = performance.now()
      // The lightest question that every kind of platform can answer only after Keyturn has signed in.
      const asked: Promise<unknown> = connector.probe?.(signal) ?? connector.passwordPolicy(signal)
      const error = await asked.then(() => null, summarise)
      return { platform: connector.id, error, ms: performance.now() - began }
    }),
  )
}
