import { createHash } from 'node:crypto'
import { chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { KeyturnError } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import { type Clock, HOUR, type Instant } from '../model/instant.ts'
import type { DeliverySettings } from '../model/settings.ts'
import { readRecipients } from './recipients.ts'
import type { Sealer } from './seal.ts'

/** One initial password on its way to the person who will use it. */
export interface HandOver {
  readonly identity: IdentityId
  readonly account: string
  readonly password: string
  readonly mustChange: boolean
}

/** A hand-over that is safely written, before the password is set on the platform. */
export interface PreparedHandOver {
  /** The platform has the password: makes the file visible to the service desk. */
  finish(): Promise<void>
  /** The platform does not have it, or nobody knows: takes the file away. */
  discard(): Promise<void>
}

/** Hands initial passwords of one platform over. */
export interface Deliveries {
  /** @throws KeyturnError `delivery-failed`; then the password must not be set */
  prepare(handOver: HandOver): Promise<PreparedHandOver>
  /** Is there a finished hand-over for this account that has not expired? */
  isFinished(identity: IdentityId, account: string): Promise<boolean>
}

interface Desk {
  readonly platform: string
  readonly settings: DeliverySettings
  readonly recipients: readonly string[]
  readonly sealer: Sealer
  readonly clock: Clock
  /** Finished files by the part of their names that is the account's: a new password makes them useless. */
  readonly finished: Map<string, readonly string[]>
}

const unfinished = '.pending'
const finishedName = /^(.+-[0-9a-f]{8}-)\d{8}T\d{6}Z-expires-\d{8}T\d{6}Z\.age$/

/**
 * Opens the folder of age-encrypted hand-over files: one file a person, `NAME-PLATFORM-ID-ISSUED-expires-EXPIRY.age`,
 * readable by this user only. A file is `*.pending` until the platform has the password.
 *
 * @throws KeyturnError `config-invalid` (recipients) or `delivery-failed` (the folder)
 */
export async function openDeliveries(
  platform: string,
  settings: DeliverySettings,
  sealer: Sealer,
  clock: Clock,
): Promise<Deliveries> {
  const recipients = await readRecipients(settings.recipients)
  const desk: Desk = { platform, settings, sealer, clock, recipients, finished: new Map() }
  await openFolder(desk)
  return {
    prepare: (handOver) => prepare(desk, handOver),
    isFinished: (identity, account) => isFinished(desk, identity, account),
  }
}

async function openFolder({ settings: { folder }, clock, finished }: Desk): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
    // What a killed process left: it holds a password that no platform has, or that is replaced by a fresh one.
    for (const name of await readdir(folder)) {
      const path = join(folder, name)
      if (name.endsWith(unfinished) && (await stat(path)).mtimeMs < clock() - HOUR) await rm(path, { force: true })
      const stem = finishedName.exec(name)?.[1]
      if (stem !== undefined) finished.set(stem, [...(finished.get(stem) ?? []), name])
    }
  } catch (cause) {
    throw new KeyturnError('delivery-failed', `the hand-over folder ${folder} cannot be used`, { cause })
  }
}

async function prepare(desk: Desk, handOver: HandOver): Promise<PreparedHandOver> {
  const issued = desk.clock()
  const expires = issued + desk.settings.expiresAfter
  const stem = stemOf(desk.platform, handOver.identity, handOver.account)
  const name = `${stem}${stamp(issued)}-expires-${stamp(expires)}.age`
  const final = join(desk.settings.folder, name)
  const pending = final + unfinished
  const sealed = await desk.sealer.seal(letter(desk.platform, handOver, expires), desk.recipients)
  try {
    await writeDurably(pending, sealed)
    await syncFolder(desk.settings.folder)
  } catch (cause) {
    throw new KeyturnError('delivery-failed', `the hand-over file for ${handOver.identity} cannot be written`, {
      cause,
    })
  }
  return {
    async finish() {
      await rename(pending, final).catch((cause: unknown) => {
        throw new KeyturnError('delivery-failed', `the hand-over file for ${handOver.identity} cannot be finished`, {
          cause,
        })
      })
      await discardOlder(desk, stem, name)
      await syncFolder(desk.settings.folder)
    },
    discard: () => rm(pending, { force: true }),
  }
}

/** Nobody should hand over a password that the platform has just forgotten. A file that stays misleads, but stops nothing. */
async function discardOlder({ settings: { folder }, finished }: Desk, stem: string, name: string): Promise<void> {
  const older = (finished.get(stem) ?? []).filter((one) => one !== name)
  finished.set(stem, [name])
  await Promise.allSettled(older.map((one) => rm(join(folder, one), { force: true })))
}

async function isFinished(desk: Desk, identity: IdentityId, account: string): Promise<boolean> {
  const stem = stemOf(desk.platform, identity, account)
  const tail = `${stamp(desk.clock())}.age`
  const names = await readdir(desk.settings.folder)
  // The stamps are all of one length and sort as time does.
  return names.some((name) => name.startsWith(stem) && name.endsWith('.age') && name.slice(-tail.length) > tail)
}

function letter(platform: string, handOver: HandOver, expires: Instant): string {
  const lines = [
    `Platform: ${platform}`,
    `Account: ${handOver.account}`,
    `Password: ${handOver.password}`,
    handOver.mustChange ? 'This password must be changed at the first sign-in.' : 'Please change this password soon.',
    `Hand over before: ${new Date(expires).toISOString()}. Destroy this file afterwards.`,
  ]
  return `${lines.join('\n')}\n`
}

/** A file name that begins as the account is called and is nobody else's: the account's name may hold what file names may not. */
function stemOf(platform: string, identity: IdentityId, account: string): string {
  const plain = (text: string) =>
    text
      .replace(/[^A-Za-z0-9._@-]/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, 100)
  const id = createHash('sha256').update(`${platform}\n${identity}\n${account}`).digest('hex').slice(0, 8)
  return `${plain(account)}-${plain(platform)}-${id}-`
}

/** `20261122T170428Z`: sorts as time does. */
function stamp(at: Instant): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  // A password that the platform takes and that then is lost with the machine would lock the joiner out: file and folder
  // are on disk before the platform hears of it.
  await using file = await open(path, 'w', 0o600)
  await file.writeFile(bytes)
  await file.sync()
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}
