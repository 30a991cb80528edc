import { expect, test } from 'vitest'
import type { SettledObligation } from '../../../src/apply/ports.ts'
import type { ChangeResult, ObligationPointer, ObligationStatus } from '../../../src/model/ledger.ts'
import { openBoard } from '../../../src/server/board.ts'
import { change, noon, obligation, result } from '../report/samples.ts'

const pointer = (key: string): ObligationPointer => ({ identity: `hr:${key}`, platform: 'wiki', lane: 'change' })

function came(key: string, state: SettledObligation['state'], more: Partial<SettledObligation> = {}) {
  const rest = { moved: false, results: [] as readonly ChangeResult[], proof: null, error: null, nextTryAt: null }
  return { ...pointer(key), state, ...rest, ...more }
}

const stands = (key: string, state: ObligationStatus['state']) => obligation(key, { state })

function board(...keys: readonly string[]) {
  const clock = { now: 0 }
  return { clock, ...openBoard(keys.map(pointer), () => clock.now) }
}

test('nobody is waited for who is settled or given up, whoever says so', () => {
  const { note, learn, empty, progress, remaining } = board('ann', 'bob', 'cid')
  note([came('ann', 'settled'), came('bob', 'retry')])
  expect([empty(), progress(), remaining().length]).toEqual([false, { total: 3, settled: 1, failed: 0 }, 2])
  learn([stands('bob', 'settled'), stands('cid', 'failed')])
  expect([empty(), progress()]).toEqual([true, { total: 3, settled: 2, failed: 1 }])
})

test('the same end told twice counts once', () => {
  const { note, learn, progress } = board('ann', 'bob')
  note([came('ann', 'failed')])
  learn([stands('ann', 'failed')])
  expect(progress()).toEqual({ total: 2, settled: 0, failed: 1 })
})

test('it is stuck when all that are left wait for others, and no more as soon as one of them is woken', () => {
  const { note, learn, stuck } = board('ann', 'bob', 'cid')
  note([came('ann', 'settled'), came('bob', 'waiting')])
  expect(stuck()).toBe(false)
  learn([stands('cid', 'waiting')])
  expect(stuck()).toBe(true)
  learn([stands('bob', 'owed')])
  expect(stuck()).toBe(false)
})

test('work of an earlier run, which the sweep brings along, is told but not waited for', () => {
  const { note, stuck, empty, progress, settled } = board('ann')
  note([came('stranger', 'waiting')])
  expect([stuck(), empty(), progress()]).toEqual([false, false, { total: 1, settled: 0, failed: 0 }])
  expect(settled()).toMatchObject([{ identity: 'hr:stranger' }])
})

test('patience begins anew when somebody is settled, and not when a try fails', () => {
  const { clock, note, movedAt } = board('ann', 'bob')
  clock.now = 50
  note([came('ann', 'retry')])
  expect(movedAt()).toBe(0)
  note([came('ann', 'settled')])
  expect(movedAt()).toBe(50)
})

test('of several tries all that was done is told, and the proof of an earlier one', () => {
  const shut = result(change('ann', { kind: 'disable', protocol: 'leaver' }))
  const strip = change('ann', { kind: 'revoke', entitlement: 'staff' })
  const proof = { grade: 'refused', at: noon, text: 'locked' } as const
  const { note, settled } = board('ann')
  note([came('ann', 'retry', { results: [shut, result(strip, 'retry')], proof })])
  note([came('ann', 'settled', { results: [result(strip)] })])
  expect(settled()).toEqual([came('ann', 'settled', { results: [shut, result(strip)], proof })])
})
