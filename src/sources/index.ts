import type { Clock } from '../model/instant.ts'
import type { Source } from '../model/ports.ts'
import type { SourceSettings } from '../model/settings.ts'
import { csvSource } from './csv.ts'

export { look } from './incremental.ts'
export type { Look } from './incremental.ts'
export { remember } from './memory.ts'
export type { FeedMemory } from './memory.ts'
export { watchFiles } from './watch.ts'

/**
 * The reader of one configured source. Opens nothing yet: that happens at each `read`, which throws nothing for a bad
 * feed but ends with `complete: false` and a KeyturnError that says what is wrong and what to do.
 */
export function openSource(settings: SourceSettings, clock: Clock): Source {
  switch (settings.kind) {
    case 'csv':
      return csvSource(settings, clock)
  }
}
