import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { expect, onTestFinished, test } from 'vitest'
import { type Deliveries, openDeliveries } from '../../../src/apply/delivery.ts'
import { openSealer, type Sealer } from '../../../src/apply/seal.ts'
import { DAY, HOUR } from '../../../src/model/instant.ts'

const password = 'Planted-7hxm-Rqe3-nzdp'
const handOver = { identity: 'hr:1', account: "anna.o'neil", password, mustChange: true }

interface Desk {
  readonly folder: string
  readonly key: string
  readonly recipient: string
  readonly sealer: Sealer
  open(recipients?: readonly string[]): Promise<Deliveries>
  now: number
}

async function desk(): Promise<Desk> {
  const root = await mkdtemp(join(tmpdir(), 'keyturn-delivery-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const folder = join(root, 'handover')
  const key = await generateX25519Identity()
  const recipient = await identityToRecipient(key)
  const sealer = openSealer(2)
  onTestFinished(async () => await sealer[Symbol.asyncDispose]())
  const made: Desk = {
    folder,
    key,
    recipient,
    sealer,
    now: Date.now(),
    open: (recipients = [recipient]) => {
      const settings = { kind: 'age-file', folder, recipients, expiresAfter: 7 * DAY } as const
      return openDeliveries('corp-ad', settings, sealer, () => made.now)
    },
  }
  return made
}

async function decrypt(path: string, key: string): Promise<string> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(key)
  return await decrypter.decrypt(await readFile(path), 'text')
}

test('a hand-over is one file for one person, readable by this user only, and opens with the key of the service desk', async () => {
  const given = await desk()
  const deliveries = await given.open()
  const prepared = await deliveries.prepare(handOver)
  await prepared.finish()
  const [name = '', ...others] = await readdir(given.folder)
  expect(others).toEqual([])
  expect(name).toMatch(/^anna\.o_neil-corp-ad-[0-9a-f]{8}-\d{8}T\d{6}Z-expires-\d{8}T\d{6}Z\.age$/)
  expect((await stat(join(given.folder, name))).mode & 0o777).toBe(0o600)
  expect((await stat(given.folder)).mode & 0o777).toBe(0o700)
  const letter = await decrypt(join(given.folder, name), given.key)
  expect(letter).toContain('Platform: corp-ad\n')
  expect(letter).toContain("Account: anna.o'neil\n")
  expect(letter).toContain(`Password: ${password}\n`)
  expect(letter).toContain('must be changed at the first sign-in')
  expect(letter).toContain(new Date(given.now + 7 * DAY).toISOString())
  expect(await readFile(join(given.folder, name), 'latin1')).not.toContain(password)
})

test('until the platform has the password the file is pending, and it goes when the platform does not take it', async () => {
  const given = await desk()
  const deliveries = await given.open()
  const prepared = await deliveries.prepare(handOver)
  expect(await readdir(given.folder)).toEqual([expect.stringMatching(/\.age\.pending$/)])
  expect(await deliveries.isFinished('hr:1', "anna.o'neil")).toBe(false)
  await prepared.discard()
  expect(await readdir(given.folder)).toEqual([])
})

test('a finished hand-over is known until it expires, and only for its own account', async () => {
  const given = await desk()
  const deliveries = await given.open()
  await (await deliveries.prepare(handOver)).finish()
  expect(await deliveries.isFinished('hr:1', "anna.o'neil")).toBe(true)
  expect(await deliveries.isFinished('hr:2', "anna.o'neil")).toBe(false)
  expect(await deliveries.isFinished('hr:1', 'anna.o_neil')).toBe(false)
  given.now += 8 * DAY
  expect(await deliveries.isFinished('hr:1', "anna.o'neil")).toBe(false)
})

test('a new password takes away the file of the one before, also of an earlier run, and no other', async () => {
  const given = await desk()
  const earlier = await given.open()
  for (const account of ['anna', 'anna2']) await (await earlier.prepare({ ...handOver, account })).finish()
  given.now += HOUR
  const deliveries = await given.open()
  const prepared = await deliveries.prepare({ ...handOver, account: 'anna' })
  expect(await readdir(given.folder)).toHaveLength(3)
  await prepared.finish()
  const after = await readdir(given.folder)
  expect(new Set(after.map((name) => name.split('-')[0]))).toEqual(new Set(['anna', 'anna2']))
  expect(after).toHaveLength(2)
  given.now += HOUR
  await (await deliveries.prepare({ ...handOver, account: 'anna', password: 'third' })).finish()
  const files = await readdir(given.folder)
  expect(files).toHaveLength(2)
  const own = files.find((name) => name.startsWith('anna-')) ?? ''
  expect(await decrypt(join(given.folder, own), given.key)).toContain('Password: third')
})

test('what a killed process left pending is removed at the next start, but not what is being written now', async () => {
  const given = await desk()
  await mkdir(given.folder)
  for (const name of ['old.age.pending', 'new.age.pending', 'kept.age']) await writeFile(join(given.folder, name), '')
  const hoursAgo = new Date(given.now - 2 * HOUR)
  for (const name of ['old.age.pending', 'kept.age']) await utimes(join(given.folder, name), hoursAgo, hoursAgo)
  await given.open()
  expect((await readdir(given.folder)).toSorted((a, b) => a.localeCompare(b))).toEqual(['kept.age', 'new.age.pending'])
})

test('recipients may stand in a file with comments, and every one of them can open the hand-over', async () => {
  const given = await desk()
  const other = await generateX25519Identity()
  const list = join(given.folder, '..', 'recipients.txt')
  await writeFile(list, `# service desk\n\n${given.recipient}\n${await identityToRecipient(other)}\n`)
  const deliveries = await given.open([`file:${list}`])
  await (await deliveries.prepare(handOver)).finish()
  const [name = ''] = await readdir(given.folder)
  for (const key of [given.key, other]) expect(await decrypt(join(given.folder, name), key)).toContain(password)
})

test('a recipient that is none is refused at the start, with its place and without a private key', async () => {
  const given = await desk()
  await expect(given.open(['age1nonsense'])).rejects.toMatchObject({ code: 'config-invalid' })
  await expect(given.open([])).rejects.toMatchObject({ code: 'config-invalid' })
  await expect(given.open(['file:/nowhere/at.all'])).rejects.toThrow('/nowhere/at.all')
  const list = join(given.folder, '..', 'recipients.txt')
  await writeFile(list, `# by mistake\n${given.key}\n`)
  await expect(given.open([`file:${list}`])).rejects.toThrow(`${list}:2`)
  await expect(given.open([`file:${list}`])).rejects.not.toThrow(given.key)
})

test('a thousand hand-overs are encrypted while the event loop goes on', async () => {
  const given = await desk()
  const deliveries = await given.open()
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 5)
  const people = Array.from({ length: 1_000 }, (_, index) => ({ ...handOver, identity: `hr:${index}` }))
  const prepared = await Promise.all(people.map((one) => deliveries.prepare(one)))
  await Promise.all(prepared.map((one) => one.finish()))
  clearInterval(timer)
  expect(await readdir(given.folder)).toHaveLength(1_000)
  expect(longest).toBeLessThan(1_500)
})

test('closing the encryption rejects what still waits for it', async () => {
  const sealer = openSealer(1)
  const waiting = sealer.seal('text', [await identityToRecipient(await generateX25519Identity())])
  const closed = sealer[Symbol.asyncDispose]()
  await expect(waiting).rejects.toMatchObject({ code: 'delivery-failed' })
  await closed
})
