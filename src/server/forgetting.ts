// A configuration without the section of a platform or a source that people hang on. Apart from what reads configurations: a
// process of the daemon gets its settings from the daemon, and shall not load what reads files.
import { refuseForgetting } from '../config/compare.ts'
import { showErrors } from '../config/problems.ts'
import { KeyturnError } from '../model/errors.ts'
import type { RunningLedger } from '../model/running.ts'
import type { Settings } from '../model/settings.ts'

/** Throws KeyturnError `config-invalid` where these settings have no section for accounts or people that the ledger knows. */
export async function refuseToForget(ledger: RunningLedger, settings: Settings): Promise<void> {
  const objections = showErrors(refuseForgetting(null, settings, await ledger.atStake()))
  if (objections !== '') throw forgetting(objections)
}

export function forgetting(objections: string): KeyturnError {
  return new KeyturnError('config-invalid', `the configuration forgets people or accounts:\n${objections}`)
}
