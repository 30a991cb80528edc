// What waits in the spools of a state folder, for who only looks: nothing is taken, and nothing is asked of the ledger.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../model/instant.ts'
import type { SpoolState } from '../model/running.ts'
import { type Entry, isAbandoned, isSpool } from './spool.ts'
import { readSpoolFile } from './spool-file.ts'

type Found = { readonly entries: readonly Entry[] } | { readonly unreadable: string }

/** Also in those of processes that run. A trouble is believed only of these: who has ended knows nothing of now. */
export async function lookIntoSpools(folder: string, clock: Clock): Promise<SpoolState> {
  const names = (await readdir(folder).catch(() => [])).filter(isSpool)
  const found = await Promise.all(names.map((name) => look(folder, name, clock)))
  const entries = found.flatMap((one) => ('entries' in one ? one.entries : []))
  const troubles = entries.flatMap((one) => ('trouble' in one ? [one.trouble] : []))
  const records = entries.filter((one) => !('trouble' in one))
  return {
    records: records.length,
    people: new Set(records.flatMap((one) => personOf(one) ?? [])).size,
    words: records.flatMap((one) => ('override' in one ? [one.override] : [])),
    shut: records.flatMap((one) => ('shut' in one ? [one.shut] : [])),
    trouble: troubles.toSorted((a, b) => a.since - b.since)[0] ?? null,
    unreadable: found.flatMap((one) => ('unreadable' in one ? [one.unreadable] : [])),
  }
}

async function look(folder: string, name: string, clock: Clock): Promise<Found> {
  try {
    const entries = (await readSpoolFile(join(folder, name))).flatMap(parse)
    const isOver = entries.some((one) => 'trouble' in one) && (await isAbandoned(folder, name, clock))
    return { entries: isOver ? entries.filter((one) => !('trouble' in one)) : entries }
  } catch (error) {
    // Its process has ended meanwhile, in order.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { entries: [] }
    return { unreadable: name }
  }
}

/** A damaged line is told by whoever takes it over. */
function parse(line: string): readonly Entry[] {
  try {
    return [JSON.parse(line) as Entry]
  } catch {
    return []
  }
}

function personOf(entry: Entry): string | null {
  if ('audit' in entry) return entry.audit.identity
  if ('shut' in entry) return entry.shut.identity
  if ('left' in entry) return entry.left.identity.id
  return 'override' in entry ? entry.override.identity : null
}
