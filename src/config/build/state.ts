import { dirname, resolve } from 'node:path'
import { absolute, absoluteReference } from './context.ts'
import type { BuildContext } from './context.ts'

const sqlite = 'sqlite:'
/** Where nothing is said, and the ledger is elsewhere. */
const usualFolder = 'var'

export function absoluteLedger(context: BuildContext, ledger: string): string {
  return ledger.startsWith(sqlite)
    ? `${sqlite}${absolute(context, ledger.slice(sqlite.length))}`
    : absoluteReference(context, ledger)
}

/** Absolute; `root` is the folder of keyturn.yaml. */
export function stateFolder(
  root: string,
  state: { readonly ledger: string; readonly folder?: string | undefined },
): string {
  if (state.folder !== undefined) return resolve(root, state.folder)
  return state.ledger.startsWith(sqlite)
    ? dirname(resolve(root, state.ledger.slice(sqlite.length)))
    : resolve(root, usualFolder)
}
