import { describe, expect, test } from 'vitest'
import type { Hold } from '../../../src/model/ledger.ts'
import { renderApply } from '../../../src/report/apply.ts'
import type { Applied } from '../../../src/report/apply.ts'
import { change, left, lines, noon, obligation, planOf, result, settled } from './samples.ts'

const shut = change('bob', { kind: 'disable', protocol: 'leaver' }, left)
const grant = change('ann', { kind: 'grant', entitlement: 'staff' })
const refused = { grade: 'refused', at: noon, resultCode: 49, text: '49 invalid credentials, account locked' } as const

function rendered(applied: Partial<Applied>, most = 20): readonly string[] {
  const whole = { plan: planOf([]), unread: [], admission: { pointers: [], holds: [] }, obligations: [], settled: [] }
  return lines(renderApply({ ...whole, ...applied }, { most, took: 1_250, zone: 'Europe/Berlin' }))
}

describe('the summary of an apply', () => {
  test('of nothing says so, and over a platform that is down not without saying that', () => {
    expect(rendered({})).toEqual(['Nothing was to do. (1.3 s)'])
    const linked = planOf([change('ann', { kind: 'link', by: 'employeeNumber "1"' })])
    expect(rendered({ plan: linked })).toEqual(['1 account linked; nothing else was to do. (1.3 s)'])
    expect(rendered({ unread: [{}] })).toEqual(['Nothing was to do on what could be read. (1.3 s)'])
  })

  test('counts accounts and changes for each platform', () => {
    const withheld = [{ change: shut, why: 'backlog', text: 'later' }] as const
    const applied = {
      plan: planOf([grant], withheld),
      obligations: [obligation('ann'), obligation('cid', { state: 'waiting' })],
      settled: [settled('ann', [result(grant), result(grant, 'already')])],
    }
    expect(rendered(applied).slice(0, 3)).toEqual([
      'platform  accounts done  changes made  owed  waiting  failed  withheld',
      'wiki                  1             1     0        1       0         1',
      'took 1.3 s',
    ])
  })

  test('shows of each leaver how it was proven', () => {
    const applied = { obligations: [obligation('bob')], settled: [settled('bob', [result(shut)], refused)] }
    expect(rendered(applied).slice(4)).toEqual([
      'Shut',
      'account  person  platform  proof    what was seen',
      'bob      hr:bob  wiki      refused  49 invalid credentials, account locked',
    ])
  })

  test('tells everything that is not done with its error, when it is tried again in local time, and what to do', () => {
    const open = obligation('bob', {
      state: 'owed',
      nextTryAt: noon,
      lastError: { code: 'platform-unreachable', message: 'dc1:636 closed the connection.' },
    })
    expect(rendered({ obligations: [open], settled: [settled('bob', [result(shut, 'retry')])] }).slice(4)).toEqual([
      'Not done',
      '  owed  wiki  bob  hr:bob  -shut (leaver protocol)  dc1:636 closed the connection.  next try 2026-11-22 13:00 Europe/Berlin',
      '  What is owed is tried again by the next "keyturn apply"; a revocation is never given up.',
    ])
  })

  test('is bounded, and says how much more there is', () => {
    const obligations = ['ann', 'bob', 'cid'].map((key) => obligation(key, { state: 'failed' }))
    expect(rendered({ obligations }, 1).slice(4, 7)).toEqual([
      'Not done',
      '  failed  wiki    hr:ann    ',
      '  … and 2 more (--all shows them)',
    ])
  })

  test('names what moved meanwhile, and what is held with the way out', () => {
    const hold: Hold = {
      id: 3,
      platform: 'wiki',
      why: 'removals-limit',
      text: 'wiki: 90 of 207 accounts (43.5 %) would lose access',
      status: 'open',
      madeAt: noon,
      decidedAt: null,
      decidedBy: null,
      reason: null,
      items: [{ fingerprint: 'f', identity: 'hr:bob', summary: 's', status: 'open' }],
    }
    const applied = {
      obligations: [obligation('ann')],
      settled: [{ ...settled('ann', []), moved: true }],
      admission: { pointers: [], holds: [hold] },
    }
    expect(rendered(applied).slice(4)).toEqual([
      '1 account changed while this ran, so that what was planned no longer fitted. Run "keyturn apply" again.',
      '',
      'Held until a person decides',
      '  3  wiki  1 change  wiki: 90 of 207 accounts (43.5 %) would lose access',
      '  Look with "keyturn holds show ID", release with "keyturn holds approve ID --reason TEXT".',
    ])
  })
})
