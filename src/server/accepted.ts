// The configuration that was last in force, beside the ledger: a mistake in a file must keep nobody from being shut, not even
// after a restart. It holds references to secrets, never secrets (law 11).
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { refuseForgetting, stateProblems } from '../config/compare.ts'
import { stateFolderOf } from '../config/index.ts'
import { showErrors } from '../config/problems.ts'
import { secrets } from '../config/secrets.ts'
import { KeyturnError, summarise } from '../model/errors.ts'
import { MINUTE } from '../model/instant.ts'
import type { Logger } from '../model/ports.ts'
import type { Settings } from '../model/settings.ts'
import { loadSettings } from './context.ts'
import { openStateLedger } from './ledger.ts'
import { mayRun } from './machine.ts'
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
  /** What is in force here forgets people or accounts, and nothing is known that does not: says whom. */
  readonly forgets: string | null
}

/** Whoever said something of themselves within this time may run, ms. */
export const lives = MINUTE / 2

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

/**
 * What the files say. Where they are wrong, forget somebody, or name another ledger than the one a daemon works on: what was last
 * in force. Throws KeyturnError `config-invalid` where they are wrong and nothing was in force.
 */
export async function settingsInForce(config: string): Promise<InForce> {
  let settings: Settings
  try {
    settings = await loadSettings(config)
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.code !== 'config-invalid') throw error
    const accepted = await readAccepted(await stateFolderOf(config), config)
    if (accepted === null) throw error
    return { settings: accepted, refused: error.message, forgets: null }
  }
  const accepted = await readAccepted(settings.state.folder, config)
  const objections = await objectionsTo(settings, accepted)
  if (objections === '') return { settings, refused: null, forgets: null }
  return accepted === null
    ? { settings, refused: null, forgets: objections }
    : { settings: accepted, refused: objections, forgets: null }
}

/** Empty: none. A ledger that cannot be opened has nothing against it; whoever needs it meets that. */
async function objectionsTo(settings: Settings, accepted: Settings | null): Promise<string> {
  if (accepted !== null && !mayForget(accepted, settings) && stateProblems(accepted, settings).length === 0) return ''
  try {
    await using ledger = await openStateLedger((accepted ?? settings).state, secrets(), { readOnly: true })
    const forgotten = refuseForgetting(accepted, settings, await ledger.atStake())
    const isInUse = (await ledger.processes(Date.now() - lives)).some(({ id }) => mayRun(id))
    const moved = accepted !== null && isInUse ? stateProblems(accepted, settings) : []
    return showErrors([...forgotten, ...moved])
  } catch (error) {
    if (error instanceof KeyturnError) return ''
    throw error
  }
}

function mayForget(before: Settings, after: Settings): boolean {
  const lacks = (section: 'sources' | 'platforms') =>
    Object.keys(before[section]).some((id) => !Object.hasOwn(after[section], id))
  return lacks('sources') || lacks('platforms')
}

async function readAccepted(folder: string, config: string): Promise<Settings | null> {
  try {
    const accepted = JSON.parse(await readFile(pathIn(folder), 'utf8')) as Accepted
    return accepted.version === version && accepted.config === resolve(config) ? accepted.settings : null
  } catch {
    return null
  }
}

function pathIn(folder: string): string {
  return join(folder, 'accepted-settings.json')
}
