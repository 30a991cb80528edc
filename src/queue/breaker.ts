import type { ErrorSummary } from '../model/errors.ts'
import { type Instant, SECOND } from '../model/instant.ts'

/** What this process knows of one platform. A value: every function here returns the next one. */
export type Breaker =
  | { readonly state: 'up'; readonly failures: number; readonly failedAt: Instant }
  | {
      readonly state: 'down'
      readonly since: Instant
      readonly error: ErrorSummary | null
      readonly probeAt: Instant
      /** The time between this probe and the next, ms. */
      readonly interval: number
    }

/** So many failures in a row, without a longer gap between them, and the platform counts as down. */
const enough = 3
const gap = 10 * SECOND
const firstProbe = SECOND / 2
/** Work goes on within five seconds after the platform is back, also where nothing but this asks. */
const rarestProbe = 3 * SECOND

export const up: Breaker = { state: 'up', failures: 0, failedAt: 0 }

/** Somebody else has found it down, maybe long ago: it is asked at once. */
export function toldDown(since: Instant, error: ErrorSummary | null, now: Instant): Breaker {
  return { state: 'down', since, error, probeAt: now, interval: firstProbe }
}

/**
 * Work ended because the platform could not be worked with.
 *
 * @param beganAt when that work began: a platform that hangs fails slowly, and its failures still follow each other
 */
export function failed(breaker: Breaker, error: ErrorSummary, beganAt: Instant, now: Instant): Breaker {
  if (breaker.state === 'down') return { ...breaker, error }
  const follows = breaker.failures > 0 && beganAt - breaker.failedAt <= gap
  const failures = follows ? breaker.failures + 1 : 1
  if (failures < enough) return { state: 'up', failures, failedAt: now }
  return { state: 'down', since: now, error, probeAt: now + firstProbe, interval: firstProbe }
}

/** The platform has answered. An answer to a question from before the outage says nothing about now. */
export function answered(breaker: Breaker, beganAt: Instant): Breaker {
  return breaker.state === 'down' && beganAt < breaker.since ? breaker : up
}

/** A probe failed: the next one waits twice as long, at most `rarestProbe`. */
export function probeFailed(breaker: Breaker, error: ErrorSummary, now: Instant): Breaker {
  if (breaker.state === 'up') return breaker
  const interval = Math.min(breaker.interval * 2, rarestProbe)
  return { ...breaker, error, probeAt: now + interval, interval }
}
