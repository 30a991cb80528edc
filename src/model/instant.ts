/** A moment in time: milliseconds since 1970-01-01T00:00:00Z. Zones exist only where dates are read and where they are shown. */
export type Instant = number

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Lets tests move the clock. */
export type Clock = () => Instant
