import { describe, expect, test } from 'vitest'
import type { Change } from '../../../src/model/change.ts'
import type { ClaimedObligation } from '../../../src/model/ledger.ts'
import * as s from './samples.ts'

const later = s.now + 60_000

describe('admitting a plan', () => {
  test('owes one obligation for each person and platform, with when it is effective', async () => {
    const ledger = await s.ledgerWith(3)
    const effectiveAt = new Map([['hr:p2', s.now - 500]])
    const { pointers } = await ledger.admit(
      s.admission([s.create('p1'), s.grant('p1', 'staff'), s.disable('p2')], [], { effectiveAt }),
    )
    expect(pointers).toEqual([
      { identity: 'hr:p1', platform: s.platform, lane: 'change' },
      { identity: 'hr:p2', platform: s.platform, lane: 'revoke' },
    ])
    expect(await s.claimOne(ledger, 'p1')).toMatchObject({
      effectiveAt: null,
      planId: 'a'.repeat(64),
      admittedAt: s.now,
    })
    expect(await s.claimOne(ledger, 'p2')).toMatchObject({ effectiveAt: s.now - 500 })
    expect(await ledger.obligations({ open: true })).toHaveLength(2)
    expect(await ledger.obligations({ open: false })).toEqual([])
    expect(await ledger.obligations({ platform: 'elsewhere' })).toEqual([])
    expect(
      await ledger.obligationsOf([...pointers, { identity: 'hr:p3', platform: 'x', lane: 'change' }]),
    ).toHaveLength(2)
  })

  test('the same plan again joins what is owed and doubles nothing', async () => {
    const ledger = await s.ledgerWith(1)
    const first = await ledger.admit(s.admission([s.create('p1'), s.grant('p1', 'staff')]))
    const claimed = await s.claimOne(ledger, 'p1')
    await ledger.settle([s.settlement(claimed, 'retry', { nextTryAt: later })])
    const second = await ledger.admit(s.admission([s.grant('p1', 'staff'), s.create('p1')]))
    expect(second.pointers).toEqual(first.pointers)
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ wanted: 1, tries: 1, nextTryAt: later })
    expect((await s.claimOne(ledger, 'p1', later)).changes).toHaveLength(2)
    expect(await ledger.plans(10)).toHaveLength(1)
  })

  test('another plan takes the place of what is still open', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([s.title('p1', 'Clerk'), s.grant('p1', 'staff')]))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'retry', { nextTryAt: later })])
    await ledger.admit(s.admission([s.title('p1', 'Head')]))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ wanted: 2, tries: 0, nextTryAt: null, lastError: null })
    const { changes } = await s.claimOne(ledger, 'p1')
    expect(changes.map(({ change }) => change)).toEqual([s.title('p1', 'Head')])
  })

  test('what waits for another person is tried again when a plan asks for it again', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([s.manager('p1', 'p2')]))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'waiting', { nextTryAt: later })])
    await ledger.admit(s.admission([s.manager('p1', 'p2')]))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ wanted: 1, state: 'owed', nextTryAt: null })
  })

  test('an admitted disable is not taken back by a limit that stops it later', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([s.disable('p1')]))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'retry', { nextTryAt: null })])
    await ledger.admit(s.admission([s.title('p1', 'Head')], [s.withheld(s.disable('p1'))]))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ lane: 'revoke', wanted: 2 })
    const { changes } = await s.claimOne(ledger, 'p1')
    expect(changes.map(({ change }) => change.kind)).toEqual(['update', 'disable'])
    // One that is no longer needed is gone.
    await ledger.admit(s.admission([s.title('p1', 'Chief')]))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ lane: 'change', wanted: 3 })
  })

  test('cleaning up after a leaver goes into the lane that never waits', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.adopt([s.link('p1', { shutByUs: 'leaver' }), s.link('p2')], [])
    const { pointers } = await ledger.admit(s.admission([s.revoke('p1', 'staff'), s.revoke('p2', 'staff')]))
    expect(pointers.map(({ lane }) => lane)).toEqual(['revoke', 'change'])
  })

  test('a link is carried out at once and is no work', async () => {
    const ledger = await s.ledgerWith(2)
    const { pointers } = await ledger.admit(s.admission([s.matched('p1'), s.matched('p2'), s.title('p2', 'Head')]))
    expect(pointers.map(({ identity }) => identity)).toEqual(['hr:p2'])
    expect(await ledger.linksOf('hr:p1')).toEqual([s.link('p1', { how: 'matched' })])
    expect((await s.claimOne(ledger, 'p2')).changes.map(({ change }) => change.kind)).toEqual(['update'])
    const [record] = await ledger.auditOf('hr:p1', 10)
    expect(record).toMatchObject({ action: 'link', result: 'done', account: 'ann.p1', operator: 'root', detail: null })
  })

  test.each([
    [true, null],
    [false, 'pre-hire'],
  ] as const)(
    'an account that a killed worker had begun to make (open: %s) is ours, and so is its being shut',
    async (enabled, shutByUs) => {
      const ledger = await s.ledgerWith(1)
      const create = s.create('p1')
      await ledger.admit(s.admission([{ ...create, desired: { ...create.desired, enabled } }, s.grant('p1', 'staff')]))
      const { token } = await s.claimOne(ledger, 'p1')
      const intent = { identity: 'hr:p1', platform: s.platform, kind: 'create', target: create.desired.name } as const
      await ledger.intend([{ ...intent, token }], s.now)
      await ledger.admit(s.admission([s.matched('p1'), s.grant('p1', 'staff')]))
      expect(await ledger.linksOf('hr:p1')).toEqual([s.link('p1', { how: 'created', shutByUs })])
      const [record] = await ledger.auditOf('hr:p1', 10)
      expect(record).toMatchObject({
        action: 'create',
        result: 'done',
        detail: expect.stringContaining('created by a try'),
      })
    },
  )

  test('a link to what is linked already keeps how that came about', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.adopt([s.link('p1', { shutByUs: 'suspend' })], [])
    await ledger.admit(s.admission([s.matched('p1')]))
    expect(await ledger.linksOf('hr:p1')).toEqual([s.link('p1', { shutByUs: 'suspend' })])
  })

  test('a link to the account of somebody else admits nothing of the whole plan', async () => {
    const ledger = await s.ledgerWith(3)
    await ledger.adopt([s.link('p1')], [])
    const refused = ledger.admit(s.admission([s.create('p3'), s.matched('p2', 'guid-p1')]))
    await expect(refused).rejects.toMatchObject({ code: 'name-taken' })
    expect(await ledger.obligations({})).toEqual([])
    expect(await ledger.plans(10)).toEqual([])
  })

  test('a person whom the ledger does not know is refused in words', async () => {
    const ledger = await s.ledgerWith(1)
    await expect(ledger.admit(s.admission([s.create('stranger')]))).rejects.toMatchObject({ code: 'not-found' })
  })

  test('roles with linger replace those of the same people', async () => {
    const ledger = await s.ledgerWith(2)
    const role = (key: string, name: string, lostAt: number | null) => ({
      identity: `hr:${key}`,
      role: name,
      since: 1,
      lostAt,
    })
    const before = [role('p1', 'engineer', null), role('p1', 'writer', null), role('p2', 'engineer', null)]
    await ledger.admit(s.admission([], [], { heldRoles: before }))
    expect(await ledger.heldRoles()).toEqual(before)
    await ledger.admit(s.admission([], [], { heldRoles: [role('p1', 'engineer', later)] }))
    expect(await ledger.heldRoles()).toEqual([role('p1', 'engineer', later), role('p2', 'engineer', null)])
    expect(await ledger.heldRoles(['hr:p2'])).toEqual([role('p2', 'engineer', null)])
  })

  test('plans are remembered, the newest first', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([s.create('p1')]))
    const plan = s.plan([], [s.withheld(s.disable('p1'))], 'b'.repeat(64))
    await ledger.admit({ ...s.admission([]), plan, now: later })
    expect(await ledger.plans(1)).toEqual([
      { id: 'b'.repeat(64), at: later, policyVersion: 'policy-1', changes: 0, withheld: 1 },
    ])
  })
})

describe('somebody leaves while something that opens is still on its way to them', () => {
  const leaving = (...changes: readonly Change[]) => ({
    ...s.admission([]),
    plan: { ...s.plan([]), standby: changes },
    now: later,
  })
  const intent = (obligation: ClaimedObligation, kind: Change['kind']) => ({
    identity: obligation.identity,
    platform: s.platform,
    kind,
    target: 'ann.example',
    token: obligation.token,
  })

  test('what is being made is superseded, its further writes are refused, and what came of it is shut at once', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([s.grant('p1', 'staff'), s.create('p1', 'ann.other')]))
    const creating = await s.claimOne(ledger, 'p1')
    expect((await ledger.intend([intent(creating, 'create')], s.now)).size).toBe(1)
    const { pointers } = await ledger.admit(leaving(s.shutUnseen('p1')))
    expect(pointers).toEqual([{ identity: 'hr:p1', platform: s.platform, lane: 'revoke' }])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ lane: 'revoke', wanted: 2, settled: 0, state: 'owed' })
    expect(await ledger.intend([intent(creating, 'grant')], s.now)).toEqual(new Set())
    await ledger.settle([s.settlement(creating, 'done', { link: s.link('p1') })])
    const revoking = await s.claimOne(ledger, 'p1', later)
    expect(revoking.changes.map(({ change }) => change)).toEqual([{ ...s.shutUnseen('p1'), account: 'ann.other' }])
    expect(revoking.openIntents).toEqual([])
  })

  test('the intent of a worker that died is there for who revokes, and the same plan again owes nothing new', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([s.create('p1')]))
    await ledger.intend([intent(await s.claimOne(ledger, 'p1'), 'create')], s.now)
    const first = await ledger.admit(leaving(s.shutUnseen('p1')))
    expect(await ledger.admit(leaving(s.shutUnseen('p1')))).toEqual(first)
    const revoking = await s.claimOne(ledger, 'p1', later)
    expect(revoking).toMatchObject({ lane: 'revoke', number: 2, openIntents: [{ kind: 'create' }] })
    await ledger.settle([s.settlement(revoking, 'already')])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ state: 'settled', settled: 2 })
    expect((await ledger.admit(leaving(s.shutUnseen('p1')))).pointers).toEqual([])
  })

  test('what appears after the first look has closed the intent is ours, and the record says that it was made', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([s.create('p1')]))
    await ledger.intend([intent(await s.claimOne(ledger, 'p1'), 'create')], s.now)
    await ledger.admit(leaving(s.shutUnseen('p1')))
    const looking = await s.claimOne(ledger, 'p1', later)
    // Nothing is there yet; it looks once more.
    await ledger.settle([s.settlement(looking, 'retry', { nextTryAt: later + 5_000 })])
    expect((await s.claimOne(ledger, 'p1', later + 5_000)).openIntents).toEqual([])
    await ledger.admit({ ...s.admission([s.matched('p1'), s.disable('p1')]), now: later + 6_000 })
    expect(await ledger.linksOf('hr:p1')).toMatchObject([{ how: 'created', shutByUs: null }])
    expect((await ledger.auditOf('hr:p1', 10)).map(({ action }) => action)).toContain('create')
  })

  test('an intent alone is enough, whatever else is owed', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([s.enable('p1'), s.title('p1', 'Head')]))
    const claimed = await s.claimOne(ledger, 'p1')
    await ledger.intend([intent(claimed, 'enable')], s.now)
    await ledger.admit(s.admission([s.title('p1', 'Chief')]))
    await ledger.admit(leaving(s.disable('p1')))
    const changes = (await s.claimOne(ledger, 'p1', later)).changes.map(({ change }) => change)
    expect(changes).toEqual([s.disable('p1')])
  })

  test('cleaning up goes along with it', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.adopt([s.link('p1', { shutByUs: 'leaver' })], [])
    await ledger.admit(s.admission([s.enable('p1')]))
    const again = { ...s.plan([s.revoke('p1', 'staff')]), standby: [s.disable('p1')] }
    await ledger.admit({ ...s.admission([]), plan: again })
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ lane: 'revoke', wanted: 2 })
    expect((await s.claimOne(ledger, 'p1')).changes.map(({ change }) => change.kind)).toEqual(['revoke', 'disable'])
  })

  test('who has nothing coming that opens, and who is owed nothing, is left as they are', async () => {
    const ledger = await s.ledgerWith(3)
    await ledger.admit(s.admission([s.title('p1', 'Head'), s.create('p2')]))
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p2'), 'failed')])
    const { pointers } = await ledger.admit(leaving(s.disable('p1'), s.shutUnseen('p2'), s.shutUnseen('p3')))
    expect(pointers).toEqual([])
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ wanted: 1, lane: 'change' })
    expect(await ledger.obligations({ identity: 'hr:p3' })).toEqual([])
  })
})

describe('names', () => {
  test('are claimed when their account is admitted, and stay with that person for good', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([s.create('p1', 'Ann.Example')]))
    expect(await ledger.names(s.platform, ['hr:p1', 'hr:p2'])).toEqual([
      { platform: s.platform, name: 'ann.example', identity: 'hr:p1' },
    ])
    await ledger.settle([s.settlement(await s.claimOne(ledger, 'p1'), 'failed')])
    await ledger.admit(s.admission([s.create('p1', 'ann.example')]))
    const taken = ledger.admit(s.admission([s.create('p2', 'ANN.EXAMPLE'), s.grant('p1', 'staff')]))
    await expect(taken).rejects.toMatchObject({ code: 'name-taken' })
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ wanted: 2 })
  })

  test('a name is not given to two people of one plan', async () => {
    const ledger = await s.ledgerWith(2)
    const both = ledger.admit(s.admission([s.create('p1', 'ann'), s.create('p2', 'ann')]))
    await expect(both).rejects.toMatchObject({ code: 'name-taken' })
    expect(await ledger.names(s.platform)).toEqual([])
  })

  test('a rename claims the new name and keeps the old', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([{ ...s.enable('p1'), kind: 'rename', from: 'ann.p1', to: 'anna.p1' }]))
    await expect(ledger.admit(s.admission([s.create('p2', 'anna.p1')]))).rejects.toMatchObject({ code: 'name-taken' })
  })
})
