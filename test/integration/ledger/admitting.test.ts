import { describe, expect, onTestFinished, test } from 'vitest'
import { admit } from '../../../src/ledger/admitting.ts'
import type { Driver } from '../../../src/ledger/driver.ts'
import { openLedger } from '../../../src/ledger/index.ts'
import { openDriver } from '../../../src/ledger/open.ts'
import type { Admission } from '../../../src/model/ledger.ts'
import type { RunningLedger } from '../../../src/model/running.ts'
import * as s from './samples.ts'

const later = s.now + 60_000
const lastMark = async (ledger: RunningLedger) => (await ledger.marked(100_000)).at(-1)?.id ?? 0
const marked = async (ledger: RunningLedger) => (await ledger.marked(100_000)).map(({ identity }) => identity)
const revisions = (...keys: string[]) => new Map(keys.map((key) => [`hr:${key}`, 1]))

describe('the marks that a plan has looked at', () => {
  test('are answered with its admission, those of the people that it looked at and no later ones', async () => {
    const ledger = await s.ledgerWith(3)
    const upTo = await lastMark(ledger)
    await ledger.lookAgain(['hr:p1'], 'override', s.now, 'c')
    await ledger.admit(s.admission([s.title('p1', 'Head')], [], { looked: { upTo, people: ['hr:p1', 'hr:p2'] } }))
    expect(await marked(ledger)).toEqual(['hr:p3', 'hr:p1'])
    await ledger.admit(s.admission([]))
    expect(await marked(ledger)).toHaveLength(2)
  })

  test("are everybody's where it looked at everybody", async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.lookAgain(null, 'policy', s.now, 'c')
    await ledger.admit(s.admission([], [], { looked: { upTo: await lastMark(ledger), people: null } }))
    expect(await marked(ledger)).toEqual([])
  })

  test('stay where the admission is refused', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.adopt([s.link('p1')], [])
    const looked = { upTo: await lastMark(ledger), people: null }
    await expect(ledger.admit(s.admission([s.matched('p2', 'guid-p1')], [], { looked }))).rejects.toMatchObject({
      code: 'name-taken',
    })
    expect(await marked(ledger)).toHaveLength(2)
  })
})

describe('people who changed while the plan was made', () => {
  const changed = async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([], [s.withheld(s.disable('p1')), s.withheld(s.disable('p2'))]))
    await ledger.saveIntake(s.intake([s.person('p1', { state: 'left' })]), 'c')
    return ledger
  }

  test('of whom plans side by side would remove more than the limit lets pass: the later one is planned again', async () => {
    const ledger = await s.ledgerWith(5)
    const revisions = new Map((await ledger.identities()).map(({ id, revision = 0 }) => [id, revision]))
    // Both were made when nobody was removed; the limit lets three pass.
    const planOf = (...keys: string[]) => ({
      ...s.plan(
        keys.map((key) => s.disable(key)),
        [],
        keys.join(''),
      ),
      removals: { [s.platform]: keys.map((key) => `hr:${key}`) },
      removalRoom: { [s.platform]: { since: s.now - 10, lately: 0, more: 3 - keys.length } },
    })
    const admit = (...keys: string[]) => ledger.admit({ ...s.admission([]), plan: planOf(...keys), revisions })
    expect((await admit('p1', 'p2')).stale).toBeUndefined()
    expect((await admit('p3', 'p4')).stale).toEqual(['hr:p3', 'hr:p4'])
    expect((await ledger.obligations({})).map(({ identity }) => identity)).toEqual(['hr:p1', 'hr:p2'])
    expect((await ledger.markedOf(['hr:p3'])).length).toBeGreaterThan(0)
    // Whom both of them remove counts once.
    expect((await admit('p2', 'p5')).stale).toBeUndefined()
  })

  test('are left out: no change, no name, no role, no removal; the others are admitted', async () => {
    const ledger = await changed()
    const role = { role: 'engineer', since: 1, lostAt: null }
    const plan = { ...s.plan([s.create('p1'), s.create('p2')]), removals: { [s.platform]: ['hr:p1', 'hr:p2'] } }
    const result = await ledger.admit(
      s.admission([], [], {
        plan,
        revisions: revisions('p1', 'p2'),
        heldRoles: [
          { identity: 'hr:p1', ...role },
          { identity: 'hr:p2', ...role },
        ],
        dueAt: new Map([
          ['hr:p1', later],
          ['hr:p2', later + 1],
        ]),
        looked: { upTo: await lastMark(ledger), people: null },
      }),
    )
    expect(result.stale).toEqual(['hr:p1'])
    expect(result.pointers.map(({ identity }) => identity)).toEqual(['hr:p2'])
    expect((await ledger.names(s.platform)).map(({ identity }) => identity)).toEqual(['hr:p2'])
    expect((await ledger.heldRoles()).map(({ identity }) => identity)).toEqual(['hr:p2'])
    expect(await ledger.removalsSince(s.platform, s.now)).toEqual(new Set(['hr:p2']))
    expect(await ledger.removalsSince(s.platform, s.now + 1)).toEqual(new Set())
    expect(await ledger.nextClockDue()).toBe(later + 1)
    expect(new Set(await marked(ledger))).toEqual(new Set(['hr:p1']))
  })

  test('keep what is held of them, and no new hold is made', async () => {
    const ledger = await changed()
    const { holds, stale } = await ledger.admit(
      s.admission([], [s.withheld(s.revoke('p1', 'staff')), s.withheld(s.revoke('p2', 'staff'))], {
        revisions: revisions('p1', 'p2'),
      }),
    )
    expect(stale).toEqual(['hr:p1'])
    expect(holds.flatMap(({ items }) => items.map(({ summary }) => summary))).toEqual([
      'disable ann.p1 (leaver)',
      'revoke staff from ann.p2',
    ])
  })

  test('are marked also where nobody else has marked them', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([], [], { looked: { upTo: await lastMark(ledger), people: null } }))
    const { stale } = await ledger.admit(
      s.admission([s.title('p1', 'Head')], [], { revisions: new Map([['hr:p1', 7]]) }),
    )
    expect(stale).toEqual(['hr:p1'])
    expect(await ledger.marked(10)).toMatchObject([{ identity: 'hr:p1', cause: 'moved', since: s.now }])
  })

  test('are also those for whom a younger plan was admitted: an older one takes nothing back', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([s.disable('p1')], [], { now: s.now - 5 }))
    const younger = { ...s.plan([s.disable('p1'), s.revoke('p1', 'staff')], [], 'b'.repeat(64)), madeAt: later }
    await ledger.admit(s.admission([], [], { plan: younger, now: later }))
    const older = s.admission([s.title('p1', 'Head'), s.title('p2', 'Head')], [], { revisions: revisions('p1', 'p2') })
    expect(await ledger.admit(older)).toMatchObject({ stale: ['hr:p1'], pointers: [{ identity: 'hr:p2' }] })
    expect(await s.statusOf(ledger, 'p1')).toMatchObject({ lane: 'revoke', wanted: 2, admittedAt: s.now - 5 })
  })
})

describe('a plan of a few people', () => {
  const few = (...keys: string[]) => new Map(keys.map((key) => [`hr:${key}`, null]))

  test('leaves what is held of others, with the sentence about all of them', async () => {
    const ledger = await s.ledgerWith(3)
    const stopped = ['p1', 'p2'].map((key) => s.withheld(s.disable(key)))
    await ledger.admit(s.admission([], stopped))
    const one = { ...s.withheld(s.disable('p3')), text: '1 of 3,000' }
    const { holds } = await ledger.admit(s.admission([], [one], { dueAt: few('p1', 'p3') }))
    expect(holds).toMatchObject([{ text: stopped[0]?.text, items: [{ identity: 'hr:p2' }, { identity: 'hr:p3' }] }])
    await ledger.admit(s.admission([], [], { dueAt: few('p2', 'p3') }))
    expect((await ledger.holds({})).map(({ status }) => status)).toEqual(['superseded'])
  })

  test('ends no approval of others', async () => {
    const ledger = await s.ledgerWith(2)
    const stopped = ['p1', 'p2'].map((key) => s.withheld(s.disable(key)))
    const { holds } = await ledger.admit(s.admission([], stopped))
    await ledger.decideHold(holds[0]?.id ?? 0, 'approved', 'ann', 'seen', s.now)
    await ledger.admit(s.admission([], [], { dueAt: few('p1') }))
    expect((await ledger.decisions(s.platform)).approved.size).toBe(1)
  })
})

test('when the clock is due is written where it is new, also that it is not due any more', async () => {
  const ledger = await s.ledgerWith(3)
  const due = (...pairs: [string, number | null][]) => ({ dueAt: new Map(pairs.map(([key, at]) => [`hr:${key}`, at])) })
  await ledger.admit(s.admission([], [], due(['p1', 10], ['p2', 20], ['p3', null])))
  expect(await ledger.clockDue(20, 10)).toEqual(['hr:p1', 'hr:p2'])
  await ledger.admit(s.admission([], [], due(['p1', null], ['p2', 20])))
  expect(await ledger.clockDue(20, 10)).toEqual(['hr:p2'])
})

describe('a large plan', () => {
  const count = 3_000
  const keys = s.people(count).map(({ key }) => key)
  const leaver = `p${count}`

  const large = (looked: Admission['looked']): Admission => ({
    ...s.admission([...keys.slice(0, -1).map((key) => s.create(key)), s.disable(leaver)]),
    ...(looked === undefined ? {} : { looked }),
  })

  /** A driver that ends before so many writes are done. */
  async function dying(url: string, writes: number): Promise<Driver> {
    const ignore = () => undefined
    const { driver } = await openDriver(
      url,
      { readOnly: false, folder: null },
      { clock: Date.now, onReplaced: ignore, onTrouble: ignore },
    )
    let left = writes
    return { ...driver, write: (unit) => (left-- > 0 ? driver.write(unit) : Promise.reject(new Error('killed'))) }
  }

  async function known() {
    const { url } = await s.temporaryLedger()
    const ledger = await openLedger(url)
    onTestFinished(() => ledger[Symbol.asyncDispose]())
    await ledger.saveIntake(s.intake(s.people(count)), 'c')
    await ledger.lookAgain(null, 'policy', s.now, 'c')
    return { url, ledger, looked: { upTo: await lastMark(ledger), people: null } }
  }

  test('is admitted as a small one is, and answers all its marks', async () => {
    const { ledger, looked } = await known()
    const { pointers, holds, stale } = await ledger.admit(large(looked))
    expect(pointers).toHaveLength(count)
    expect(pointers[0]).toEqual({ identity: `hr:${leaver}`, platform: s.platform, lane: 'revoke' })
    expect([holds, stale]).toEqual([[], undefined])
    expect(await ledger.obligations({ open: true })).toHaveLength(count)
    expect(await ledger.names(s.platform)).toHaveLength(count - 1)
    expect(await marked(ledger)).toEqual([])
    expect(await ledger.plans(5)).toMatchObject([{ changes: count }])
    expect((await ledger.admit(large(looked))).pointers).toHaveLength(count)
    expect(await s.statusOf(ledger, 'p7')).toMatchObject({ wanted: 1 })
  })

  test('whose process dies in the middle has admitted revocations first, and the rest is still marked', async () => {
    const { url, ledger, looked } = await known()
    await using driver = await dying(url, 3)
    await expect(admit(driver, large(looked))).rejects.toThrow('killed')
    const owed = await ledger.obligations({ open: true })
    expect(owed.length).toBeGreaterThan(1)
    expect(owed.length).toBeLessThan(count)
    expect(owed.filter(({ lane }) => lane === 'revoke')).toMatchObject([{ identity: `hr:${leaver}` }])
    const admitted = new Set(owed.map(({ identity }) => identity))
    const left = new Set(await marked(ledger))
    expect(left.has(null)).toBe(true)
    expect(keys.filter((key) => admitted.has(`hr:${key}`) === left.has(`hr:${key}`))).toEqual([])
    await ledger.admit(large({ upTo: await lastMark(ledger), people: null }))
    expect(await ledger.obligations({ open: true })).toHaveLength(count)
    expect(await marked(ledger)).toEqual([])
  })

  test('with a name of somebody else, or one name twice, is refused before anything is admitted', async () => {
    const { ledger, looked } = await known()
    await ledger.admit(s.admission([s.create(leaver, 'ann.p2999')]))
    await expect(ledger.admit(large(looked))).rejects.toMatchObject({ code: 'name-taken' })
    const twice = {
      ...large(looked),
      plan: s.plan([...keys.map((key) => s.create(key, `b.${key}`)), s.create('p1', 'b.p9')]),
    }
    await expect(ledger.admit(twice)).rejects.toMatchObject({ code: 'name-taken' })
    expect(await ledger.obligations({})).toHaveLength(1)
    expect(await ledger.plans(5)).toHaveLength(1)
  })

  test('of which most is held makes one hold of all of it', async () => {
    const { ledger } = await known()
    const stopped = keys.map((key) => s.withheld(s.disable(key)))
    const { holds } = await ledger.admit(s.admission([], stopped))
    expect(holds.map(({ items, status }) => [items.length, status])).toEqual([[count, 'open']])
    expect((await ledger.admit(s.admission([], stopped.slice(1)))).holds[0]?.items).toHaveLength(count - 1)
  })

  test('lets the other work of this process and of others in between', async () => {
    const { url, ledger } = await known()
    await using other = await openLedger(url)
    const over = new AbortController()
    const admitting = ledger.admit(large(undefined)).finally(() => over.abort())
    let turns = 0
    for (; !over.signal.aborted; turns++) await other.allocate('number', 1, 1)
    await admitting
    expect(turns).toBeGreaterThan(3)
  })
})

test('of the many who left, those are shut to whom something is on its way', async () => {
  const ledger = await s.ledgerWith(2_500)
  const keys = s.people(2_500).map(({ key }) => key)
  await ledger.admit(s.admission([s.create('p7'), s.title('p8', 'Head')]))
  const plan = { ...s.plan([]), standby: keys.map((key) => s.shutUnseen(key)) }
  const { pointers } = await ledger.admit({ ...s.admission([]), plan })
  expect(pointers).toEqual([{ identity: 'hr:p7', platform: s.platform, lane: 'revoke' }])
})
