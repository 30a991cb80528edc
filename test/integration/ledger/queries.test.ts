import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import * as s from './samples.ts'
import { planOf, preparedBy } from './statements.ts'

test('whatever is looked up for a few people or due work uses an index, and never reads a whole table', async () => {
  const { url, path } = await s.temporaryLedger()
  const ledger = await openLedger(url)
  onTestFinished(() => ledger[Symbol.asyncDispose]())
  await ledger.saveIntake(s.intake(s.people(3)), 'c')
  const sql = await preparedBy(async () => {
    await ledger.admit(s.admission([s.create('p1'), s.manager('p2', 'p1'), s.disable('p3')]))
    await ledger.due(s.platform, 'revoke', s.now, 10)
    const [one, two] = await s.claimAll(ledger, ['p1', 'p2'])
    if (one === undefined || two === undefined) throw new Error('not claimed')
    await ledger.intend([{ ...one, kind: 'create', target: 'x' }], s.now)
    await ledger.renew([one.token], 1, s.now)
    await ledger.settle([s.settlement(two, 'waiting')])
    await ledger.settle([s.settlement(one, 'done', { link: s.link('p1'), audit: [s.record('p1')] })])
    await ledger.saveIntake(s.intake([s.person('p1', { references: { manager: 'hr:p2' } })]), 'c')
    await ledger.findPeople('p1')
    await ledger.identitiesById(['hr:p1'])
    await ledger.dependents(['hr:p2'])
    await ledger.heldRoles(['hr:p1'])
    await ledger.links(s.platform, ['hr:p1'])
    await ledger.grants(s.platform, ['hr:p1'])
    await ledger.names(s.platform, ['hr:p1'])
    await ledger.events('hr:p1', 5)
    await ledger.auditOf('hr:p1', 5)
    await ledger.obligations({ identity: 'hr:p1' })
    await ledger.openCounts()
  })
  using raw = new DatabaseSync(path)
  const statements = sql.filter((text) => /^(select|update|delete)/.test(text))
  expect(statements.length).toBeGreaterThan(25)
  // A few hundred plans and holds in years, and those few that wait: reading them whole is reading what is asked for.
  const small = /^SCAN (plan|hold|hold_item)\b/
  const scans = statements.flatMap((text) =>
    planOf(raw, text)
      .filter((line) => /^SCAN \w+$|^SCAN \w+ USING (?!.*obligation_unsettled)/.test(line) && !small.test(line))
      .map((line) => `${line}: ${text}`),
  )
  expect(scans).toEqual([])
})

test('due work is found without looking at what is settled', async () => {
  const { url, path } = await s.temporaryLedger()
  const ledger = await openLedger(url)
  onTestFinished(() => ledger[Symbol.asyncDispose]())
  const [sql = ''] = await preparedBy(() => ledger.due(s.platform, 'revoke', s.now, 10))
  using raw = new DatabaseSync(path)
  expect(planOf(raw, sql).join()).toContain('obligation_unsettled')
})
