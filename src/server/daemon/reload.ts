import { loadWhenQuiet } from '../../config/index.ts'
import { compareSettings, refuseReload } from '../../config/compare.ts'
import { showProblem } from '../../config/problems.ts'
import { SECOND } from '../../model/instant.ts'
import type { Problem } from '../../model/place.ts'
import type { Settings } from '../../model/settings.ts'
import type { Keyturn } from '../context.ts'

/** `files` are those that were read, also where they are refused: a mistake is corrected in one of them. */
export type Reloaded = { readonly files: readonly string[] } & (
  | { readonly settings: Settings; readonly policy: boolean }
  /** Why the last good one stays in force. */
  | { readonly refused: string }
  /** It says what is in force already. */
  | { readonly same: true }
)

/** Files that somebody is still writing are not read: half a role file can be a whole one, and take roles away. */
const quiet = SECOND / 2

/** Reads the configuration anew and holds it against the one in force. Changes nothing. */
export async function reload(
  file: string,
  { settings: before, ledger }: Keyturn,
  signal: AbortSignal,
): Promise<Reloaded> {
  const { settings, problems, files } = await loadWhenQuiet(file, quiet, signal)
  if (settings === null) return { files, refused: sentence(problems) }
  const change = compareSettings(before, settings)
  if (change.same) return { files, same: true }
  const linked = await Promise.all(
    Object.keys(before.platforms).map(async (id) => [id, await ledger.population(id)] as const),
  )
  const people = await Promise.all(
    Object.keys(before.sources).map(async (id) => [id, (await ledger.acceptedRead(id))?.active ?? 0] as const),
  )
  const objections = refuseReload(before, settings, new Map(linked), new Map(people))
  return objections.length > 0 ? { files, refused: sentence(objections) } : { files, settings, policy: change.policy }
}

function sentence(problems: readonly Problem[]): string {
  return problems
    .filter(({ severity }) => severity === 'error')
    .map(showProblem)
    .join('\n')
}
