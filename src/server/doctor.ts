import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readRecipients } from '../apply/recipients.ts'
import { examineLedger } from '../ledger/examine.ts'
import type { Complaint, Connector } from '../model/connector.ts'
import { KeyturnError } from '../model/errors.ts'
import { showPlace } from '../model/place.ts'
import type { PlatformSettings, SourceSettings } from '../model/settings.ts'
import { notInstalled, redisVersion } from '../queue/embedded.ts'
import { openRedis } from '../queue/redis.ts'
import { loadSettings, openKeyturn } from './context.ts'
import type { Keyturn } from './context.ts'
import { refuseToForget } from './forgetting.ts'
import { redisSettings } from './lanes.ts'
import { ledgerUrl } from './ledger.ts'
import { readSource } from './people.ts'
import { whole } from './survey.ts'

export interface Finding extends Complaint {
  /** The source, platform or part that it is about. */
  readonly subject: string
}

/** For an examination: where the ledger cannot be opened, that is a finding, and the rest is looked at with an empty one. */
export async function openExamined(config: string): Promise<Keyturn & { readonly ledgerTrouble: KeyturnError | null }> {
  const settings = await loadSettings(config)
  try {
    return { ...(await openKeyturn({ config: settings, readOnly: true })), ledgerTrouble: null }
  } catch (error) {
    if (!isLedgerTrouble(error)) throw error
    const state = { ...settings.state, ledger: 'sqlite::memory:' }
    const keyturn = await openKeyturn({ config: { ...settings, state }, readOnly: true })
    return { ...keyturn, settings, ledgerTrouble: error }
  }
}

/** Everything else that a command needs is opened only when it is used. */
function isLedgerTrouble(error: unknown): error is KeyturnError {
  const codes = ['ledger-unavailable', 'ledger-busy', 'secret-unavailable']
  return error instanceof KeyturnError && codes.includes(error.code)
}

/** Looks at every part from the outside in; each part's trouble is a finding, never an end of the examination. */
export async function examine(
  keyturn: Awaited<ReturnType<typeof openExamined>>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const parts = [
    part('state', async () => [await examineFolder(keyturn.settings.state.folder)]),
    part('ledger', async () => {
      if (keyturn.ledgerTrouble !== null) throw keyturn.ledgerTrouble
      return examineLedger(await ledgerUrl(keyturn.settings.state, keyturn.secrets), keyturn.clock)
    }),
    part('configuration', async () => {
      if (keyturn.ledgerTrouble === null) await refuseToForget(keyturn.ledger, keyturn.settings)
      return []
    }),
    part('redis', () => examineRedis(keyturn)),
    ...Object.values(keyturn.settings.sources).map((source) =>
      part(`source ${source.id}`, () => examineSource(keyturn, source, signal)),
    ),
    ...Object.values(keyturn.settings.platforms).map((platform) =>
      part(`platform ${platform.id}`, () => examinePlatform(keyturn, platform, signal)),
    ),
  ]
  return (await Promise.all(parts)).flat()
}

async function part(subject: string, look: () => Promise<readonly Complaint[]>): Promise<readonly Finding[]> {
  try {
    return (await look()).map((complaint) => ({ ...complaint, subject }))
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error
    const hint = error.hint === undefined ? {} : { hint: error.hint }
    return [{ subject, severity: 'error', message: error.message, ...hint }]
  }
}

async function examineRedis(keyturn: Keyturn): Promise<readonly Complaint[]> {
  const settings = await redisSettings(keyturn)
  if (settings.redis !== 'embedded') {
    const redis = await openRedis(settings, keyturn.logger)
    await redis[Symbol.asyncDispose]()
    return [{ severity: 'fact', message: 'the Redis that state.redis names answers' }]
  }
  const version = await redisVersion()
  if (version === null) throw notInstalled()
  return [{ severity: 'fact', message: `redis-server ${version} is installed for the embedded Redis` }]
}

async function examineFolder(folder: string): Promise<Complaint> {
  try {
    const { mode } = await stat(folder)
    if ((mode & 0o077) !== 0) {
      const message = `the state folder ${folder} can be read by others on this machine`
      return { severity: 'warning', message, hint: `chmod 700 ${folder}` }
    }
    return { severity: 'fact', message: `the state folder is ${folder}` }
  } catch {
    const parent = dirname(folder)
    const writable = await access(parent, constants.W_OK).then(
      () => true,
      () => false,
    )
    if (writable) return { severity: 'fact', message: `the state folder ${folder} will be made by the first apply` }
    const hint = 'Make it, or state another place under state.ledger.'
    return { severity: 'error', message: `the state folder ${folder} cannot be made in ${parent}`, hint }
  }
}

async function examineSource(
  keyturn: Keyturn,
  source: SourceSettings,
  signal: AbortSignal,
): Promise<readonly Complaint[]> {
  const intake = await readSource(keyturn, source, signal)
  if (intake.refused !== null) return [{ severity: 'error', message: intake.refused.why, hint: intake.refused.hint }]
  const aside = intake.problems.filter((problem) => problem.severity === 'error').length
  const rows = intake.accepted?.rows ?? 0
  const read: Complaint = { severity: 'fact', message: `${source.path}: ${rows} rows can be read` }
  if (aside === 0) return [read]
  return [
    read,
    {
      severity: 'warning',
      message: `${aside} records would be set aside`,
      hint: 'keyturn plan names each with its line',
    },
  ]
}

async function examinePlatform(
  keyturn: Keyturn,
  platform: PlatformSettings,
  signal: AbortSignal,
): Promise<readonly Complaint[]> {
  const connector = keyturn.connectors.get(platform.id)
  if (connector === undefined) return []
  const findings = [...(await connector.check(signal)), ...(await examineRoles(keyturn, connector, signal))]
  if (platform.delivery === undefined) {
    const hint = 'State delivery: { kind: age-file, … } to hand first passwords over.'
    return [...findings, { severity: 'warning', message: 'nobody will learn the first passwords', hint }]
  }
  const recipients = await readRecipients(platform.delivery.recipients)
  return [
    ...findings,
    { severity: 'fact', message: `first passwords are sealed for ${recipients.length} recipient(s)` },
  ]
}

/** Names under `entitlements.under` are known to the platform alone, so that `check` cannot test what the roles say. */
async function examineRoles(
  keyturn: Keyturn,
  connector: Connector,
  signal: AbortSignal,
): Promise<readonly Complaint[]> {
  const known = new Set(whole(await connector.catalogue(signal)).items.map((entry) => entry.name))
  return Object.values(keyturn.settings.roles).flatMap((role) =>
    (role.entitlements[connector.id] ?? [])
      .filter(({ name }) => !known.has(name))
      .map(({ name, place }): Complaint => {
        const message = `role ${role.name} gives "${name}", which is no group of the catalogue here (${showPlace(place)})`
        return { severity: 'error', message, hint: 'Correct the role, or make the group.' }
      }),
  )
}
