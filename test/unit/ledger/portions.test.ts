import { describe, expect, test } from 'vitest'
import { divide, undivided } from '../../../src/ledger/portions.ts'
import type { Portion } from '../../../src/ledger/portions.ts'
import type { Change, Plan } from '../../../src/model/change.ts'
import type { Admission } from '../../../src/model/ledger.ts'

const reason = { kind: 'rule', text: 'role employee' } as const
const base = (identity: string) => ({
  identity,
  platform: 'wiki',
  account: identity,
  target: { nativeId: 'g' },
  reason,
})
const grant = (identity: string): Change => ({ ...base(identity), kind: 'grant', entitlement: 'editors' })
const enable = (identity: string): Change => ({ ...base(identity), kind: 'enable' })
const disable = (identity: string): Change => ({ ...base(identity), kind: 'disable', protocol: 'leaver' })

function admission(
  changes: readonly Change[],
  rest: Partial<Admission> = {},
  withheld: Plan['withheld'] = [],
): Admission {
  const plan: Plan = {
    id: 'x',
    madeAt: 1,
    policyVersion: 'v',
    population: {},
    changes,
    withheld,
    situations: {},
    notes: [],
  }
  const common = { correlation: 'c', operator: 'root', now: 1, effectiveAt: new Map(), heldRoles: [] }
  return { plan, ...common, ...rest }
}

function portions(of: Admission, most: number, standby: readonly Change[] = []): readonly Portion[] {
  const divided = divide(of, standby)
  const result: Portion[] = []
  for (let portion = divided.next(most); portion !== null; portion = divided.next(most)) result.push(portion)
  return result
}

describe('a divided admission', () => {
  test('begins with whoever is to be shut', () => {
    const all = portions(admission([grant('a'), disable('b'), grant('c')]), 1, [disable('d')])
    expect(all.map(({ people }) => people)).toEqual([['b'], ['d'], ['a'], ['c']])
    expect(all.map(({ standby }) => standby.length)).toEqual([0, 1, 0, 0])
  })

  test('never tears the changes of one person apart, and loses nobody', () => {
    const changes = ['a', 'b', 'c', 'a', 'b', 'a'].map(grant)
    const all = portions(admission([...changes, enable('a')]), 10)
    expect(all.map(({ people }) => people)).toEqual([['a'], ['b', 'c']])
    expect(all.flatMap((portion) => portion.changes)).toHaveLength(7)
    expect(all[0]?.changes).toEqual([grant('a'), grant('a'), grant('a'), enable('a')])
  })

  test('is about everybody of whom it says anything', () => {
    const role = { identity: 'role', role: 'engineer', since: 1, lostAt: null }
    const of = admission(
      [],
      { heldRoles: [role], dueAt: new Map([['due', 5]]), looked: { upTo: 9, people: ['looked', 'due'] } },
      [{ change: grant('held'), why: 'privileged', text: '' }],
    )
    expect(portions(of, 2).map(({ people }) => people)).toEqual([
      ['role', 'held'],
      ['due', 'looked'],
    ])
    expect(portions(of, 2).flatMap(({ heldRoles }) => heldRoles)).toEqual([role])
    expect(portions(of, 2).map(({ looked }) => looked)).toEqual([[], ['due', 'looked']])
    const everybody = { ...of, looked: { upTo: 9, people: null } }
    expect(portions(everybody, 2).map(({ looked }) => looked)).toEqual([['role', 'held'], ['due']])
  })

  test('knows which disables of its people were stopped', () => {
    const stopped = [disable('a'), grant('a'), disable('b')].map(
      (change) => ({ change, why: 'privileged', text: '' }) as const,
    )
    const all = portions(admission([], {}, stopped), 1)
    expect(all.map((portion) => portion.stopped)).toEqual([[disable('a')], [disable('b')]])
  })

  test('costs more with its changes', () => {
    const cost = (changes: readonly Change[]) => divide(admission(changes), []).cost
    expect(cost([])).toBe(0)
    expect(cost([grant('a'), grant('a')])).toBeGreaterThan(cost([grant('a')]))
  })

  test('keeps the order of the plan where all is admitted at once', () => {
    const of = admission([grant('a'), disable('b')])
    const [all] = portions(of, Infinity)
    if (all === undefined) throw new Error('nothing')
    expect(undivided(of, [], all).changes).toEqual(of.plan.changes)
  })
})
