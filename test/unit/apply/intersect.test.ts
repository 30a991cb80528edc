import { expect, test } from 'vitest'
import { intersect } from '../../../src/apply/intersect.ts'
import type { PersonView } from '../../../src/apply/ports.ts'
import type { Change } from '../../../src/model/change.ts'
import type { ClaimedObligation } from '../../../src/model/ledger.ts'

const people = 'ou=people,dc=corp'
const leavers = 'ou=leavers,dc=corp'
const base = {
  identity: 'hr:1',
  platform: 'corp',
  target: { nativeId: 'n1' },
  account: 'ann',
  reason: { kind: 'setting', text: 'leaver.container' },
} as const
const move: Change = { ...base, kind: 'move', from: people, to: leavers }

const comparison = {
  connector: {
    canonical: (_name: string, value: string) => value,
    within: (address: string, container: string) => address.endsWith(`,${container}`),
  },
  addressOf: () => undefined,
}

/** What is done about the move of somebody whose account stands in `now`, and of whom the ledger remembers `recorded`. */
function done(now: string, recorded: string, needed: readonly Change[]) {
  const address = `uid=ann,${now}`
  const person = {
    link: { identity: 'hr:1', platform: 'corp', nativeId: 'n1', address: `uid=ann,${recorded}`, name: 'ann' },
    accounts: [{ platform: 'corp', nativeId: 'n1', address, name: 'ann', container: now, enabled: false }],
  } as unknown as PersonView
  const obligation = { identity: 'hr:1', platform: 'corp', lane: 'revoke', changes: [{ id: 1, change: move }] }
  const { tasks, spared } = intersect(obligation as unknown as ClaimedObligation, needed, person, comparison, false)
  return { tasks: tasks.map(({ change }) => change.kind), spared: spared.map(({ status }) => status) }
}

test('a move is made where it is needed, and spared where it was made and recorded', () => {
  expect(done(people, people, [move])).toEqual({ tasks: ['move'], spared: [] })
  expect(done(leavers, leavers, [])).toEqual({ tasks: [], spared: ['already'] })
})

test('a move that was made and that nobody recorded is gone through again: groups may hold the old address', () => {
  expect(done(leavers, people, [])).toEqual({ tasks: ['move'], spared: [] })
})

test('one that another hand made to somewhere else is for planning to look at', () => {
  expect(done('ou=elsewhere,dc=corp', people, [])).toEqual({ tasks: [], spared: ['moved'] })
})
