import type { Instant } from '../../model/instant.ts'

/** `20260930120000Z` (generalized time, RFC 4517, section 3.3.13), to whole seconds, always in UTC. */
export function generalizedTime(at: Instant): string {
  return `${new Date(at).toISOString().replace(/\..*$/, '').replaceAll(/[-:T]/g, '')}Z`
}

/** Reads generalized time with optional minutes, seconds, fraction and zone; null where the text is none. */
export function fromGeneralizedTime(text: string): Instant | null {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:(\d\d))?)?(?:[.,](\d+))?(Z|[+-]\d\d(?:\d\d)?)$/.exec(text)
  if (match === null) return null
  const [, year, month, day, hour, minute = '00', second = '00', fraction = '', zone = 'Z'] = match
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3) || '00'}`
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${`${fraction}000`.slice(0, 3)}${offset}`)
  return Number.isNaN(at) ? null : at
}
