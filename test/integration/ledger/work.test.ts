import { describe, expect, test } from 'vitest'
import type { ClaimedObligation, Intent, Ledger } from '../../../src/model/ledger.ts'
import * as s from './samples.ts'

const intentOf = (obligation: ClaimedObligation, kind: Intent['kind'] = 'create') => ({
  identity: obligation.identity,
  platform: obligation.platform,
  kind,
  target: 'ann.example',
  token: obligation.token,
})

const kindsOf = (obligation: ClaimedObligation) => obligation.changes.map(({ change }) => change.kind)

async function admitted(...changes: Parameters<typeof s.plan>[0]): Promise<Ledger> {
  const ledger = await s.ledgerWith(4)
  await ledger.admit(s.admission(changes))
  return ledger
}

describe('claiming', () => {
  test('gives what was admitted, once, until the lease has run out', async () => {
    const ledger = await admitted(s.create('p1'), s.grant('p1', 'staff'))
    const claimed = await s.claimOne(ledger, 'p1')
    expect(claimed).toMatchObject({ lane: 'change', number: 1, tries: 0, correlation: 'c-1', operator: 'root' })
    expect(claimed.changes.map(({ change }) => change)).toEqual([s.create('p1'), s.grant('p1', 'staff')])
    expect(await s.claimAll(ledger, ['p1'], s.now + s.leaseMs - 1)).toEqual([])
    const again = await s.claimOne(ledger, 'p1', s.now + s.leaseMs)
    expect(again.token).not.toBe(claimed.token)
  })

  test('answers in the order it was asked, and leaves out what is not owed or is another lane', async () => {
    const ledger = await admitted(s.create('p1'), s.disable('p2'), s.create('p3'))
    const pointers = ['p3', 'p2', 'p1', 'p4'].map((key) => ({ identity: `hr:${key}`, platform: s.platform }))
    const changes = await ledger.claim(
      pointers.map((p) => ({ ...p, lane: 'change' as const })),
      'w',
      s.leaseMs,
      s.now,
    )
    expect(changes.map(({ identity }) => identity)).toEqual(['hr:p3', 'hr:p1'])
  })

  test('is over after a release, and can be renewed until somebody else claims', async () => {
    const ledger = await admitted(s.create('p1'))
    const first = await s.claimOne(ledger, 'p1')
    expect(await ledger.renew([first.token], s.leaseMs, s.now + 50_000)).toEqual(new Set([first.token]))
    expect(await s.claimAll(ledger, ['p1'], s.now + s.leaseMs)).toEqual([])
    await ledger.release([first.token])
    const second = await s.claimOne(ledger, 'p1')
    expect(await ledger.renew([first.token, second.token, 'nonsense'], s.leaseMs, s.now)).toEqual(
      new Set([second.token]),
    )
    await ledger.release([first.token])
    expect(await s.claimAll(ledger, ['p1'])).toEqual([])
  })

  test('waits for the next try', async () => {
    const ledger = await admitted(s.create('p1'))
    const claimed = await s.claimOne(ledger, 'p1')
    await ledger.settle([s.settlement(claimed, 'retry', { nextTryAt: s.now + 5_000 })])
    expect(await ledger.due(s.platform, 'change', s.now + 4_999, 10)).toEqual([])
    expect(await s.claimAll(ledger, ['p1'], s.now + 4_999)).toEqual([])
    expect(await ledger.due(s.platform, 'change', s.now + 5_000, 10)).toHaveLength(1)
    expect(await s.claimOne(ledger, 'p1', s.now + 5_000)).toMatchObject({ tries: 1 })
  })

  test('what is due comes oldest first, per lane, and not while it is claimed', async () => {
    const ledger = await admitted(s.create('p1'), s.disable('p3'))
    await ledger.admit(s.admission([s.create('p2')], [], { now: s.now - 10 }))
    const due = await ledger.due(s.platform, 'change', s.now, 10)
    expect(due.map(({ identity }) => identity)).toEqual(['hr:p2', 'hr:p1'])
    expect(await ledger.due(s.platform, 'change', s.now, 1)).toHaveLength(1)
    await s.claimAll(ledger, ['p1'])
    expect(await ledger.due(s.platform, 'change', s.now, 10)).toHaveLength(1)
  })
})

describe('fencing', () => {
  test('a settlement under a claim that was taken over changes nothing and is returned', async () => {
    const ledger = await admitted(s.create('p1'))
    const slow = await s.claimOne(ledger, 'p1')
    const fast = await s.claimOne(ledger, 'p1', s.now + s.leaseMs)
    const late = s.settlement(slow, 'failed', { link: s.link('p1'), audit: [s.record('p1')] })
    expect(await ledger.settle([late])).toEqual({
      refused: [{ identity: 'hr:p1', platform: s.platform, lane: 'change' }],
    })
    expect(await ledger.linksOf('hr:p1')).toEqual([])
    expect(await ledger.auditOf('hr:p1', 10)).toEqual([])
    expect(await ledger.settle([s.settlement(fast)])).toEqual({ refused: [] })
    expect(await ledger.settle([s.settlement(fast)])).toMatchObject({ refused: [{ identity: 'hr:p1' }] })
  })

  test('an intent is committed only under a living claim on the newest number', async () => {
    const ledger = await admitted(s.create('p1'), s.create('p2'), s.create('p3'))
    const [current, outdated, superseded] = await s.claimAll(ledger, ['p1', 'p2', 'p3'])
    if (current === undefined || outdated === undefined || superseded === undefined) throw new Error('not claimed')
    await ledger.release([outdated.token])
    await ledger.admit(s.admission([s.disable('p3')]))
    const intents = [current, outdated, superseded].map((obligation) => intentOf(obligation))
    expect(await ledger.intend(intents, s.now)).toEqual(new Set([current.token]))
    expect(await ledger.intend([intentOf(current)], s.now + s.leaseMs)).toEqual(new Set())
  })

  test('a change that comes while somebody works is recorded, and the old work does not settle it', async () => {
    const ledger = await admitted(s.create('p1'))
    const creating = await s.claimOne(ledger, 'p1')
    await ledger.admit(s.admission([s.title('p1', 'Head')]))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ lane: 'change', wanted: 2, settled: 0, state: 'owed' })
    expect(await s.claimAll(ledger, ['p1'])).toEqual([])
    expect(await ledger.settle([s.settlement(creating, 'done', { link: s.link('p1') })])).toEqual({ refused: [] })
    expect(await ledger.linksOf('hr:p1')).toHaveLength(1)
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ wanted: 2, settled: 1, state: 'owed', tries: 0 })
    const changing = await s.claimOne(ledger, 'p1')
    expect(changing.number).toBe(2)
    expect(kindsOf(changing)).toEqual(['update'])
  })

  test('a step of a revocation is recorded only under the claim', async () => {
    const ledger = await admitted(s.disable('p1'))
    const slow = await s.claimOne(ledger, 'p1')
    const step = { step: 'disabled', at: s.now, detail: 'read back' }
    expect(await ledger.stepsDone([s.stepRecord(slow, step)])).toEqual(new Set())
    const fast = await s.claimOne(ledger, 'p1', s.now + s.leaseMs)
    expect(fast.stepsDone).toEqual([step])
    expect(await ledger.stepsDone([s.stepRecord(slow, step)])).toEqual(new Set([slow.token]))
    expect(await ledger.stepsDone([s.stepRecord(fast, step, false)])).toEqual(new Set())
    // All of them happened; only one counts.
    const third = await s.claimOne(ledger, 'p1', s.now + 2 * s.leaseMs)
    expect(third.stepsDone).toEqual([step])
    expect((await ledger.auditOf('hr:p1', 10)).map(({ action, after }) => [action, after])).toEqual(
      Array.from({ length: 3 }, () => ['step', 'disabled']),
    )
  })
})

describe('intents', () => {
  test('of a claim that ended without a word are shown to the next, until it has seen the platform', async () => {
    const ledger = await admitted(s.create('p1'))
    const dead = await s.claimOne(ledger, 'p1')
    await ledger.intend([intentOf(dead)], s.now)
    const blind = await s.claimOne(ledger, 'p1', s.now + s.leaseMs)
    expect(blind.openIntents).toEqual([
      { identity: 'hr:p1', platform: s.platform, kind: 'create', target: 'ann.example' },
    ])
    // The platform could not be read: no outcome.
    const results = blind.changes.map((one) => ({ ...one, status: 'retry' as const }))
    await ledger.settle([s.settlement(blind, 'retry', { results })])
    const seeing = await s.claimOne(ledger, 'p1', s.now + s.leaseMs)
    expect(seeing.openIntents).toHaveLength(1)
    await ledger.settle([s.settlement(seeing, 'moved')])
    await ledger.admit(s.admission([s.title('p1', 'Head')]))
    expect((await s.claimOne(ledger, 'p1')).openIntents).toEqual([])
  })

  test('stay open where nobody knows how the write came out', async () => {
    const ledger = await admitted(s.create('p1'), s.grant('p1', 'staff'))
    const claimed = await s.claimOne(ledger, 'p1')
    await ledger.intend([intentOf(claimed), intentOf(claimed, 'grant')], s.now)
    const results = claimed.changes.map((one) => ({
      ...one,
      status: one.change.kind === 'create' ? ('retry' as const) : ('done' as const),
      outcome: { result: 'retry' as const },
    }))
    await ledger.settle([s.settlement(claimed, 'retry', { results })])
    expect((await s.claimOne(ledger, 'p1')).openIntents.map(({ kind }) => kind)).toEqual(['create'])
  })

  test('of a create stay open until its password is handed over, also when a newer plan came in between', async () => {
    const ledger = await admitted(s.create('p1'))
    await ledger.intend([intentOf(await s.claimOne(ledger, 'p1'))], s.now)
    await ledger.admit(s.admission([s.title('p1', 'Head')]))
    const password = {
      ...s.title('p1', 'Head'),
      kind: 'issue-credential',
      credential: 'password',
    } as const
    const finish = async (status: 'retry' | 'done', at: number) => {
      const claimed = await s.claimOne(ledger, 'p1', at)
      const done = claimed.changes.map((one) => ({
        ...one,
        status: 'done' as const,
        outcome: { result: 'done' as const },
      }))
      const results = [...done, { id: 0, change: password, status, outcome: { result: status } }]
      await ledger.settle([s.settlement(claimed, 'done', { results })])
      return (await ledger.obligationsOf([claimed]))[0]?.state
    }
    expect(await finish('retry', s.now + s.leaseMs)).toBe('owed')
    expect((await s.claimOne(ledger, 'p1', s.now + s.leaseMs)).openIntents).toHaveLength(1)
    await ledger.admit(s.admission([s.title('p1', 'Chief')]))
    expect(await finish('done', s.now + 3 * s.leaseMs)).toBe('settled')
    await ledger.admit(s.admission([s.title('p1', 'Boss')]))
    expect((await s.claimOne(ledger, 'p1', s.now + 5 * s.leaseMs)).openIntents).toEqual([])
  })
})

describe('the steps of a revocation', () => {
  const step = { step: 'disabled', at: s.now, detail: 'read back' }

  test('survive its retries, and are forgotten before the account may be opened again', async () => {
    const ledger = await admitted(s.disable('p1'))
    const first = await s.claimOne(ledger, 'p1')
    await ledger.stepsDone([s.stepRecord(first, step)])
    await ledger.settle([s.settlement(first, 'retry')])
    const second = await s.claimOne(ledger, 'p1')
    expect(second.stepsDone).toEqual([step])
    await ledger.settle([s.settlement(second)])
    await ledger.admit(s.admission([s.enable('p1')]))
    const opening = await s.claimOne(ledger, 'p1')
    expect(opening.stepsDone).toEqual([step])
    await ledger.intend([intentOf(opening, 'enable')], s.now)
    await ledger.release([opening.token])
    expect((await s.claimOne(ledger, 'p1')).stepsDone).toEqual([])
  })
})

describe('settling', () => {
  test('records link, grants, proof and audit with the result', async () => {
    const ledger = await admitted(s.create('p1'), s.grant('p1', 'staff'))
    const claimed = await s.claimOne(ledger, 'p1')
    const granted = { identity: 'hr:p1', platform: s.platform, entitlement: 'staff', grantedAt: s.now }
    const reason = { kind: 'rule', text: 'role employee' } as const
    const proof = { grade: 'read-back', at: s.now, text: 'seen' } as const
    await ledger.settle([
      s.settlement(claimed, 'done', {
        link: s.link('p1', { shutByUs: 'pre-hire', passwordScrambled: true }),
        grantsAdded: [{ ...granted, reason }],
        proof,
        audit: [s.record('p1'), s.record('p1', { action: 'create' })],
      }),
    ])
    expect(await ledger.links(s.platform)).toEqual([s.link('p1', { shutByUs: 'pre-hire', passwordScrambled: true })])
    expect(await ledger.grants(s.platform, ['hr:p1'])).toEqual([{ ...granted, reason }])
    expect(await ledger.auditOf('hr:p1', 10)).toEqual([s.record('p1', { action: 'create' }), s.record('p1')])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'settled', settled: 1, proof, claimedUntil: null })
    expect(await ledger.openCounts()).toEqual([])
  })

  test('a grant is forgotten when it was taken away, and all of them when the account is gone', async () => {
    const ledger = await admitted(s.create('p1'))
    const reason = { kind: 'rule', text: 'role employee' } as const
    const grants = ['staff', 'vpn', 'wiki'].map((entitlement) => ({
      identity: 'hr:p1',
      platform: s.platform,
      entitlement,
      reason,
      grantedAt: s.now,
    }))
    const made = { link: s.link('p1'), grantsAdded: grants }
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'done', made)])
    await ledger.admit(s.admission([s.revoke('p1', 'vpn')]))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'done', { grantsRemoved: ['vpn', 'other'] })])
    expect((await ledger.grants(s.platform)).map(({ entitlement }) => entitlement)).toEqual(['staff', 'wiki'])
    await ledger.admit(s.admission([{ ...s.enable('p1'), kind: 'delete' }]))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'done', { unlink: true })])
    expect(await ledger.grants(s.platform)).toEqual([])
    expect(await ledger.linksOf('hr:p1')).toEqual([])
    expect(await ledger.names(s.platform)).toEqual([{ platform: s.platform, name: 'ann.p1', identity: 'hr:p1' }])
  })

  test('what failed for good is failed, loudly, and what is to be tried again is not', async () => {
    const ledger = await admitted(s.create('p1'), s.grant('p1', 'staff'), s.disable('p2'))
    const error = { code: 'value-refused', message: 'no such thing' } as const
    const first = await s.claimOne(ledger, 'p1')
    const results = first.changes.map((one, index) => ({
      ...one,
      status: index === 0 ? ('failed' as const) : ('retry' as const),
      error,
    }))
    await ledger.settle([s.settlement(first, 'failed', { results })])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'owed', tries: 1, lastError: error })
    const second = await s.claimOne(ledger, 'p1')
    expect(kindsOf(second)).toEqual(['grant'])
    await ledger.settle([s.settlement(second)])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'failed', settled: 1 })
    expect(await s.claimAll(ledger, ['p1'])).toEqual([])
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p2'), 'failed')])
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'owed', settled: 0 })
    expect(await ledger.openCounts()).toEqual([
      { platform: s.platform, lane: 'change', owed: 0, failed: 1, waiting: 0, oldest: null },
      { platform: s.platform, lane: 'revoke', owed: 1, failed: 0, waiting: 0, oldest: s.now },
    ])
  })

  test('an account that is linked to somebody else meanwhile stays theirs, and the others of the chunk are settled', async () => {
    const ledger = await admitted(s.create('p1'), s.create('p2'))
    const [one, two] = await s.claimAll(ledger, ['p1', 'p2'])
    if (one === undefined || two === undefined) throw new Error('not claimed')
    await ledger.adopt([s.link('p3', { nativeId: 'guid-p1', how: 'adopted' })], [])
    await ledger.settle([
      s.settlement(one, 'done', { link: s.link('p1') }),
      s.settlement(two, 'done', { link: s.link('p2') }),
    ])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'failed', lastError: { code: 'name-taken' } })
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'settled' })
    expect((await ledger.links(s.platform)).map(({ identity }) => identity).toSorted()).toEqual(['hr:p2', 'hr:p3'])
  })
})

describe('waiting for another person', () => {
  const later = s.now + 3_600_000

  test('ends in the very transaction in which that account appears, or moves', async () => {
    const ledger = await admitted(s.manager('p1', 'p2'), s.create('p2'))
    const report = await s.claimOne(ledger, 'p1')
    await ledger.settle([s.settlement(report, 'waiting', { nextTryAt: later })])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'waiting', settled: 0, nextTryAt: later })
    expect(await s.claimAll(ledger, ['p1'])).toEqual([])
    const boss = await s.claimOne(ledger, 'p2')
    await ledger.settle([s.settlement(boss, 'done', { link: s.link('p2') })])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'owed', nextTryAt: null })
    expect(kindsOf(await s.claimOne(ledger, 'p1'))).toEqual(['update'])
  })

  test('ends also when both are settled together', async () => {
    const ledger = await admitted(s.manager('p1', 'p2'), s.create('p2'))
    const [report, boss] = await s.claimAll(ledger, ['p1', 'p2'])
    if (report === undefined || boss === undefined) throw new Error('not claimed')
    await ledger.settle([
      s.settlement(boss, 'done', { link: s.link('p2') }),
      s.settlement(report, 'waiting', { nextTryAt: later }),
    ])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'owed', nextTryAt: null })
  })

  test('is no waiting when the account has appeared while the worker was busy', async () => {
    const ledger = await admitted(s.manager('p1', 'p2'), s.create('p2'))
    const [report, boss] = await s.claimAll(ledger, ['p1', 'p2'])
    if (report === undefined || boss === undefined) throw new Error('not claimed')
    await ledger.settle([s.settlement(boss, 'done', { link: s.link('p2', { linkedAt: s.now + 1 }) })])
    await ledger.settle([s.settlement(report, 'waiting', { nextTryAt: later })])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'owed', nextTryAt: null })
    // But an account that has been there all the time wakes nobody: that would never end.
    const again = await s.claimOne(ledger, 'p1', s.now + 2)
    await ledger.settle([s.settlement(again, 'waiting', { nextTryAt: later })])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'waiting', nextTryAt: later })
  })

  test('ends when that account is adopted or found, and at its own next time', async () => {
    const ledger = await admitted(s.manager('p1', 'p2'), s.manager('p3', 'p4'))
    const waiting = await s.claimAll(ledger, ['p1', 'p3'])
    await ledger.settle(waiting.map((one) => s.settlement(one, 'waiting', { nextTryAt: later })))
    await ledger.adopt([s.link('p2', { how: 'adopted' })], [])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'owed' })
    expect(await s.statusOf(ledger, 'p3')).toMatchObject({ state: 'waiting' })
    expect(await s.claimAll(ledger, ['p3'], later)).toHaveLength(1)
  })
})
