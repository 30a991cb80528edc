import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import * as s from './samples.ts'
import { planOf, preparedBy } from './statements.ts'

test('whatever a running daemon asks again and again is found by an index, however many people there are', async () => {
  const { url, path } = await s.temporaryLedger()
  const ledger = await openLedger(url)
  onTestFinished(() => ledger[Symbol.asyncDispose]())
  await ledger.saveIntake(s.intake(s.people(3)), 'c')
  const word = { identity: 'hr:p1', kind: 'freeze', state: null, emergency: false, until: null, madeAt: s.now } as const
  const sql = await preparedBy(async () => {
    await ledger.clockDue(s.now, 10)
    await ledger.nextClockDue()
    await ledger.markedOf(['hr:p1'])
    await ledger.tick('hr', s.now, s.now)
    await ledger.override({ ...word, reason: 'r', operator: 'ann' }, 'c')
    await ledger.endOverride('hr:p1', 'freeze', 'ann', 'r', s.now, 'c')
    await ledger.overrides(s.now, ['hr:p1'])
    await ledger.overridesOf('hr:p1')
    await ledger.emergenciesBy('ann', 0, 'hr:p1')
    await ledger.processes(s.now)
  })
  using raw = new DatabaseSync(path)
  const asked = sql.filter((text) => /^(select|update|delete)/.test(text))
  expect(asked.length).toBeGreaterThan(9)
  const steps = (text: string) => planOf(raw, text)
  expect(asked.filter((text) => steps(text).some((step) => step.startsWith('SCAN')))).toEqual([])
  const dates = asked.map(steps).filter((plan) => plan.join().includes('identity_due'))
  expect(dates).toHaveLength(2)
  expect(dates.join()).not.toContain('TEMP B-TREE')
})

test('the words that stand are found among those that are over by an index of their own', async () => {
  const ledgers = await s.temporaryLedger()
  const ledger = await openLedger(ledgers.url)
  onTestFinished(() => ledger[Symbol.asyncDispose]())
  const [sql = ''] = await preparedBy(() => ledger.overrides(s.now))
  using raw = new DatabaseSync(ledgers.path)
  expect(planOf(raw, sql).join()).toContain('override_standing')
})

test('what the daemon asks of work and accounts is found by an index, however many there are', async () => {
  const { url, path } = await s.temporaryLedger()
  const ledger = await openLedger(url)
  onTestFinished(() => ledger[Symbol.asyncDispose]())
  await ledger.saveIntake(s.intake(s.people(1)), 'c')
  await ledger.admit(s.admission([], [s.withheld(s.create('p1'), 'no-name')]))
  const sql = await preparedBy(async () => {
    await ledger.peek([{ identity: 'hr:p1', platform: s.platform, lane: 'revoke' }], s.now)
    await ledger.wake(s.platform, s.now)
    await ledger.removalsSince(s.platform, s.now)
    await ledger.leavers(s.platform, { after: 'hr:p1', most: 10 })
    await ledger.leavers(s.platform, { newest: 10 })
    await ledger.namesTaken(s.platform, ['ann'])
    await ledger.population(s.platform)
    await ledger.owners(s.platform, ['guid'])
    await ledger.auditSince('reopened', s.now)
    await ledger.revocations(5, 10)
    await ledger.revocationsSince(s.now, 10)
    await ledger.openRevocations()
    await ledger.openRevocations(s.now)
    await ledger.heldPeople(5)
    await ledger.hindrances([s.platform], 5)
  })
  using raw = new DatabaseSync(path)
  const asked = sql.filter((text) => text.startsWith('select'))
  expect(asked.length).toBeGreaterThan(12)
  const plans = asked.map((text) => planOf(raw, text).join('\n'))
  // These indexes hold leavers, people who are held, standing words and open revocations only: to read one whole is to read what is asked for.
  const small =
    /^SCAN (\(subquery-\d+\)|\w+ USING (COVERING )?INDEX (identity_gone_left|identity_held|override_standing|obligation_revoking)\b)/
  const scans = plans.filter((plan) => plan.split('\n').some((line) => line.startsWith('SCAN') && !small.test(line)))
  expect(scans).toEqual([])
  for (const index of [
    'link_leaver',
    'link_leaver_shut',
    'identity_gone',
    'identity_gone_left',
    'identity_held',
    'obligation_revoking',
  ])
    expect(plans.filter((plan) => new RegExp(`INDEX ${index}\\b`).test(plan))).not.toEqual([])
})
