import { readFileSync } from 'node:fs'
import type { Clock } from '../model/instant.ts'

/** How long an offset is believed, ms of the machine's own clock. */
const memory = 20

/**
 * The clock of this process: the machine's, in UTC. For drills and tests, `KEYTURN_CLOCK_OFFSET` names a file that holds
 * how many milliseconds to add; a file that is not there or holds no number adds nothing.
 */
export function openClock(file = process.env['KEYTURN_CLOCK_OFFSET']): Clock {
  if (file === undefined || file === '') return Date.now
  let known = { at: Number.NEGATIVE_INFINITY, offset: 0 }
  return () => {
    const now = performance.now()
    if (now - known.at > memory) known = { at: now, offset: offsetIn(file) }
    return Date.now() + known.offset
  }
}

function offsetIn(file: string): number {
  try {
    const offset = Number(readFileSync(file, 'utf8'))
    return Number.isFinite(offset) ? offset : 0
  } catch {
    return 0
  }
}
