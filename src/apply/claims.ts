import type { Instant } from '../model/instant.ts'
import type { ClaimedObligation } from '../model/ledger.ts'
import type { SettlePorts } from './ports.ts'

/** Claims that are kept alive while work goes on. */
export interface Claims extends AsyncDisposable {
  /** Is the claim certainly still ours? False once it was lost, or could not be renewed within its lease. */
  holds(token: string): boolean
  /** These are settled: nobody needs them any more. */
  settled(tokens: readonly string[]): void
}

/** Renews five times a lease, so that one renewal that comes late or fails costs nothing. Disposing it ends the renewals. */
export function keepClaims(
  claimed: readonly ClaimedObligation[],
  {
    ledger,
    leaseMs,
    clock,
    logger,
    platform,
  }: Pick<SettlePorts, 'ledger' | 'leaseMs' | 'clock' | 'logger' | 'platform'>,
): Claims {
  let held: ReadonlySet<string> = new Set(claimed.map(({ token }) => token))
  let until = leaseFrom(clock(), performance.now(), leaseMs)
  let renewing: Promise<void> = Promise.resolve()
  let busy = false

  async function renew(): Promise<void> {
    const asked = clock()
    const from = performance.now()
    try {
      const still = await ledger.renew([...held], leaseMs, asked)
      // Some may have been settled meanwhile.
      const lost = held.difference(still)
      if (lost.size > 0) logger.debug('claims are not ours any more', { platform, count: lost.size })
      held = held.intersection(still)
      until = leaseFrom(asked, from, leaseMs)
    } catch (error) {
      // Not fatal by itself: the claims are ours until the lease ends, and `holds` says no from then on.
      logger.warn('claims could not be renewed', {
        platform,
        error: error instanceof Error ? error.message : String(error),
      })
    } finally {
      busy = false
    }
  }

  const timer = setInterval(() => {
    if (busy) return
    busy = true
    renewing = renew()
  }, leaseMs / 5)
  timer.unref()

  return {
    holds: (token) => held.has(token) && clock() < until.wall && performance.now() < until.steady,
    settled(tokens) {
      held = held.difference(new Set(tokens))
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await renewing
    },
  }
}

/**
 * By both clocks. The wall clock is the one by which others take an expired claim over, and may be set back while the ledger
 * cannot be reached; the steady one never goes back, but stands still while the machine sleeps.
 */
function leaseFrom(
  wall: Instant,
  steady: number,
  leaseMs: number,
): { readonly wall: Instant; readonly steady: number } {
  return { wall: wall + leaseMs, steady: steady + leaseMs }
}
