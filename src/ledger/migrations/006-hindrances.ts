import type { Unit } from '../unit.ts'
import { instant, integer, person, table, text } from './table.ts'

/** What plans withhold and no decision releases: of whom, since when, and whether it may leave somebody signed in. */
export function* hindrances(): Unit<void> {
  yield* table(
    'hindrance',
    { identity: person, platform: text, why: text, text, since: instant, kept_out: integer },
    // The first of each kind are asked for every few seconds, among a hundred thousand after a wrong rule.
    { primary: ['identity', 'platform', 'why'], indexes: [['platform', 'why', 'kept_out', 'since', 'identity']] },
  )
}
