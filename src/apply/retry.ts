import type { Lane } from '../model/change.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { Instant } from '../model/instant.ts'
import type { ChangeResult } from '../model/ledger.ts'
import type { RetrySettings } from '../model/settings.ts'

/** Failures of the whole platform (or of our own store): they say nothing about one person and never count as an attempt. */
const platformWide: ReadonlySet<ErrorCode> = new Set([
  'platform-unreachable',
  'platform-busy',
  'platform-untrusted',
  'platform-sign-in-refused',
  'platform-read-incomplete',
  'secret-unavailable',
  'ledger-unavailable',
  'ledger-busy',
  'claim-lost',
  'stopped',
] satisfies ErrorCode[])

export function isPlatformWide(code: ErrorCode): boolean {
  return platformWide.has(code)
}

/** Is everything that is to be tried again in trouble for reasons that are no fault of this person's changes? */
export function isOutage(results: readonly ChangeResult[]): boolean {
  const again = results.filter(({ status }) => status === 'retry')
  return again.length > 0 && again.every(({ error }) => error !== undefined && isPlatformWide(error.code))
}

/**
 * When to try again: twice as long after every try, bounded, with the last half of it by chance, so that thousands that
 * failed together do not come back together.
 *
 * @param tries how many tries there were before this one; 0 for an outage, which is no try: when it is over, nobody shall wait
 *   long
 * @param random uniform in [0, 1)
 */
export function nextTry(lane: Lane, tries: number, now: Instant, retry: RetrySettings, random: () => number): Instant {
  const { first, most } = retry[lane]
  const longest = Math.min(most, first * 2 ** Math.min(tries, 40))
  return now + Math.ceil(longest / 2 + (longest / 2) * random())
}

/** Changes give up after a stated number of tries; revocations never do. */
export function givesUp(lane: Lane, tries: number, code: ErrorCode, retry: RetrySettings): boolean {
  return lane === 'change' && !isPlatformWide(code) && tries + 1 >= retry.change.attempts
}
