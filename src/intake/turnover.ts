import type { Instant } from '../model/instant.ts'
import type { SourceSettings } from '../model/settings.ts'
import type { Turnover } from './contract.ts'
import type { Settled } from './identity.ts'
import { stateAt } from './state.ts'

/**
 * Counts who would be lost and added. Compared is with what the clock alone makes of the people known before: an end that
 * was announced is no surprise, and nobody is lost twice.
 */
export function turnoverOf(people: readonly Settled[], content: SourceSettings['content'], now: Instant): Turnover {
  const count = { absent: 0, ended: 0, added: 0 }
  for (const person of people) {
    const what = lossOf(person, content, now)
    if (what !== null) count[what]++
  }
  return count
}

function lossOf(
  { draft: { previous, isNew, isPresent }, identity }: Settled,
  content: SourceSettings['content'],
  now: Instant,
): keyof Turnover | null {
  const isActive = identity.state === 'active'
  if (previous === null) return isActive ? 'added' : null
  if (isPresent && !isNew) return null
  const wasActive = stateAt({ ...previous, now, previous, overdue: null }).state === 'active'
  if (!isPresent) return wasActive && content === 'full' && previous.vanishedAt === null ? 'absent' : null
  if (wasActive === isActive) return null
  return wasActive ? 'ended' : 'added'
}
