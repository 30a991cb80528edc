// The disk of the ledger is full, or somebody holds the ledger's write lock and hangs. Whoever leaves is shut out all the same
// (law 3), and nothing of it is lost. Needs Linux and root, who may mount a file system.
import type { Entry } from 'ldapts'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readdir, rename } from 'node:fs/promises'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditRecord } from '../../src/model/ledger.ts'
import { freePort } from '../servers/ports.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon, signal } from './daemon.ts'
import { SmallDisk } from './disk.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, person, staff } from './settings.ts'
import { auditOf, isShutOut, settled, truth, untilShutOut } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

const settings = {
  daemon: { listen: 'off' },
  sources: { hr: { contract: { rows: { 'max-change': '90%' } } } },
  safety: { limits: { removals: { max: '90%', above: 100 } } },
}

/** Signs in with the first password; 0 where it lets in. */
async function signIn(company: Company, id: string): Promise<number> {
  const account = (await company.account(id)) as Entry
  return company.signIn(account.dn, await company.firstPassword(String(account['uid'])))
}

async function refused(company: Company, ids: readonly string[], daemon: Daemon | null = null): Promise<void> {
  await untilShutOut(company, ids, daemon, 20_000)
  for (const id of ids) expect(await signIn(company, id)).not.toBe(0)
}

const done = (records: readonly AuditRecord[], action: string) =>
  records.filter((one) => one.action === action && one.result === 'done')

/** Nobody opened the account again, not even for a moment. */
async function neverOpened(company: Company, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(done(await auditOf(company, id), 'enable')).toEqual([])
}

test('with a full disk leavers are shut, joiners wait, and the record follows when there is space', async () => {
  const listen = `127.0.0.1:${await freePort()}`
  await using company = await Company.found(server, { config: { ...settings, daemon: { listen } } })
  await using disk = await SmallDisk.at(company.path('var'))
  let people = staff(12)
  await company.feed(people)
  await using daemon = await Daemon.start(company)
  const tail = () => daemon.tail()
  await settled(company, people, tail)
  await disk.fill()

  const fullAt = Date.now()
  const gone = ['E3', 'E5', 'E7']
  people = [...left(people, gone), person('E13')]
  await company.feed(people)
  await refused(company, gone, daemon)
  const shutBy = Date.now()
  // More leave while it lasts, and an operator says so of somebody else.
  people = left(people, ['E1'])
  await company.feed(people)
  await refused(company, ['E1'], daemon)
  const word = await company.json('offboard', 'E9', '--reason', 'lost a laptop')
  expect([word.code, word.document]).toMatchObject([
    1,
    { unwritten: { isKept: true }, obligations: [{ state: 'owed', proof: { grade: 'refused' } }] },
  ])
  await refused(company, ['E9'])
  const second = await company.keyturn('offboard', 'E10', '--reason', 'lost another')
  expect([second.code, second.stdout]).toEqual([1, expect.stringContaining('are spooled beside it')])
  await refused(company, ['E10'])
  expect([await company.account('E13'), await disk.left()]).toEqual([null, 0])

  const ready = await fetch(`http://${listen}/readyz`)
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('the disk is full')])
  expect((await fetch(`http://${listen}/healthz`)).status).toBe(200)
  const isTold = () => daemon.log.find((line) => line.msg === 'notice' && line['kind'] === 'ledger-spooled')
  await daemon.until('somebody is paged', async () => isTold())

  for (const command of [
    ['freeze', 'E2'],
    ['override', 'E2', '--state', 'left'],
  ]) {
    const run = await company.keyturn(...command, '--reason', 'investigation')
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/Your word was NOT recorded\.[^]*is not in it/)])
  }
  const status = await company.keyturn('status', '--offline')
  expectExit(status, 2)
  expect(status.stdout).toMatch(/^The ledger cannot be written since .*the disk is full/)
  expect(status.stdout).toMatch(/\d+ records about 6 people wait in the spool beside the ledger/)
  expect(status.stdout).not.toContain('Nothing is owed.')
  expect(status.stdout).not.toContain('No daemon runs')
  const waiting = await company.keyturn('explain', 'E9')
  expect(waiting.stdout).toMatch(/NOT YET in the ledger.* override to left .*lost a laptop/)
  expect(waiting.stdout).toMatch(/^hr:E9 {2}left$/m)
  expect(waiting.stdout).toContain('shut by Keyturn, which the ledger does not know yet')

  // HR's file is away for the moment: the ledger remembers leavers as people who work, and must not open anything.
  await rename(company.path('feed.csv'), company.path('feed.away'))
  await disk.free()
  await daemon.says('the ledger has taken what was spooled')
  const members = () => company.members('staff')
  await daemon.until('all who left have lost their groups', async () => (await members()).length === 6)
  const full = await company.apply()
  expect(full.document.sources).toMatchObject([{ accepted: false }])
  await refused(company, [...gone, 'E1', 'E9', 'E10'])
  await rename(company.path('feed.away'), company.path('feed.csv'))
  await settled(company, people, tail)

  const [began] = done(await auditOf(company, 'E3'), 'disable')
  expect(began?.at).toBeGreaterThanOrEqual(fullAt)
  expect(began?.at).toBeLessThanOrEqual(shutBy)
  expect(done(await auditOf(company, 'E3'), 'disable').length).toBeLessThanOrEqual(2)
  await neverOpened(company, [...gone, 'E1', 'E9', 'E10'])
  const explained = await company.json('explain', 'E9')
  expect(explained.stdout).toContain('lost a laptop')
  expect(await company.account('E13')).not.toBeNull()
  expect((await readdir(disk.folder)).filter((name) => name.endsWith('.spool'))).toHaveLength(1)
  // Two left by the operator's word, though HR's feed has them at work.
  expect(await truth(company, left(people, ['E9', 'E10']))).toEqual([])
  expect((await company.keyturn('status', '--offline')).stdout).not.toMatch(/spool|cannot be written/)

  // HR was wrong about E3: we had shut it, so we open it again (law 8).
  people = people.map((one) => (one.employee_id === 'E3' ? person('E3') : one))
  await company.feed(people)
  await daemon.until('E3 is let in again', async () => !(await isShutOut(company, 'E3')))
})

test('killed in the middle of the outage and started while the disk is still full: leavers are shut, and no record is lost', async () => {
  await using company = await Company.found(server, { config: settings })
  await using disk = await SmallDisk.at(company.path('var'))
  let people = staff(8)
  await company.feed(people)
  await using first = await Daemon.start(company)
  await settled(company, people, () => first.tail())
  await disk.fill()
  people = left(people, ['E2'])
  await company.feed(people)
  await refused(company, ['E2'], first)
  await first.says('shut without the ledger')
  await first.kill()

  // Nobody runs: an operator's command takes what space the killed daemon had.
  const word = await company.json('offboard', 'E4', '--reason', 'lost a laptop')
  expect([word.code, word.document]).toMatchObject([1, { unwritten: { isKept: true } }])
  await refused(company, ['E4'])

  people = left(people, ['E6'])
  await company.feed(people)
  await using second = await Daemon.start(company)
  await refused(company, ['E6'], second)
  await second.says('shut without the ledger')
  expect(second.log.filter(({ msg }) => msg.includes('kept in memory'))).toEqual([])
  await disk.free()
  await settled(company, people, () => second.tail())
  await second.says('the ledger can be written again')
  for (const id of ['E2', 'E4', 'E6']) {
    const records = await auditOf(company, id)
    expect(done(records, 'disable').length).toBeGreaterThan(0)
    expect(records.filter(({ action }) => action === 'proof')).toContainEqual(
      expect.objectContaining({ result: 'refused' }),
    )
  }
  await neverOpened(company, ['E2', 'E4', 'E6'])
  await second.until('E4 has lost the groups', async () => (await company.members('staff')).length === 5)
  await settled(company, people, () => second.tail())
  expect(await truth(company, left(people, ['E4']))).toEqual([])
})

/** Another program in a transaction that it never ends, stopped where it stands. */
async function lockAndHang(path: string): Promise<ChildProcess> {
  const script = `
    const { DatabaseSync } = require('node:sqlite')
    const database = new DatabaseSync(process.argv[1], { timeout: 20_000 })
    database.exec('begin immediate')
    process.stdout.write('locked')
    setInterval(() => undefined, 1_000)`
  const child = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  signal([child.pid ?? 0], 'STOP')
  return child
}

test('somebody holds the write lock of the ledger and hangs, and is continued at last: leavers are shut meanwhile', async () => {
  await using company = await Company.found(server, { config: settings })
  let people = staff(8)
  await company.feed(people)
  await using daemon = await Daemon.start(company)
  const tail = () => daemon.tail()
  await settled(company, people, tail)
  const holder = await lockAndHang(company.path('var/keyturn.db'))
  try {
    people = [...left(people, ['E2', 'E3']), person('E9')]
    await company.feed(people)
    await refused(company, ['E2', 'E3'], daemon)
    const word = await company.json('offboard', 'E5', '--reason', 'lost a laptop')
    expect([word.code, word.document]).toMatchObject([1, { unwritten: { isKept: true } }])
    await refused(company, ['E5'])
    expect(await company.account('E9')).toBeNull()
  } finally {
    signal([holder.pid ?? 0], 'CONT')
    holder.kill()
  }
  await settled(company, people, tail)
  await daemon.until('E5 has lost the groups', async () => (await company.members('staff')).length === 6)
  await settled(company, people, tail)
  await neverOpened(company, ['E2', 'E3', 'E5'])
  expect(await truth(company, left(people, ['E5']))).toEqual([])
})

test('a ledger that goes away ends the daemon with a word; one that may only be read is no reason to let a leaver in', async () => {
  await using company = await Company.found(server, { config: settings })
  await using disk = await SmallDisk.at(company.path('var'))
  const people = staff(2)
  await company.feed(people)
  await using daemon = await Daemon.start(company)
  await settled(company, people, () => daemon.tail())
  await rename(company.path('var/keyturn.db'), company.path('var/aside.db'))
  expect(await daemon.ended()).toBe(1)
  expect(daemon.log.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('was replaced by another file'))

  await rename(company.path('var/aside.db'), company.path('var/keyturn.db'))
  await disk.remount('ro')
  const applied = await company.keyturn('apply')
  expect([applied.code, applied.stderr]).toEqual([1, expect.stringMatching(/The ledger .*keyturn\.db .*\n.*Check/)])
  const gone = left(people, ['E2'])
  await company.feed(gone)
  await using again = await Daemon.start(company)
  await refused(company, ['E2'], again)
  const told = await again.says(
    'the ledger cannot be written: as long as it can be read, accounts are shut without it, and it is spooled',
  )
  expect(told['why']).toContain('cannot be written')
  expect(await again.says('the spool beside the ledger cannot be opened: it is kept in memory')).toBeDefined()
  await again.kill()
  await disk.remount('rw')
  await using last = await Daemon.start(company)
  await settled(company, gone, () => last.tail())
})

test('without a daemon, on a disk that may only be read: offboard shuts, and what is known is shown', async () => {
  await using company = await Company.found(server, { config: settings })
  await using disk = await SmallDisk.at(company.path('var'))
  await company.feed(staff(2))
  expectExit(await company.apply(), 0)
  await disk.remount('ro')
  expect((await company.keyturn('explain', 'E1')).stdout).toContain('givene1.surnamee1')
  const run = await company.keyturn('offboard', 'E1', '--reason', 'dismissed')
  expectExit(run, 1)
  expect(run.stderr).toContain('This works by what can be read of it.')
  expect(run.stdout).toMatch(/proof: refused[^]*NOTHING remembers your word/)
  await refused(company, ['E1'])
  await disk.remount('rw')
  expectExit(await company.keyturn('offboard', 'E1', '--reason', 'dismissed'), 0)
  expectExit(await company.plan(), 0)
  expect(await signIn(company, 'E2')).toBe(0)
})
