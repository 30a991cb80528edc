import { describe, expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import { rowsOf } from './raw.ts'
import * as s from './samples.ts'

describe('adopting', () => {
  test('links by hand, claims the name, and is in the audit', async () => {
    const ledger = await s.ledgerWith(2)
    const adopted = s.link('p1', { how: 'adopted', name: 'Ann' })
    await ledger.adopt([adopted], [s.record('p1', { action: 'adopted' })])
    expect(await ledger.links(s.platform, ['hr:p1', 'hr:p2'])).toEqual([adopted])
    expect(await ledger.linksOf('hr:p1')).toEqual([adopted])
    expect(await ledger.links('elsewhere')).toEqual([])
    expect(await ledger.auditOf('hr:p1', 1)).toEqual([s.record('p1', { action: 'adopted' })])
    await expect(ledger.admit(s.admission([s.create('p2', 'ann')]))).rejects.toMatchObject({ code: 'name-taken' })
  })

  test('remembers whose account another hand had shut before us, until it is forgotten', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.adopt([s.link('p1', { shutByUs: 'leaver', foundShut: true })], [])
    expect(await ledger.linksOf('hr:p1')).toEqual([s.link('p1', { shutByUs: 'leaver', foundShut: true })])
    await ledger.adopt([s.link('p1', { foundShut: false })], [])
    expect((await ledger.linksOf('hr:p1'))[0]).not.toHaveProperty('foundShut')
  })

  test('refuses what is linked to somebody else, and then links nothing', async () => {
    const ledger = await s.ledgerWith(3)
    await ledger.adopt([s.link('p1')], [])
    const mixed = ledger.adopt([s.link('p2'), s.link('p3', { nativeId: 'guid-p1' })], [s.record('p2')])
    await expect(mixed).rejects.toMatchObject({ code: 'name-taken', message: expect.stringContaining('hr:p1') })
    const same = ledger.adopt([s.link('p2', { nativeId: 'g' }), s.link('p3', { nativeId: 'g' })], [])
    await expect(same).rejects.toMatchObject({ code: 'name-taken' })
    expect(await ledger.links(s.platform)).toEqual([s.link('p1')])
    expect(await ledger.auditOf('hr:p2', 1)).toEqual([])
    await ledger.adopt([s.link('p1', { nativeId: 'guid-new' })], [])
    expect(await ledger.linksOf('hr:p1')).toEqual([s.link('p1', { nativeId: 'guid-new' })])
  })
})

describe('numbers', () => {
  test('are consecutive, begin at the floor, and are never given twice', async () => {
    const ledger = await s.ledgerWith(0)
    expect(await ledger.allocate('uid', 3, 10_000)).toBe(10_000)
    expect(await ledger.allocate('uid', 1, 10_000)).toBe(10_003)
    expect(await ledger.allocate('uid', 1, 20_000)).toBe(20_000)
    expect(await ledger.allocate('uid', 1, 10_000)).toBe(20_001)
    expect(await ledger.allocate('gid', 1, 5)).toBe(5)
    const many = await Promise.all(Array.from({ length: 50 }, () => ledger.allocate('uid', 2, 1)))
    expect(new Set(many).size).toBe(50)
  })
})

test('of two links of one person at once the last counts', async () => {
  const ledger = await s.ledgerWith(1)
  await ledger.adopt([s.link('p1'), s.link('p1', { nativeId: 'guid-new' })], [])
  expect(await ledger.links(s.platform)).toMatchObject([{ nativeId: 'guid-new' }])
})

describe('the audit', () => {
  test('is durable when the promise resolves, and nobody can change or delete it', async () => {
    const { url } = await s.temporaryLedger()
    const ledger = await openLedger(url)
    onTestFinished(() => ledger[Symbol.asyncDispose]())
    const records = [s.record('p1', { at: 1 }), s.record('p1', { at: 2, reason: null, platform: null, askedAt: null })]
    await ledger.audit(records)
    expect(await rowsOf(url, 'select at from audit')).toHaveLength(2)
    await expect(rowsOf(url, `update audit set result = 'failed'`)).rejects.toThrow('append-only')
    await expect(rowsOf(url, 'delete from audit')).rejects.toThrow('append-only')
    expect(await ledger.auditOf('hr:p1', 10)).toEqual(records.toReversed())
    expect(await ledger.auditOf('hr:p1', 1)).toHaveLength(1)
  })

  test('a unit that fails leaves others of the same moment untouched', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.adopt([s.link('p1')], [])
    const results = await Promise.allSettled([
      ledger.audit([s.record('p1', { action: 'a' })]),
      ledger.adopt([s.link('p9')], [s.record('p1', { action: 'never' })]),
      ledger.audit([s.record('p1', { action: 'b' })]),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await ledger.auditOf('hr:p1', 10)).map(({ action }) => action).toSorted()).toEqual(['a', 'b'])
  })
})
