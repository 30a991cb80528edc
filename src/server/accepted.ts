// The configuration that was last in force, beside the ledger: a mistake in a file must keep nobody from being shut, not even
// after a restart. It holds references to secrets, never secrets (law 11).
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { stateFolderOf } from '../config/index.ts'
import { KeyturnError, summarise } from '../model/errors.ts'
import type { Logger } from '../model/ports.ts'
import type { Settings } from '../model/settings.ts'
import { loadSettings } from './context.ts'
import { version } from './version.ts'

interface Accepted {
  /** Another Keyturn's settings may have another shape. */
  readonly version: string
  /** The file that they were read from. */
  readonly config: string
  readonly settings: Settings
}

export interface InForce {
  readonly settings: Settings
  /** Why the files on disk are not what is in force; null where they are. */
  readonly refused: string | null
}

/** Never throws: without it, only a restart with a wrong file is worse. */
export async function keepAccepted(settings: Settings, config: string, logger: Logger): Promise<void> {
  const path = pathIn(settings.state.folder)
  const draft = `${path}.${process.pid}`
  const accepted: Accepted = { version, config: resolve(config), settings }
  try {
    await using file = await open(draft, 'w', 0o600)
    await file.writeFile(JSON.stringify(accepted))
    await file.sync()
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    logger.warn('the configuration in force could not be kept beside the ledger', summarise(error))
  }
}

/** What the files say; where they are wrong, what was last in force. Throws KeyturnError `config-invalid` where nothing was. */
export async function settingsInForce(config: string): Promise<InForce> {
  try {
    return { settings: await loadSettings(config), refused: null }
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.code !== 'config-invalid') throw error
    const settings = await readAccepted(config)
    if (settings === null) throw error
    return { settings, refused: error.message }
  }
}

async function readAccepted(config: string): Promise<Settings | null> {
  try {
    const path = pathIn(await stateFolderOf(config))
    const accepted = JSON.parse(await readFile(path, 'utf8')) as Accepted
    return accepted.version === version && accepted.config === resolve(config) ? accepted.settings : null
  } catch {
    return null
  }
}

function pathIn(folder: string): string {
  return join(folder, 'accepted-settings.json')
}
