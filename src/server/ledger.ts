import { openLedger } from '../ledger/index.ts'
import type { OpenOptions } from '../ledger/index.ts'
import type { Secrets } from '../model/ports.ts'
import type { SecretReference, StateSettings } from '../model/settings.ts'

/** `state.ledger`, opened. Throws KeyturnError `secret-unavailable`, and like `openLedger`. */
export async function openStateLedger(
  state: StateSettings,
  secrets: Secrets,
  options: Omit<OpenOptions, 'folder'>,
): ReturnType<typeof openLedger> {
  return openLedger(await ledgerUrl(state, secrets), { ...options, folder: state.folder })
}

/** It may hold a password: never to be shown. */
export async function ledgerUrl({ ledger }: StateSettings, secrets: Secrets): Promise<string> {
  const isReference = ledger.startsWith('env:') || ledger.startsWith('file:')
  return isReference ? secrets.resolve(ledger as SecretReference) : ledger
}
