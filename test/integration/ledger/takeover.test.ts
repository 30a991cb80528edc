import { describe, expect, test } from 'vitest'
import type { ClaimedObligation, Ledger } from '../../../src/model/ledger.ts'
import * as s from './samples.ts'

const intentOf = (obligation: ClaimedObligation) => ({
  identity: obligation.identity,
  platform: obligation.platform,
  kind: 'create' as const,
  target: 'ann.example',
  token: obligation.token,
})

/** Somebody is being made when they leave. */
async function leftWhileMade(): Promise<{ readonly ledger: Ledger; readonly creating: ClaimedObligation }> {
  const ledger = await s.ledgerWith(2)
  await ledger.admit(s.admission([s.create('p1')]))
  const creating = await s.claimOne(ledger, 'p1')
  await ledger.intend([intentOf(creating)], s.now)
  await ledger.admit(s.admission([s.disable('p1')]))
  return { ledger, creating }
}

describe('a revocation', () => {
  test('is due at once while somebody works on an older change, and takes over what that one has begun', async () => {
    const { ledger } = await leftWhileMade()
    const pointer = { identity: 'hr:p1', platform: s.platform, lane: 'revoke' } as const
    expect(await ledger.due(s.platform, 'revoke', s.now, 10)).toEqual([pointer])
    const revoking = await s.claimOne(ledger, 'p1')
    expect(revoking).toMatchObject({
      lane: 'revoke',
      number: 2,
      openIntents: [{ kind: 'create', target: 'ann.example' }],
    })
    expect(await ledger.due(s.platform, 'revoke', s.now, 10)).toEqual([])
  })

  test('makes everything refused that the other one says afterwards', async () => {
    const { ledger, creating } = await leftWhileMade()
    const revoking = await s.claimOne(ledger, 'p1')
    expect(await ledger.renew([creating.token], s.leaseMs, s.now)).toEqual(new Set())
    expect(await ledger.intend([intentOf(creating)], s.now)).toEqual(new Set())
    const step = { step: 'disabled', at: s.now, detail: 'read back' }
    expect(await ledger.stepsDone([s.stepRecord(creating, step)])).toEqual(new Set([creating.token]))
    const late = s.settlement(creating, 'done', { link: s.link('p1') })
    expect((await ledger.settle([late])).refused).toEqual([{ identity: 'hr:p1', platform: s.platform, lane: 'change' }])
    await ledger.release([creating.token])
    expect(await ledger.renew([revoking.token], s.leaseMs, s.now)).toEqual(new Set([revoking.token]))
    expect(await ledger.linksOf('hr:p1')).toEqual([])
  })

  test('never takes over from another one, whatever was admitted since', async () => {
    const { ledger } = await leftWhileMade()
    const first = await s.claimOne(ledger, 'p1')
    await ledger.admit(s.admission([s.disable('p1'), s.revoke('p1', 'staff')]))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ lane: 'revoke', wanted: 3 })
    expect(await s.claimAll(ledger, ['p1'])).toEqual([])
    expect(await ledger.settle([s.settlement(first)])).toEqual({ refused: [] })
    expect((await s.claimOne(ledger, 'p1')).number).toBe(3)
  })

  test('is not taken over by a change, nor is a change by a change', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([s.disable('p1'), s.title('p2', 'Head')]))
    await s.claimAll(ledger, ['p1', 'p2'])
    await ledger.admit(s.admission([s.enable('p1'), s.title('p2', 'Chief')]))
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ lane: 'change', wanted: 2 })
    expect(await s.claimAll(ledger, ['p1', 'p2'])).toEqual([])
  })

  test('waits for its next try, also where it could take over', async () => {
    const { ledger } = await leftWhileMade()
    const revoking = await s.claimOne(ledger, 'p1')
    await ledger.settle([s.settlement(revoking, 'retry', { nextTryAt: s.now + 500 })])
    expect(await s.claimAll(ledger, ['p1'], s.now + 499)).toEqual([])
    expect(await s.claimAll(ledger, ['p1'], s.now + 500)).toHaveLength(1)
  })
})

type Step = 'intend' | 'renew' | 'finish' | 'leave' | 'take' | 'shut'

/** All ways in which the two go on, each in its own order. */
function interleavings(one: readonly Step[], other: readonly Step[]): readonly (readonly Step[])[] {
  const [a, ...as] = one
  const [b, ...bs] = other
  if (a === undefined) return [other]
  if (b === undefined) return [one]
  return [
    ...interleavings(as, other).map((rest) => [a, ...rest]),
    ...interleavings(one, bs).map((rest) => [b, ...rest]),
  ]
}

const orders = interleavings(['intend', 'renew', 'finish'], ['leave', 'take', 'shut'])

test('in every order of a creation and a leaving, the revocation comes through and the creation is heard only before it', async () => {
  expect(orders).toHaveLength(20)
  const ledger = await s.ledgerWith(orders.length)
  for (const [index, order] of orders.entries()) await play(ledger, `p${index + 1}`, order)
})

async function play(ledger: Ledger, key: string, order: readonly Step[]): Promise<void> {
  await ledger.admit(s.admission([s.create(key)]))
  const creating = await s.claimOne(ledger, key)
  const before = (step: Step, other: Step) => order.indexOf(step) < order.indexOf(other)
  const isBegun = before('intend', 'leave')
  const isHeard = before('finish', 'take')
  let revoking: ClaimedObligation | undefined
  const steps: Record<Step, () => Promise<void>> = {
    intend: async () => expect((await ledger.intend([intentOf(creating)], s.now)).size).toBe(isBegun ? 1 : 0),
    renew: async () =>
      expect((await ledger.renew([creating.token], s.leaseMs, s.now)).size).toBe(before('renew', 'take') ? 1 : 0),
    finish: async () => {
      const { refused } = await ledger.settle([s.settlement(creating, 'done', { link: s.link(key) })])
      expect(refused).toHaveLength(isHeard ? 0 : 1)
    },
    leave: async () => void (await ledger.admit(s.admission([s.disable(key)]))),
    take: async () => {
      revoking = await s.claimOne(ledger, key)
      expect(revoking).toMatchObject({ lane: 'revoke', number: 2 })
      expect(revoking.openIntents).toHaveLength(isBegun && !isHeard ? 1 : 0)
    },
    shut: async () => {
      if (revoking === undefined) throw new Error('not claimed')
      expect(await ledger.settle([s.settlement(revoking)])).toEqual({ refused: [] })
    },
  }
  for (const step of order) await steps[step]()
  expect(await s.statusOf(ledger, key)).toMatchObject({
    state: 'settled',
    lane: 'revoke',
    settled: 2,
    claimedUntil: null,
  })
  expect(await ledger.linksOf(`hr:${key}`)).toHaveLength(isHeard ? 1 : 0)
}
