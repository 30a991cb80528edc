import { chown, copyFile, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import { opens } from '../../../src/model/change.ts'
import type { Plan } from '../../../src/model/change.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import type { Ledger } from '../../../src/model/ledger.ts'
import type { RunningLedger } from '../../../src/model/running.ts'
import * as s from './samples.ts'

type Open = Ledger & RunningLedger

async function using_(url: string, work: (ledger: Open) => Promise<void>): Promise<void> {
  await using ledger = await openLedger(url)
  await work(ledger)
}

/** A ledger of two people, of which a backup was made, and then something happened. */
async function restorable() {
  const place = await s.temporaryLedger()
  const backup = `${place.path}.yesterday`
  const witness = `${place.path}.witness`
  await using_(place.url, (ledger) => ledger.saveIntake(s.intake(s.people(2)), 'c'))
  await copyFile(place.path, backup)
  await using_(place.url, (ledger) => ledger.saveIntake(s.intake(s.people(3)), 'c'))
  return { ...place, backup, witness, restore: () => copyFile(backup, place.path) }
}

async function reopened(url: string): Promise<Open> {
  const ledger = await openLedger(url)
  onTestFinished(() => ledger[Symbol.asyncDispose]())
  return ledger
}

const restoredAt = async (ledger: Open) => (await ledger.restored())?.at ?? 0

/** The plan over everybody after which the mark may end. */
const reconciliation = async (ledger: Open, plan: Partial<Plan> = {}, sources = ['hr']) => {
  const { plan: usual, ...rest } = s.admission([])
  return { ...rest, plan: { ...usual, ...plan }, reconciles: { restoredAt: await restoredAt(ledger), sources } }
}

describe('a ledger', () => {
  test('that is closed and opened is not restored, and neither is a new one or one in memory', async () => {
    const { url, path } = await s.temporaryLedger()
    for (const key of ['p1', 'p2', 'p3']) {
      await using_(url, async (ledger) => {
        expect(await ledger.restored()).toBeNull()
        await ledger.audit([s.record(key)])
      })
    }
    await using memory = await openLedger('sqlite::memory:')
    expect(await memory.restored()).toBeNull()
    expect((await stat(`${path}.witness`)).mode & 0o777).toBe(0o600)
  })

  test('whose owner is another user than root keeps a witness of that user, also when root writes it', async () => {
    const { url, path } = await s.temporaryLedger()
    await using_(url, (ledger) => ledger.audit([s.record('p1')]))
    const owner = process.getuid?.() === 0 ? 65_534 : (await stat(path)).uid
    await chown(path, owner, (await stat(path)).gid)
    await using_(url, (ledger) => ledger.audit([s.record('p2')]))
    expect((await stat(`${path}.witness`)).uid).toBe(owner)
  })

  test('that several open, write and close at once is never taken for a restored one', async () => {
    const { url } = await s.temporaryLedger()
    const work = async (name: number) => {
      for (let round = 0; round < 12; round++) {
        await using_(url, async (ledger) => {
          await ledger.audit([s.record(`p${name}`)])
          expect(await ledger.restored()).toBeNull()
        })
      }
    }
    await Promise.all([1, 2, 3, 4].map(work))
    expect(await (await reopened(url)).auditSince('ledger-restored', 0)).toEqual([])
  })

  test('put back from a backup is marked: since when, until when it knew everything, and everybody', async () => {
    const { url, restore } = await restorable()
    await restore()
    await using_(url, async (ledger) => {
      expect(await ledger.restored()).toEqual({ at: expect.any(Number), knownUntil: expect.any(Number) })
      expect((await ledger.marked(10)).at(-1)).toMatchObject({ identity: null, cause: 'policy' })
      expect(await ledger.auditSince('ledger-restored', 0)).toHaveLength(1)
    })
    // It stays so, whoever opens it, and is told once.
    const again = await reopened(url)
    expect(await again.restored()).not.toBeNull()
    expect(await again.auditSince('ledger-restored', 0)).toHaveLength(1)
  })

  test('who only reads knows it as well, and writes nothing', async () => {
    const { url, path, witness, restore } = await restorable()
    await restore()
    const before = await Promise.all([path, witness].map((file) => readFile(file)))
    {
      await using ledger = await openLedger(url, { readOnly: true })
      expect(await ledger.restored()).not.toBeNull()
    }
    expect(await Promise.all([path, witness].map((file) => readFile(file)))).toEqual(before)
  })

  test.each([
    ['deleted', (path: string) => rm(path)],
    ['whose witness says nothing that can be understood', (path: string) => writeFile(`${path}.witness`, 'restored')],
  ] as const)('%s counts as restored', async (_, harm) => {
    const { url, path } = await restorable()
    await harm(path)
    {
      await using reader = await openLedger(url, { readOnly: true })
      expect(await reader.restored()).not.toBeNull()
    }
    expect(await (await reopened(url)).restored()).not.toBeNull()
  })

  test('without a witness is as good, and gets one', async () => {
    const { url, witness } = await restorable()
    await rm(witness)
    await using_(url, async (ledger) => expect(await ledger.restored()).toBeNull())
    expect(JSON.parse(await readFile(witness, 'utf8'))).toMatchObject({ ledger: expect.any(String) })
  })

  test('whose witness cannot be written works all the same, and somebody is told', async () => {
    const { url, witness } = await restorable()
    await rm(witness)
    await mkdir(witness)
    const troubles: unknown[] = []
    {
      await using ledger = await openLedger(url, { onTrouble: (error) => troubles.push(error) })
      await ledger.audit([s.record('p1')])
    }
    expect(troubles.length).toBeGreaterThan(0)
  })

  test('that is replaced while it is open takes no more writes, says so once, and the new file is marked', async () => {
    const { url, path, backup } = await restorable()
    const errors: KeyturnError[] = []
    const old = await openLedger(url, { onReplaced: (error) => errors.push(error) })
    await old.audit([s.record('p1')])
    await copyFile(backup, `${path}.new`)
    await rename(`${path}.new`, path)
    await expect.poll(() => errors.length, { timeout: 10_000 }).toBe(1)
    expect(errors[0]).toMatchObject({ code: 'ledger-unavailable', message: expect.stringContaining('was replaced') })
    await expect(old.audit([s.record('p2')])).rejects.toBe(errors[0])
    await old[Symbol.asyncDispose]()

    const fresh = await reopened(url)
    expect(await fresh.restored()).not.toBeNull()
    expect(await fresh.identities()).toHaveLength(2)
    // The log of the other file would have been replayed into this one.
    expect((await readdir(dirname(path))).filter((name) => name.includes('-wal.of-another-ledger'))).toHaveLength(1)
  })

  test('whose older state is put back in place while it is open is marked, and whoever has it open is told', async () => {
    const { url, witness } = await restorable()
    const errors: KeyturnError[] = []
    const ledger = await openLedger(url, { onReplaced: (error) => errors.push(error) })
    onTestFinished(() => ledger[Symbol.asyncDispose]())
    const seen = JSON.parse(await readFile(witness, 'utf8')) as { beat: number }
    await writeFile(witness, JSON.stringify({ ...seen, beat: seen.beat + 5 }))
    await expect.poll(() => errors.length, { timeout: 10_000 }).toBeGreaterThan(0)
    expect(await ledger.restored()).not.toBeNull()
    await sleep(2_500)
    expect(errors).toHaveLength(1)
  })
})

describe('while the ledger is restored', () => {
  test('whoever has claimed something admitted before may write nothing that opens', async () => {
    const { url, restore, backup, path } = await restorable()
    await using_(url, async (ledger) => void (await ledger.admit(s.admission([s.create('p1')]))))
    await copyFile(path, backup)
    await using_(url, (ledger) => ledger.audit([s.record('p1')]))
    await restore()
    const ledger = await reopened(url)
    const claimed = await s.claimOne(ledger, 'p1')
    const [create] = claimed.changes.filter(({ change }) => opens(change))
    const intent = { ...claimed, kind: 'create', target: 'ann.p1', token: claimed.token } as const
    expect(create).toBeDefined()
    expect(await ledger.intend([intent], s.now)).toEqual(new Set())

    await ledger.saveIntake(s.intake(s.people(2)), 'c')
    await ledger.admit(await reconciliation(ledger))
    expect(await ledger.intend([intent], s.now)).toEqual(new Set([claimed.token]))
  })

  test('the mark ends with a look at everybody after every source was read, and everybody is looked at again', async () => {
    const { url, restore } = await restorable()
    await restore()
    const ledger = await reopened(url)
    await ledger.admit(await reconciliation(ledger))
    expect(await ledger.restored()).not.toBeNull()
    await ledger.saveIntake(s.intake(s.people(2)), 'c')
    await ledger.admit(await reconciliation(ledger, {}, ['hr', 'agency']))
    expect(await ledger.restored()).not.toBeNull()
    await ledger.admit(s.admission([]))
    expect(await ledger.restored()).not.toBeNull()
    const looked = { upTo: (await ledger.marked(100)).at(-1)?.id ?? 0, people: null }
    await ledger.admit({ ...(await reconciliation(ledger)), looked })
    expect(await ledger.restored()).toBeNull()
    expect(await ledger.marked(10)).toMatchObject([{ identity: null, cause: 'policy' }])
    expect(await ledger.auditSince('ledger-reconciled', 0)).toHaveLength(1)
  })

  test('a look from before the backup was put back once more, or at somebody who changed meanwhile, ends nothing', async () => {
    const { url, restore } = await restorable()
    await restore()
    const ledger = await reopened(url)
    await ledger.saveIntake(s.intake(s.people(2)), 'c')
    const early = await reconciliation(ledger)
    const { reconciles } = early
    await ledger.admit({ ...early, reconciles: { ...reconciles, restoredAt: reconciles.restoredAt - 1 } })
    expect(await ledger.restored()).not.toBeNull()
    const dueAt = new Map([['hr:p1', null]])
    expect(await ledger.admit({ ...early, dueAt, revisions: new Map([['hr:p1', 99]]) })).toMatchObject({
      stale: ['hr:p1'],
    })
    expect(await ledger.restored()).not.toBeNull()
  })
})

test('what the plan corrects of links is written down with the reason, but never over what somebody knows better by now', async () => {
  const ledger = await s.ledgerWith(3)
  const links = [s.link('p1', { shutByUs: 'suspend' }), s.link('p2', { shutByUs: 'leaver' }), s.link('p3')]
  await ledger.adopt(links, [])
  const correction = (key: string) => ({
    ...s.link(key),
    account: `ann.${key}`,
    from: 'suspend' as const,
    shutByUs: 'suspend' as const,
    foundShut: true,
    passwordScrambled: false,
    text: 'nobody can tell who shut it',
  })
  const claims = [{ platform: s.platform, name: 'Ann.Free', identity: 'hr:p3' }]
  const dueAt = new Map(['hr:p1', 'hr:p2', 'hr:p3'].map((id) => [id, null] as const))
  const corrections = ['p1', 'p2', 'p3'].map(correction)
  await ledger.admit({ ...(await reconciliation(ledger, { corrections, claims })), dueAt })
  expect(await ledger.links(s.platform)).toMatchObject([
    { identity: 'hr:p1', shutByUs: 'suspend', foundShut: true },
    { identity: 'hr:p2', shutByUs: 'leaver' },
    { identity: 'hr:p3', shutByUs: null },
  ])
  expect(await ledger.auditSince('link-corrected', 0)).toMatchObject([
    { identity: 'hr:p1', detail: 'nobody can tell who shut it' },
  ])
  expect(await ledger.namesTaken(s.platform, ['ann.free'])).toEqual([{ name: 'ann.free', identity: 'hr:p3' }])
})
