// Two states of one invented feed, as texts: compared row by row, and read as a whole.
import { lightIntake } from '../../../src/intake/index.ts'
import type { IntakeResult } from '../../../src/model/identity.ts'
import { DAY } from '../../../src/model/instant.ts'
import type { SourceSettings } from '../../../src/model/settings.ts'
import type { FeedMemory, Look } from '../../../src/sources/index.ts'
import { compareText, wholeText } from '../sources/text-feed.ts'
import { noon, read } from './feed.ts'

/** The header line of these feeds. */
export const header = 'Id,First,Last,Department,Manager,Status,Start,End,Zone,Salary\n'
/** A day after the first read. */
export const later = noon + DAY

/** The feed as a text, read as a whole. */
export async function whole(settings: SourceSettings, text: string, after?: IntakeResult, now = noon) {
  const { records, memory } = await wholeText(settings, text, now)
  const end = { complete: true as const, takenAt: now, count: records.length, modifiedAt: now, digest: text }
  return { memory, result: read(records, { settings, now, end, ...(after === undefined ? {} : { after }) }) }
}

export interface Compared {
  /** What is different; null where only a whole read can tell. */
  readonly look: Extract<Look, { kind: 'changed' }> | null
  readonly light: IntakeResult | null
}

/** The same text, compared with what is remembered. */
export async function compared(
  settings: SourceSettings,
  text: string,
  memory: FeedMemory,
  { identities, accepted }: Pick<IntakeResult, 'identities' | 'accepted'>,
  now = later,
): Promise<Compared> {
  const look = await compareText(settings, memory, text, now)
  if (look.kind !== 'changed') return { look: null, light: null }
  const { before, after, rows, modifiedAt } = look
  const keys = new Set(after.map(({ key }) => key))
  const previous = identities.filter(({ key }) => keys.has(key))
  const read = { before, after, base: memory.digest, digest: look.memory.digest, modifiedAt, rows }
  const light = lightIntake(settings)({ ...read, previous, lastRead: accepted, now, receivedAt: now - 5 })
  return { look, light }
}
