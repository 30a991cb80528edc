import { lookIntoSpools } from '../apply/spool-look.ts'
import { summarise } from '../model/errors.ts'
import { DAY, MINUTE } from '../model/instant.ts'
import type { RevocationTiming } from '../model/running.ts'
import type { Standing, TimeToRevoke } from '../report/status.ts'
import type { Keyturn } from './context.ts'
import { hindrancesOf } from './hindered.ts'

const most = 20
const timingsOf = 30 * DAY
const mostTimings = 100_000
/** A process that said nothing for so long is gone, or hangs. */
const silent = MINUTE / 2

/** What the ledger knows, and whether each platform answers just now. */
export async function readStatus(
  keyturn: Keyturn,
  options: { readonly offline: boolean; readonly signal: AbortSignal },
): Promise<Standing> {
  const { ledger, settings, clock } = keyturn
  const now = clock()
  const sources = await Promise.all(
    Object.keys(settings.sources).map(async (source) => {
      const [accepted, refused] = await Promise.all([ledger.acceptedRead(source), ledger.lastRefusal(source)])
      const stands = refused !== null && (accepted === null || refused.at > accepted.at)
      return { source, accepted, refused: stands ? refused : null }
    }),
  )
  // What is marked becomes held or owed, and the other way round: asked before and after these, so that no step is missed.
  const marks = async () => (await ledger.marked(mostTimings)).length
  const markedBefore = await marks()
  const holds = await ledger.holds({ status: 'open' })
  const lanes = await ledger.openCounts()
  const marked = Math.max(markedBefore, await marks())
  const [open, failed] = await Promise.all([ledger.obligations({ open: true }), ledger.obligations({ failed: true })])
  return {
    policyVersion: settings.policyVersion,
    sources,
    lanes,
    troubles: [...open.filter(({ lastError }) => lastError !== null), ...failed].slice(0, most),
    holds,
    platforms: options.offline ? [] : await health(keyturn, options.signal),
    states: await ledger.platformStates(),
    processes: await ledger.processes(now - silent),
    overrides: await ledger.overrides(now),
    held: await ledger.heldPeople(most),
    rejected: await ledger.rejectedLeavers(most),
    hindrances: await hindrancesOf(keyturn, most),
    marked,
    restored: await ledger.restored(),
    spool: await lookIntoSpools(settings.state.folder, clock),
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

function health(keyturn: Keyturn, signal: AbortSignal): Promise<Standing['platforms']> {
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
