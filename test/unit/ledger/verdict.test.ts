import { describe, expect, test } from 'vitest'
import { laneOf } from '../../../src/ledger/admission.ts'
import { parseToken, tokenOf } from '../../../src/ledger/claims.ts'
import { statusOf } from '../../../src/ledger/decisions.ts'
import type { Obligation } from '../../../src/ledger/obligations.ts'
import { outcomeOf, statusAfter } from '../../../src/ledger/verdict.ts'
import type { ChangeState } from '../../../src/ledger/verdict.ts'
import type { Change } from '../../../src/model/change.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import type { ChangeResult, Settlement } from '../../../src/model/ledger.ts'
import { settlementOf } from './settlements.ts'

const row: Obligation = {
  id: 7,
  identity: 'hr:1',
  platform: 'wiki',
  lane: 'change',
  wanted: 3,
  settled: 2,
  state: 'owed',
  tries: 4,
  next_try_at: 50,
  claim: 'c',
  worker: 'w',
  claimed_at: 10,
  claimed_until: 90,
  claimed_number: 3,
  claimed_lane: 'change',
  admitted_at: 5,
  numbered_at: 5,
  received_at: 4,
  effective_at: null,
  correlation: 'x',
  operator: 'root',
  plan_hash: 'h',
  error: null,
  proof: '{"grade":"refused"}',
}

const reason = { kind: 'rule', text: 'role employee' } as const
const base = { identity: 'hr:1', platform: 'wiki', account: 'ann', target: { nativeId: 'g' }, reason }
const grant: Change = { ...base, kind: 'grant', entitlement: 'editors' }
const revoke: Change = { ...base, kind: 'revoke', entitlement: 'editors' }
const disable: Change = { ...base, kind: 'disable', protocol: 'leaver' }
const error = { code: 'platform-busy', message: 'too busy' } as const

const change = (status: string, kind = 'grant'): ChangeState => ({ id: 1, kind, status, account_of: null })
const result = (status: ChangeResult['status'], rest: Partial<ChangeResult> = {}): ChangeResult => ({
  id: 1,
  change: grant,
  status,
  ...rest,
})

const settlement = (results: readonly ChangeResult[], rest: Partial<Settlement> = {}): Settlement =>
  settlementOf({ results, nextTryAt: 1_000, ...rest })

const calm = { objection: undefined, woken: false }

describe('an obligation after its settlement', () => {
  test('is settled when every change is done, already so, or moved back to planning', () => {
    const after = outcomeOf(
      row,
      settlement([result('done')]),
      ['done', 'already', 'moved'].map((s) => change(s)),
      calm,
    )
    expect(after).toMatchObject({ state: 'settled', settled: 3, tries: 0, next_try_at: null, claim: null, error: null })
  })

  test('stays owed, with one more try and its next time, when something is to be tried again', () => {
    const states = ['done', 'retry', 'waiting', 'failed'].map((s) => change(s))
    const after = outcomeOf(row, settlement([result('retry', { error })]), states, calm)
    expect(after).toMatchObject({ state: 'owed', settled: 2, tries: 5, next_try_at: 1_000 })
    expect(after).toMatchObject({ error: JSON.stringify(error) })
  })

  test('has had no try where nothing but an outage stood in the way', () => {
    const outage = settlement([result('retry', { error })], { outage: true })
    expect(outcomeOf(row, outage, [change('retry')], calm)).toMatchObject({
      state: 'owed',
      tries: 4,
      next_try_at: 1_000,
    })
  })

  test('stays owed when a change was not reported at all', () => {
    expect(outcomeOf(row, settlement([]), [change('admitted')], calm)).toMatchObject({ state: 'owed', settled: 2 })
  })

  test('stays owed, or has failed, with what finishes an earlier create, which none of its changes is', () => {
    const finish = (status: ChangeResult['status']) => settlement([result('done'), result(status, { id: 0, error })])
    expect(outcomeOf(row, finish('retry'), [change('done')], calm)).toMatchObject({ state: 'owed', next_try_at: 1_000 })
    expect(outcomeOf(row, finish('failed'), [change('done')], calm)).toMatchObject({ state: 'failed' })
    expect(outcomeOf(row, finish('done'), [change('done')], calm)).toMatchObject({ state: 'settled' })
  })

  test('waits when nothing but waiting is left', () => {
    const after = outcomeOf(row, settlement([result('waiting')]), [change('waiting'), change('failed')], calm)
    expect(after).toMatchObject({ state: 'waiting', settled: 2, tries: 4 })
  })

  test('is owed at once when what it waits for has appeared meanwhile', () => {
    const after = outcomeOf(row, settlement([result('waiting')]), [change('waiting')], { ...calm, woken: true })
    expect(after).toMatchObject({ state: 'owed', next_try_at: null })
  })

  test('has failed when something failed and nothing else is owed', () => {
    const states = [change('done'), change('failed')]
    const after = outcomeOf(row, settlement([result('failed', { error })]), states, calm)
    expect(after).toMatchObject({ state: 'failed', settled: 3, error: JSON.stringify(error) })
  })

  test('has failed when the account turned out to be linked to somebody else', () => {
    const objection = new KeyturnError('name-taken', 'taken')
    const after = outcomeOf(row, settlement([result('done')]), [change('done')], { ...calm, objection })
    expect(after).toMatchObject({ state: 'failed', error: JSON.stringify({ code: 'name-taken', message: 'taken' }) })
  })

  test('stays as the newer number was admitted, when one came meanwhile', () => {
    const newer = { ...row, wanted: 4, tries: 0, next_try_at: null }
    const after = outcomeOf(newer, settlement([result('retry', { error })]), [change('superseded')], calm)
    expect(after).toMatchObject({ state: 'owed', settled: 3, wanted: 4, tries: 0, next_try_at: null, claim: null })
  })

  test('keeps its proof until the account is opened again', () => {
    expect(outcomeOf(row, settlement([result('done', { change: revoke })]), [change('done')], calm).proof).toBe(
      row.proof,
    )
    expect(outcomeOf(row, settlement([result('done')]), [change('done')], calm).proof).toBeNull()
  })
})

describe('a change after its result', () => {
  test('a disable never fails: it stays owed', () => {
    expect(statusAfter(change('admitted', 'disable'), result('failed'))).toBe('retry')
    expect(statusAfter(change('admitted', 'grant'), result('failed'))).toBe('failed')
  })

  test('what was superseded stays so, unless it was carried out', () => {
    expect(statusAfter(change('superseded'), result('retry'))).toBe('superseded')
    expect(statusAfter(change('superseded'), result('done'))).toBe('done')
  })

  test('what is over does not begin again', () => {
    expect(statusAfter(change('done'), result('retry'))).toBe('done')
    expect(statusAfter(change('admitted'), undefined)).toBe('admitted')
  })
})

describe('the lane', () => {
  test('a disable goes into the lane that never waits, whatever comes with it', () => {
    expect(laneOf([grant, disable], false)).toBe('revoke')
  })

  test('so does the cleaning up of what the leaver protocol has shut, and nothing else', () => {
    expect(laneOf([revoke], true)).toBe('revoke')
    expect(laneOf([revoke], false)).toBe('change')
    expect(laneOf([revoke, grant], true)).toBe('change')
  })
})

test('a token leads back to its obligation and claim', () => {
  expect(parseToken(tokenOf(42, '1b-2c'))).toEqual({ obligation: 42, claim: '1b-2c' })
})

test('a hold is what its items are', () => {
  const of = (...statuses: ('open' | 'approved' | 'rejected' | 'done')[]) =>
    statusOf(statuses.map((status) => ({ status })))
  expect(of('done', 'open', 'approved')).toBe('open')
  expect(of('done', 'rejected', 'approved')).toBe('approved')
  expect(of('done', 'rejected')).toBe('done')
  expect(of('rejected', 'rejected')).toBe('rejected')
  expect(of()).toBe('superseded')
})
