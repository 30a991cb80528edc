import { DAY, HOUR, MINUTE, SECOND } from '../model/instant.ts'

const durations = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY } as const
const perSecond = { s: 1, m: 1 / 60, h: 1 / 3600 } as const

export const durationPattern = /^(\d{1,9})(ms|s|m|h|d|w)$/
export const percentagePattern = /^(100|\d{1,2}(?:\.\d{1,4})?)%$/
/** Of something that may become several times as much. */
export const growthPattern = /^\d{1,5}(?:\.\d{1,4})?%$/
export const ratePattern = /^(\d{1,6}(?:\.\d{1,3})?)\/(s|m|h)$/

/** Milliseconds of a text that `durationPattern` accepts, such as `26h`. A day is 24 hours. */
export function milliseconds(text: string): number {
  const [, count = '', unit = ''] = durationPattern.exec(text) ?? []
  return Number(count) * durations[unit as keyof typeof durations]
}

/** Share of a text that `percentagePattern` or `growthPattern` accepts: 0.1 for `10%`. */
export function share(text: string): number {
  return Number.parseFloat(text) / 100
}

/** Requests a second of a text that `ratePattern` accepts, such as `50/s`. */
export function rate(text: string): number {
  const [, count = '', unit = ''] = ratePattern.exec(text) ?? []
  return Number(count) * perSecond[unit as keyof typeof perSecond]
}
