import { describe, expect, onTestFinished, test } from 'vitest'
import { admit } from '../../../src/ledger/admitting.ts'
import type { Driver } from '../../../src/ledger/driver.ts'
import { openLedger } from '../../../src/ledger/index.ts'
import { openDriver } from '../../../src/ledger/open.ts'
import { db, first } from '../../../src/ledger/unit.ts'
import type { Unit } from '../../../src/ledger/unit.ts'
import type { WithheldWhy } from '../../../src/model/change.ts'
import type { Admission } from '../../../src/model/ledger.ts'
import type { RunningLedger } from '../../../src/model/running.ts'
import * as s from './samples.ts'

const nameless = (key: string, text = 'no free name') => ({ ...s.withheld(s.create(key), 'no-name'), text })
const disputed = (key: string) => s.withheld(s.matched(key), 'disputed')
const few = (...keys: string[]) => ({ dueAt: new Map(keys.map((key) => [`hr:${key}`, null])) })
/** A plan for a few people says of whom it could not decide. */
const partial = (
  stopped: readonly ReturnType<typeof s.withheld>[],
  undecided: readonly string[],
  ...keys: string[]
) => {
  const plan = { ...s.plan([], stopped), undecided }
  return { ...s.admission([]), plan, ...few(...keys) }
}

async function told(ledger: RunningLedger, most = 9): Promise<readonly string[]> {
  const found = await ledger.hindrances([s.platform], most)
  return found.map(({ why, keptOut, people, first }) => {
    const named = first.map(({ identity }) => identity).join(' ')
    return `${why}${keptOut ? ' of who is kept out' : ''}, ${people}: ${named}`
  })
}

describe('what hinders people', () => {
  test('is told by platform and cause, those who left apart and first; what waits for a decision or is wanted is not among it', async () => {
    const ledger = await s.ledgerWith(6)
    const others = (['privileged', 'observe', 'frozen', 'held', 'protected'] satisfies WithheldWhy[]).map((why) =>
      s.withheld(s.title('p4', 'Head'), why),
    )
    // Somebody who has no role there any more may have access there as whoever left.
    const unmanaged = s.withheld(s.disable('p5'), 'cannot-manage')
    await ledger.admit(
      s.admission([], [nameless('p1'), disputed('p2'), disputed('p3'), unmanaged, ...others], {
        keptOut: new Set(['hr:p3', 'hr:p6']),
      }),
    )
    expect(await told(ledger)).toEqual([
      'cannot-manage of who is kept out, 1: hr:p5',
      'disputed of who is kept out, 1: hr:p3',
      'disputed, 1: hr:p2',
      'no-name, 1: hr:p1',
    ])
    // Of a platform that was taken out of the configuration nobody can put anything right.
    expect(await ledger.hindrances(['wiki'], 9)).toEqual([])
    expect(await ledger.hindrances([], 9)).toEqual([])
  })

  test('is one thing for each person, with the first text, since when it lasts; a later text takes its place', async () => {
    const ledger = await s.ledgerWith(2)
    const grant = { ...s.withheld(s.grant('p1', 'staff'), 'no-name'), text: 'another' }
    await ledger.admit(s.admission([], [nameless('p1', 'ann is taken'), grant]))
    const later = { now: s.now + 9 }
    await ledger.admit(s.admission([], [nameless('p1', 'eve is taken'), nameless('p2')], later))
    const [found] = await ledger.hindrances([s.platform], 1)
    expect(found).toEqual({
      platform: s.platform,
      why: 'no-name',
      keptOut: false,
      people: 2,
      first: [{ identity: 'hr:p1', text: 'eve is taken', since: s.now }],
    })
  })

  test('lasts anew from when somebody left', async () => {
    const ledger = await s.ledgerWith(1)
    await ledger.admit(s.admission([], [disputed('p1')]))
    const keptOut = new Set(['hr:p1'])
    await ledger.admit(s.admission([], [disputed('p1')], { now: s.now + 9, keptOut }))
    expect(await ledger.hindrances([s.platform], 1)).toMatchObject([{ keptOut: true, first: [{ since: s.now + 9 }] }])
  })

  test('is over with a plan that does not withhold it, and of others than its people a plan for a few says nothing', async () => {
    const ledger = await s.ledgerWith(3)
    await ledger.admit(s.admission([], [nameless('p1'), nameless('p2')]))
    await ledger.admit(partial([], [], 'p1'))
    expect(await told(ledger)).toEqual(['no-name, 1: hr:p2'])
    await ledger.admit(partial([nameless('p3')], [], 'p3'))
    expect(await told(ledger)).toEqual(['no-name, 2: hr:p2 hr:p3'])
    await ledger.admit(partial([], ['hr:p2'], 'p2', 'p3'))
    expect(await told(ledger)).toEqual(['no-name, 1: hr:p2'])
    await ledger.admit(s.admission([]))
    expect(await told(ledger)).toEqual([])
  })

  test('stays while its platform cannot be read, and of people who changed while the plan was made', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([], [nameless('p1'), nameless('p2')]))
    await ledger.admit({ ...s.admission([]), plan: { ...s.plan([]), situations: {}, population: {} } })
    expect(await told(ledger)).toEqual(['no-name, 2: hr:p1 hr:p2'])
    await ledger.saveIntake(s.intake([s.person('p1', { recordHash: 'new' })]), 'c')
    const revisions = new Map(['hr:p1', 'hr:p2'].map((identity) => [identity, 1]))
    await ledger.admit(s.admission([], [], { revisions, ...few('p1', 'p2') }))
    expect(await told(ledger)).toEqual(['no-name, 1: hr:p1'])
  })

  test('is over for people of whom a plan for everybody says nothing, unless they came while it was made', async () => {
    const ledger = await s.ledgerWith(3)
    const came = (key: string, now: number) => ledger.admit({ ...partial([nameless(key)], [], key), now })
    await came('p1', s.now - 1)
    await came('p2', s.now + 1)
    await ledger.admit(s.admission([], [], few('p3')))
    expect(await told(ledger)).toEqual(['no-name, 1: hr:p2'])
  })

  test('that a plan for everybody stores stays as a younger one for a few has stored it', async () => {
    const ledger = await s.ledgerWith(2)
    await ledger.admit(s.admission([], [nameless('p1')]))
    const unmanaged = s.withheld(s.disable('p2'), 'cannot-manage')
    await ledger.admit({ ...partial([nameless('p1', 'younger'), unmanaged], [], 'p1', 'p2'), now: s.now + 5 })
    const older = [nameless('p1', 'older'), s.withheld(s.title('p2', 'Head'), 'cannot-manage')]
    for (const some of [older, []]) {
      await ledger.admit(s.admission([], some, { now: s.now + 9 }))
      expect(await told(ledger)).toContain('cannot-manage of who is kept out, 1: hr:p2')
    }
  })

  test('by a second account of somebody who is kept out stays until a plan for everybody sees none', async () => {
    const ledger = await s.ledgerWith(3)
    const keptOut = new Set(['hr:p1', 'hr:p2'])
    await ledger.admit(
      s.admission([], [disputed('p1'), disputed('p2'), disputed('p3')], { keptOut: new Set(['hr:p1']) }),
    )
    // p2 leaves, and of p3 it is known by now whose the account is.
    await ledger.admit({ ...partial([], [], 'p1', 'p2', 'p3'), keptOut })
    expect(await told(ledger)).toEqual(['disputed of who is kept out, 2: hr:p1 hr:p2'])
    await ledger.admit(s.admission([], [], { ...few('p1', 'p2'), keptOut }))
    expect(await told(ledger)).toEqual([])
  })
})

describe('what hinders thousands of people', () => {
  const count = 5_000
  const keys = s.people(count).map(({ key }) => key)

  function* countRows(): Unit<number> {
    const rows = db.selectFrom('hindrance').select(({ fn }) => fn.countAll<number>().as('count'))
    return (yield* first(rows))?.count ?? 0
  }

  async function open(url: string): Promise<Driver> {
    const ignore = () => undefined
    const keeping = { clock: Date.now, onReplaced: ignore, onTrouble: ignore }
    const { driver } = await openDriver(url, { readOnly: false, folder: null }, keeping)
    onTestFinished(() => driver[Symbol.asyncDispose]())
    return driver
  }

  /** By how many rows each transaction makes the hindrances more or fewer, where it does. */
  async function steps({ read, write }: Driver, admission: Admission): Promise<readonly number[]> {
    const sizes: number[] = []
    const counting: typeof write = (unit) =>
      write(function* () {
        const before = yield* countRows()
        const result = yield* unit()
        sizes.push((yield* countRows()) - before)
        return result
      })
    await admit({ read, write: counting }, admission)
    return sizes.filter((size) => size !== 0)
  }

  test('is written in several transactions, only where it changes, and is over in several', async () => {
    const { url } = await s.temporaryLedger()
    const ledger = await openLedger(url)
    onTestFinished(() => ledger[Symbol.asyncDispose]())
    await ledger.saveIntake(s.intake(s.people(count)), 'first')
    const driver = await open(url)
    const everybody = keys.map((key) => nameless(key))
    expect(await steps(driver, s.admission([], everybody))).toEqual([2_000, 2_000, 1_000])
    expect(await ledger.hindrances([s.platform], 3)).toMatchObject([{ people: count, first: { length: 3 } }])
    expect(await steps(driver, s.admission([], everybody))).toEqual([])
    expect(await steps(driver, s.admission([], [], few(...keys)))).toEqual([-2_000, -2_000, -1_000])
  })
})
