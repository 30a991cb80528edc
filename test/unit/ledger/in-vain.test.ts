import { expect, test } from 'vitest'
import type { Accepted } from '../../../src/ledger/aftermath.ts'
import { moveInVain } from '../../../src/ledger/in-vain.ts'
import type { Obligation } from '../../../src/ledger/obligations.ts'
import type { Unit } from '../../../src/ledger/unit.ts'
import type { Change } from '../../../src/model/change.ts'
import type { ChangeResult, ClaimedObligation } from '../../../src/model/ledger.ts'
import { settlementOf } from './settlements.ts'

const admitted = 1_000
const old = admitted + 60_000
const reason = { kind: 'rule', text: 'role employee' } as const
const base = { identity: 'hr:2', platform: 'wiki', account: 'ben', target: { nativeId: 'g' }, reason }
const manager: Change = {
  ...base,
  kind: 'update',
  field: { attribute: 'manager', from: [], to: { accountOf: 'hr:1' } },
}
const grant: Change = { ...base, kind: 'grant', entitlement: 'editors' }

function accepted(status: ChangeResult['status'], at: number): Accepted {
  const settlement = settlementOf({
    obligation: { identity: 'hr:2', platform: 'wiki' } as ClaimedObligation,
    results: [
      { id: 1, change: manager, status },
      { id: 2, change: grant, status: 'done' },
    ],
    at,
  })
  return { settlement, row: { platform: 'wiki', numbered_at: admitted } as Obligation }
}

/** Runs a unit; the ledger answers with these rows, one list per question. Returns how many questions there were, too. */
function answered<T>(unit: Unit<T>, answers: readonly (readonly unknown[])[]): readonly [T, number] {
  let asked = 0
  let step = unit.next()
  while (step.done !== true) step = unit.next(answers[asked++] ?? [])
  return [step.value, asked]
}

const statuses = (some: readonly Accepted[]) =>
  some.map(({ settlement }) => settlement.results.map((one) => one.status))

test('who waits for an account that nobody makes any more has moved, and the rest of the results stay as they are', () => {
  const [{ accepted: after, planAgain, audit }] = answered(moveInVain([accepted('waiting', old)]), [])
  expect(statuses(after)).toEqual([['moved', 'done']])
  expect([planAgain.length, audit.length]).toEqual([1, 1])
})

test('who waits for an account that is linked, owed, or was begun goes on waiting', () => {
  const owner = { id: 7, identity: 'hr:1', state: 'owed' }
  const here = { obligation: 7 }
  for (const answers of [[[{ identity: 'hr:1' }]], [[], [owner], [here]], [[], [owner], [], [here]]]) {
    const [{ accepted: after, planAgain }] = answered(moveInVain([accepted('waiting', old)]), answers)
    expect(statuses(after)).toEqual([['waiting', 'done']])
    expect(planAgain).toEqual([])
  }
})

test('what was given up is not planned again for those who refer to it', () => {
  const answers = [[], [{ id: 7, identity: 'hr:1', state: 'failed' }]]
  const [{ accepted: after, planAgain }] = answered(moveInVain([accepted('waiting', old)]), answers)
  expect(statuses(after)).toEqual([['moved', 'done']])
  expect(planAgain).toEqual([])
})

test('nothing is asked where nobody waits, or not for long', () => {
  for (const one of [accepted('done', old), accepted('waiting', admitted + 9_999)]) {
    const [{ accepted: after }, asked] = answered(moveInVain([one]), [])
    expect(asked).toBe(0)
    expect(after).toEqual([one])
  }
})
