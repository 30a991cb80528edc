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
    await ledger.emergenciesBy('ann', 0)
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
