import { createHash } from 'node:crypto'

/**
 * A hash, 64 hexadecimal digits, that depends on values only: not on the order of keys, and not on the places where they
 * stand, so that a comment or a moved line changes nothing.
 */
export function versionOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex')
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value)
    .filter(([key, one]) => !(key === 'place' && isPlace(one)) && one !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`
}

/** An attribute of people may be called `place`, too: that one counts. */
function isPlace(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'file' in value && 'line' in value
}
