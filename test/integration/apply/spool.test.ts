import { spawnSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lookIntoSpools } from '../../../src/apply/spool-look.ts'
import { openSpool } from '../../../src/apply/spool.ts'
import type { AuditRecord } from '../../../src/model/ledger.ts'
import type { Logger } from '../../../src/model/ports.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-spool-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function notes(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const say = (message: string) => void lines.push(message)
  return { lines, debug: say, info: say, change: say, warn: say, error: say }
}

function record(identity: string): AuditRecord {
  const nothing = { account: null, reason: null, before: null, after: null, askedAt: null, detail: null }
  const what = { correlation: 'story-1', platform: 'corp', operator: 'ada', action: 'disable', result: 'done' }
  return { at: 1_000, identity, ...nothing, ...what }
}

const shut = { identity: 'hr:1', platform: 'corp', nativeId: 'n1' }
const open = (folder: string, logger: Logger = notes()) => openSpool(folder, Date.now, logger)

test('what is noted is drained, survives the process, and is gone once the ledger has taken it', async () => {
  const folder = await temporaryFolder()
  {
    await using spool = await open(folder)
    expect(await spool.drain()).toBeNull()
    await Promise.all([spool.note([{ shut }, { audit: record('hr:1') }]), spool.note([{ audit: record('hr:2') }])])
  }
  await using again = await open(folder)
  const all = { audit: [record('hr:1'), record('hr:2')], shut: [shut] }
  expect(await again.drain()).toEqual(all)
  // The ledger was not in time to take it: a second look finds it again.
  expect(await again.drain()).toEqual(all)
  await again.clear()
  expect(await again.drain()).toBeNull()
})

test('its space is taken before it is needed, and only this user reads it', async () => {
  const folder = await temporaryFolder()
  await using spool = await open(folder)
  const [name] = await readdir(folder)
  const before = await stat(join(folder, name ?? ''))
  expect(before.mode & 0o777).toBe(0o600)
  expect(before.blocks * 512).toBeGreaterThanOrEqual(1024 * 1024)
  await spool.note(Array.from({ length: 100 }, (_, index) => ({ audit: record(`hr:${index}`) })))
  const after = await stat(join(folder, name ?? ''))
  expect([after.size, after.blocks]).toEqual([before.size, before.blocks])
})

test('more than the space that was taken makes it grow', async () => {
  const folder = await temporaryFolder()
  await using spool = await open(folder)
  const many = Array.from({ length: 3_000 }, (_, index) => ({ audit: record(`hr:${index}`) }))
  await spool.note(many)
  await spool.note([{ audit: record('hr:last') }])
  const drained = await spool.drain()
  expect(drained?.audit).toHaveLength(3_001)
  expect(drained?.audit.at(-1)?.identity).toBe('hr:last')
})

test('what was noted after the last drain is kept when the drained is cleared', async () => {
  const folder = await temporaryFolder()
  await using spool = await open(folder)
  await spool.note([{ audit: record('hr:1') }])
  await spool.drain()
  await spool.note([{ audit: record('hr:2') }])
  await spool.clear()
  expect((await spool.drain())?.audit.map(({ identity }) => identity)).toContain('hr:2')
})

test('the spool of a process that ended is drained by another one, a line that was cut off is not', async () => {
  const folder = await temporaryFolder()
  const { pid } = spawnSync('true')
  const left = join(folder, `${hostname()}.${pid}.spool`)
  await writeFile(left, `${JSON.stringify({ audit: record('hr:7') })}\n{"audit":{"at":1`)
  const living = join(folder, `${hostname()}.${process.ppid}.spool`)
  await writeFile(living, `${JSON.stringify({ audit: record('hr:8') })}\n`)
  await using spool = await open(folder)
  expect((await spool.drain())?.audit.map(({ identity }) => identity)).toEqual(['hr:7'])
  await spool.clear()
  expect((await readdir(folder)).toSorted()).not.toContain(`${hostname()}.${pid}.spool`)
  expect(await readdir(folder)).toContain(`${hostname()}.${process.ppid}.spool`)
})

test('a damaged line is told and left out', async () => {
  const folder = await temporaryFolder()
  const log = notes()
  await using spool = await open(folder, log)
  await spool.note([{ audit: record('hr:1') }])
  await appendFile(join(folder, `${hostname()}.${spawnSync('true').pid}.spool`), 'no JSON\n')
  expect((await spool.drain())?.audit).toHaveLength(1)
  expect(log.lines).toEqual(['a line of a spool is damaged and left out'])
})

test('who looks sees what waits, and the trouble of a process as long as it lives; neither is taken by that', async () => {
  const folder = await temporaryFolder()
  const look = () => lookIntoSpools(folder, Date.now)
  expect(await look()).toMatchObject({ records: 0, people: 0, trouble: null, unreadable: [] })
  const trouble = { since: 1_000, why: 'the disk is full' }
  const override = { identity: 'hr:2', kind: 'state', state: 'left', emergency: true, until: null } as const
  const word = { ...override, reason: 'lost a laptop', operator: 'ada', madeAt: 1_000 }
  {
    await using spool = await open(folder)
    await spool.note([{ trouble }, { shut }, { audit: record('hr:1') }, { override: word }])
    expect(await look()).toEqual({ records: 3, people: 2, words: [word], shut: [shut], trouble, unreadable: [] })
  }
  expect(await look()).toMatchObject({ records: 3, trouble: null })
  await using next = await open(folder)
  expect(await next.drain()).toEqual({ audit: [record('hr:1')], shut: [shut], overrides: [word] })
  expect(await next.clear()).toBe(true)
  expect(await look()).toMatchObject({ records: 0, people: 0 })
})

test('a trouble alone is nothing to hand over, and is forgotten when the ledger can be written', async () => {
  const folder = await temporaryFolder()
  await using spool = await open(folder)
  await spool.note([{ trouble: { since: 1_000, why: 'the disk is full' } }])
  expect(await spool.drain()).toBeNull()
  await spool.note([{ trouble: { since: 2_000, why: 'the disk is full' } }])
  expect(await spool.clear()).toBe(false)
  expect(await spool.drain()).toBeNull()
  expect(await spool.clear()).toBe(true)
  expect((await lookIntoSpools(folder, Date.now)).trouble).toBeNull()
})

test('a spool that cannot be read is told, and is not removed with what was taken over', async () => {
  const folder = await temporaryFolder()
  const name = `${hostname()}.0-1.spool`
  await mkdir(join(folder, name))
  await using spool = await open(folder)
  await spool.note([{ shut }])
  expect(await spool.drain()).toMatchObject({ shut: [shut] })
  await spool.clear()
  expect(await lookIntoSpools(folder, Date.now)).toMatchObject({ records: 0, unreadable: [name] })
})

test('without a file the record is kept in memory, loudly', async () => {
  const log = notes()
  await using spool = await open(join(await temporaryFolder(), 'nowhere'), log)
  await spool.note([{ shut }])
  expect(await spool.drain()).toEqual({ audit: [], shut: [shut] })
  await spool.clear()
  expect(await spool.drain()).toBeNull()
  expect(log.lines).toHaveLength(2)
})
