import { summarise } from '../model/errors.ts'
import type { ErrorSummary } from '../model/errors.ts'
import type { AcceptedRead, RefusedRead } from '../model/identity.ts'
import type { Hold, Ledger, ObligationStatus } from '../model/ledger.ts'
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
}

const most = 20

/** What the ledger knows, and whether each platform answers just now. */
export async function readStatus(
  keyturn: Keyturn,
  options: { readonly offline: boolean; readonly signal: AbortSignal },
): Promise<Status> {
  const { ledger, settings } = keyturn
  const sources = await Promise.all(
    Object.keys(settings.sources).map(async (source) => {
      const [accepted, refused] = await Promise.all([ledger.acceptedRead(source), ledger.lastRefusal(source)])
      const stands = refused !== null && (accepted === null || refused.at > accepted.at)
      return { source, accepted, refused: stands ? refused : null }
    }),
  )
  const open = await ledger.obligations({ open: true })
  return {
    policyVersion: settings.policyVersion,
    sources,
    lanes: await ledger.openCounts(),
    troubles: open.filter((one) => one.state === 'failed' || one.tries > 0).slice(0, most),
    holds: await ledger.holds({ status: 'open' }),
    platforms: options.offline ? [] : await health(keyturn, options.signal),
  }
}

function health(keyturn: Keyturn, signal: AbortSignal): Promise<Status['platforms']> {
  return Promise.all(
    [...keyturn.connectors.values()].map(async (connector) => {
      const began = performance.now()
      // The lightest question that every kind of platform can answer only after Keyturn has signed in.
      const error = await connector.passwordPolicy(signal).then(() => null, summarise)
      return { platform: connector.id, error, ms: performance.now() - began }
    }),
  )
}
