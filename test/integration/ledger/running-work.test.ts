import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../src/model/errors.ts'
import type { Leaver } from '../../../src/model/running.ts'
import * as s from './samples.ts'

const later = s.now + 60_000
const pointer = (key: string) => ({ identity: `hr:${key}`, platform: s.platform, lane: 'revoke' as const })

describe('looking without claiming', () => {
  test('gives what a claim would give, and whoever claims afterwards gets it all the same', async () => {
    const ledger = await s.ledgerWith(3)
    await ledger.admit(s.admission([s.disable('p1'), s.disable('p2'), s.title('p3', 'Head')]))
    const seen = await ledger.peek([pointer('p2'), pointer('p1'), pointer('p3')], s.now)
    expect(
      seen.map(({ identity, number, changes }) => [identity, number, changes.map(({ change }) => change)]),
    ).toEqual([
      ['hr:p2', 1, [s.disable('p2')]],
      ['hr:p1', 1, [s.disable('p1')]],
    ])
    const [one] = seen
    if (one === undefined) throw new Error('nothing seen')
    expect((await ledger.settle([s.settlement(one)])).refused).toHaveLength(1)
    expect(await ledger.renew([one.token], 1, s.now)).toEqual(new Set())
    expect(await s.claimAll(ledger, ['p1', 'p2'])).toHaveLength(2)
    expect(await ledger.peek([pointer('p1')], s.now)).toEqual([])
    const [abandoned] = await ledger.peek([pointer('p1')], later)
    expect(abandoned?.token).not.toBe((await s.claimOne(ledger, 'p1', later)).token)
  })
})

describe('a platform that is back', () => {
  test('makes everything due that waits because of the outage, and nothing else', async () => {
    const ledger = await s.ledgerWith(5)
    const codes: ErrorCode[] = ['platform-unreachable', 'secret-unavailable', 'value-refused', 'platform-busy']
    await ledger.admit(s.admission(codes.map((_, index) => s.title(`p${index + 1}`, 'Head'))))
    for (const [index, code] of codes.entries()) {
      const claimed = await s.claimOne(ledger, `p${index + 1}`)
      const results = claimed.changes.map((one) => ({
        ...one,
        status: 'retry' as const,
        error: { code, message: 'm' },
      }))
      await ledger.settle([s.settlement(claimed, 'retry', { results, nextTryAt: later })])
    }
    expect(await ledger.wake('elsewhere', s.now)).toBe(0)
    expect(await ledger.wake(s.platform, s.now)).toBe(3)
    const due = await ledger.due(s.platform, 'change', s.now, 10)
    expect(due.map(({ identity }) => identity).toSorted()).toEqual(['hr:p1', 'hr:p2', 'hr:p4'])
    expect(await ledger.wake(s.platform, s.now)).toBe(0)
    expect(await s.statusOf(ledger, 'p3')).toMatchObject({ nextTryAt: later })
  })
})

describe('a worker whose process has ended', () => {
  test('has nothing claimed any more, and what it had begun is remembered', async () => {
    const ledger = await s.ledgerWith(3)
    await ledger.admit(s.admission([s.title('p1', 'Head'), s.title('p2', 'Head'), s.title('p3', 'Head')]))
    const claim = (key: string, worker: string) =>
      ledger.claim([{ ...pointer(key), lane: 'change' }], worker, 60_000, s.now)
    const [dead] = await claim('p1', 'host:7:change')
    await claim('p2', 'host:71:change')
    if (dead === undefined) throw new Error('nothing claimed')
    await ledger.intend([{ ...dead, kind: 'grant', target: 'x', token: dead.token }], s.now)
    expect((await ledger.claimants()).toSorted()).toEqual(['host:71:change', 'host:7:change'])
    await ledger.releaseAllOf('host:7:change')
    expect(await ledger.claimants()).toEqual(['host:71:change'])
    const due = await ledger.due(s.platform, 'change', s.now, 10)
    expect(due.map(({ identity }) => identity).toSorted()).toEqual(['hr:p1', 'hr:p3'])
    expect((await ledger.settle([s.settlement(dead)])).refused).toHaveLength(1)
    const [next] = await claim('p1', 'host:8:change')
    expect(next?.openIntents.map(({ kind, target }) => [kind, target])).toEqual([['grant', 'x']])
  })
})

describe('leavers', () => {
  /** p1, p3, p5 are shut; p2 left without an account but with a name, p4 without anything; p6 works here. */
  async function company() {
    const ledger = await s.ledgerWith(7)
    const left = (key: string, leftAt: number) => s.person(key, { state: 'left', leftAt })
    await ledger.saveIntake(s.intake([left('p2', s.now - 10), left('p4', s.now), left('p1', s.now - 50)]), 'c')
    const shut = (key: string, shutAt: number) => s.link(key, { shutByUs: 'leaver', shutAt })
    await ledger.adopt([shut('p1', 30), shut('p3', 10), shut('p5', 20), s.link('p6')], [])
    await ledger.admit(s.admission([s.create('p2', 'Ann.Two'), s.create('p7', 'ann.seven')]))
    return ledger
  }
  const leaver = (key: string, names = [`ann.${key}`]): Leaver => ({
    identity: `hr:${key}`,
    nativeId: `guid-${key}`,
    names,
  })
  const nameOnly = (key: string, ...names: string[]): Leaver => ({ identity: `hr:${key}`, nativeId: null, names })

  test('come page by page: accounts that are shut, and names under which a stale write could still make one', async () => {
    const ledger = await company()
    const all = [leaver('p1'), nameOnly('p2', 'ann.two'), leaver('p3'), leaver('p5')]
    expect(await ledger.leavers(s.platform, { after: null, most: 10 })).toEqual(all)
    for (const most of [1, 2, 3]) {
      const seen: Leaver[] = []
      for (let after: string | null = null; ; ) {
        const page: readonly Leaver[] = await ledger.leavers(s.platform, { after, most })
        seen.push(...page)
        after = page.at(-1)?.identity ?? null
        if (page.length < most) break
      }
      expect(seen).toEqual(all)
    }
    expect(await ledger.leavers('elsewhere', { after: null, most: 10 })).toEqual([])
  })

  test('of whom an operator says that they left are among them, until that word ends', async () => {
    const ledger = await company()
    const word = { kind: 'state', state: 'left', emergency: true, until: null, reason: 'r', operator: 'ann' } as const
    await ledger.override({ ...word, identity: 'hr:p7', madeAt: s.now }, 'c')
    expect((await ledger.leavers(s.platform, { after: 'hr:p5', most: 10 })).map(({ identity }) => identity)).toEqual([
      'hr:p7',
    ])
    expect(await ledger.leavers(s.platform, { newest: 10 })).toContainEqual(nameOnly('p7', 'ann.seven'))
    await ledger.endOverride('hr:p7', 'state', 'ann', 'r', s.now, 'c')
    expect(await ledger.leavers(s.platform, { after: 'hr:p5', most: 10 })).toEqual([])
  })

  test('the newest come by when their account was shut; who has a name only is among the latest to leave', async () => {
    const ledger = await company()
    const newest = (await ledger.leavers(s.platform, { newest: 3 })).map(({ identity }) => identity)
    expect(newest).toEqual(['hr:p2', 'hr:p1', 'hr:p5'])
  })
})

describe('what is known of accounts', () => {
  test('a name is taken by who holds it and by who ever had it, however it is written', async () => {
    const ledger = await s.ledgerWith(3)
    await ledger.adopt([s.link('p1', { name: 'Ann.One' })], [])
    await ledger.admit(s.admission([s.create('p2', 'ann.two')]))
    const renamed = s.settlement(await s.claimOne(ledger, 'p2'), 'done', { link: s.link('p2', { name: 'ann.other' }) })
    await ledger.settle([renamed])
    const taken = await ledger.namesTaken(s.platform, ['ANN.one', 'ann.two', 'ann.other', 'ann.free'])
    expect(taken.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'ann.one', identity: 'hr:p1' },
      { name: 'ann.other', identity: 'hr:p2' },
      { name: 'ann.two', identity: 'hr:p2' },
    ])
    expect(await ledger.namesTaken('elsewhere', ['ann.one'])).toEqual([])
  })

  test('population and owners are those of one platform', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.adopt([s.link('p1'), s.link('p2', { platform: 'wiki' })], [])
    expect(await ledger.population(s.platform)).toBe(1)
    expect(await ledger.population('elsewhere')).toBe(0)
    expect(await ledger.owners(s.platform, ['guid-p1', 'guid-p2', 'guid-p3'])).toEqual([s.link('p1')])
  })

  test('records of one action are found from a moment on, the newest first', async () => {
    const ledger = await s.ledgerWith(1)
    const records = [s.record('p1', { action: 'reopened', at: 5 }), s.record('p1', { action: 'reopened', at: 9 })]
    await ledger.audit([...records, s.record('p1')])
    expect((await ledger.auditSince('reopened', 5)).map(({ at }) => at)).toEqual([9, 5])
    expect(await ledger.auditSince('reopened', 6)).toEqual([records[1]])
  })
})

test('what was done without the ledger is written, held as ours where it was open, and looked at again', async () => {
  const ledger = await s.ledgerWith(3)
  await ledger.adopt([s.link('p1'), s.link('p2', { shutByUs: 'leaver' }), s.link('p3')], [])
  const last = (await ledger.marked(10)).at(-1)?.id ?? 0
  const shut = ['p1', 'p2', 'p3'].map((key) => ({
    identity: `hr:${key}`,
    platform: s.platform,
    nativeId: `guid-${key}`,
  }))
  const done = s.record('p1', { action: 'disable' })
  const another = shut.map((one) => (one.identity === 'hr:p3' ? { ...one, nativeId: 'guid-other' } : one))
  await ledger.unspool({ audit: [done, s.record('stranger')], shut: another }, later, 'c-9')
  const links = await ledger.links(s.platform)
  expect(Object.fromEntries(links.map(({ identity, shutByUs }) => [identity, shutByUs]))).toEqual({
    'hr:p1': 'suspend',
    'hr:p2': 'leaver',
    'hr:p3': null,
  })
  expect(await ledger.auditOf('hr:p1', 5)).toEqual([done])
  expect(await ledger.auditOf('hr:stranger', 5)).toHaveLength(1)
  const marks = (await ledger.marked(10)).filter(({ id }) => id > last)
  expect(marks.map(({ identity, cause, since, correlation }) => [identity, cause, since, correlation])).toEqual(
    ['p1', 'p2', 'p3'].map((key) => [`hr:${key}`, 'spool', later, 'c-9']),
  )
  const enabled = s.record('p1', { action: 'enable', at: s.now + 1 })
  await ledger.unspool({ audit: [done, enabled], shut: another }, later, 'c-9')
  expect(await ledger.auditOf('hr:p1', 5)).toEqual([enabled, done])
})
