import { describe, expect, test } from 'vitest'
import type { Ledger } from '../../../src/model/ledger.ts'
import type { RunningLedger } from '../../../src/model/running.ts'
import * as s from './samples.ts'

/** p1 is to be made, and p2 refers to it and waits. */
async function waiting() {
  const ledger = await s.ledgerWith(2)
  await ledger.saveIntake(s.intake([s.person('p2', { references: { manager: 'hr:p1' } })]), 'c')
  await forget(ledger)
  await ledger.admit(s.admission([s.create('p1'), s.manager('p2', 'p1')]))
  await wait(ledger, s.now)
  return ledger
}

async function forget(ledger: Ledger & RunningLedger): Promise<void> {
  const last = (await ledger.marked(1_000)).at(-1)
  if (last !== undefined) await ledger.admit(s.admission([], [], { looked: { upTo: last.id, people: null } }))
}

/** The worker finds no account to refer to, and says when it wants to look again. */
async function wait(ledger: Ledger, at: number): Promise<void> {
  const claimed = await s.claimAll(ledger, ['p2'], at)
  expect(claimed).toHaveLength(1)
  await ledger.settle(claimed.map((one) => s.settlement(one, 'waiting', { at, nextTryAt: at + 5_000 })))
}

async function settle(ledger: Ledger, key: string, status: 'failed' | 'moved' | 'retry' | 'already', at: number) {
  const claimed = await s.claimOne(ledger, key, at)
  await ledger.settle([s.settlement(claimed, status, { at, nextTryAt: status === 'retry' ? at + 5_000 : null })])
}

const later = s.now + 60_000
const marksOf = async (ledger: RunningLedger) =>
  (await ledger.marked(10)).map(({ identity, cause }) => [identity, cause])

describe('who waits for an account', () => {
  test('waits as long as it is owed, however long that takes, and is woken when it is there', async () => {
    const ledger = await waiting()
    await settle(ledger, 'p1', 'retry', later)
    await wait(ledger, later)
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'waiting' })
    const made = await s.claimOne(ledger, 'p1', later + 5_000)
    await ledger.settle([s.settlement(made, 'done', { link: s.link('p1'), at: later + 5_000 })])
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'owed', nextTryAt: null })
  })

  test('does not wait any more, and is planned again, when its owner left before it was made', async () => {
    const ledger = await waiting()
    await ledger.admit(s.admission([s.shutUnseen('p1')], [], { now: later }))
    // It may be on its way: who shuts it looks first.
    await wait(ledger, later)
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'waiting' })
    await settle(ledger, 'p1', 'already', later)
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'owed', nextTryAt: null })
    await wait(ledger, later)
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'settled', settled: 1 })
    expect(await marksOf(ledger)).toEqual([['hr:p2', 'moved']])
    expect(await ledger.openCounts()).toEqual([])
    expect((await ledger.auditOf('hr:p2', 10)).map(({ action, result, detail }) => [action, result, detail])).toEqual([
      ['update', 'moved', 'hr:p1 has no account here, and none is owed any more'],
    ])
  })

  test('does not wait for a create that nobody needs any more', async () => {
    const ledger = await waiting()
    await settle(ledger, 'p1', 'moved', later)
    await wait(ledger, later)
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'settled' })
    expect(await marksOf(ledger)).toEqual([
      ['hr:p1', 'moved'],
      ['hr:p2', 'moved'],
    ])
  })

  test('does not wait for a create that was given up, and does not have it begun anew; once it is there, it is told', async () => {
    const ledger = await waiting()
    await settle(ledger, 'p1', 'failed', later)
    await wait(ledger, later)
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'settled' })
    expect(await marksOf(ledger)).toEqual([])
    await ledger.admit(s.admission([s.title('p1', 'Head'), s.create('p1')], [], { now: later }))
    const made = await s.claimOne(ledger, 'p1', later)
    await ledger.settle([s.settlement(made, 'done', { link: s.link('p1'), at: later })])
    expect(await marksOf(ledger)).toEqual([['hr:p2', 'reference']])
  })

  test('waits for what a write that was begun may still make', async () => {
    const ledger = await waiting()
    const { token, identity, platform } = await s.claimOne(ledger, 'p1')
    await ledger.intend([{ token, identity, platform, kind: 'create', target: 'ann.p1' }], s.now)
    // Another change took the place of the create; its worker has not told how it came out.
    await ledger.admit(s.admission([s.title('p1', 'Head')], [], { now: later }))
    await wait(ledger, later)
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'waiting' })
  })

  test('waits a few seconds for an owner of whom nothing is known: the rest of the admission may be on its way', async () => {
    const ledger = await s.ledgerWith(2)
    await forget(ledger)
    await ledger.admit(s.admission([s.manager('p2', 'p1')]))
    await wait(ledger, s.now + 1_000)
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'waiting' })
    await wait(ledger, s.now + 11_000)
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'settled' })
    expect(await marksOf(ledger)).toEqual([['hr:p2', 'moved']])
  })

  test('gives up waiting alone: what else is owed to the same person stays so', async () => {
    const ledger = await s.ledgerWith(2)
    await forget(ledger)
    await ledger.admit(s.admission([s.manager('p2', 'p1'), s.title('p2', 'Head')]))
    const claimed = await s.claimOne(ledger, 'p2', later)
    const results = claimed.changes.map((one, index) => ({
      ...one,
      status: index === 0 ? ('waiting' as const) : ('retry' as const),
    }))
    await ledger.settle([s.settlement(claimed, 'done', { results, at: later, nextTryAt: later + 5_000 })])
    expect(await s.statusOf(ledger, 'p2')).toMatchObject({ state: 'owed', nextTryAt: later + 5_000 })
    const again = await s.claimOne(ledger, 'p2', later + 5_000)
    expect(again.changes.map(({ change }) => change)).toEqual([s.title('p2', 'Head')])
  })
})
