import { loadWhenQuiet } from '../../config/index.ts'
import { compareSettings, refuseReload } from '../../config/compare.ts'
import { showErrors } from '../../config/problems.ts'
import { SECOND } from '../../model/instant.ts'
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
  if (settings === null) return { files, refused: showErrors(problems) }
  const change = compareSettings(before, settings)
  if (change.same) return { files, same: true }
  const objections = refuseReload(before, settings, await ledger.atStake())
  return objections.length > 0 ? { files, refused: showErrors(objections) } : { files, settings, policy: change.policy }
}
