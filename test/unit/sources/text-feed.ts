// A feed as text, read without a file.
import type { SourceRecord } from '../../../src/model/identity.ts'
import type { SourceSettings } from '../../../src/model/settings.ts'
import { compare } from '../../../src/sources/incremental.ts'
import type { Look } from '../../../src/sources/incremental.ts'
import { Notes } from '../../../src/sources/memory.ts'
import type { FeedMemory } from '../../../src/sources/memory.ts'
import { Table } from '../../../src/sources/table.ts'

/** All records of a text, and what is remembered of it. Throws where the text is no whole feed. */
export async function wholeText(
  settings: SourceSettings,
  text: string,
  modifiedAt = 0,
): Promise<{ records: SourceRecord[]; memory: FeedMemory }> {
  const notes = new Notes()
  const table = new Table(settings, notes)
  const records = [...(await table.push(text)), ...(await table.end())]
  const mark = { dev: 1n, ino: 1n, size: 1n, mtimeNs: 0n, ctimeNs: 0n }
  const memory = notes.memory(settings, { mark, modifiedAt, digest: () => text }, table.count)
  if (memory === null) throw new Error('the text has no header')
  return { records, memory }
}

/** What is found in a text, compared with an earlier one. */
export function compareText(settings: SourceSettings, memory: FeedMemory, text: string, modifiedAt = 0): Promise<Look> {
  return compare(settings, memory, Buffer.from(text), { digest: text, modifiedAt, mark: null })
}
