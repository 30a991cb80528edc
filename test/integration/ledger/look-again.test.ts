import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/index.ts'
import { answerMarks } from '../../../src/ledger/look-again.ts'
import { openDriver } from '../../../src/ledger/open.ts'
import type { IdentityId } from '../../../src/model/identity.ts'
import type { LookAgain } from '../../../src/model/running.ts'
import { isOnServer, rowsOf } from './raw.ts'
import * as s from './samples.ts'

/** A ledger that knows p1 … pN and has no marks; `answer` does what an admission does with them. */
async function unmarked(count: number) {
  const { url } = await s.temporaryLedger()
  const ledger = await openLedger(url)
  onTestFinished(() => ledger[Symbol.asyncDispose]())
  await ledger.saveIntake(s.intake(s.people(count)), 'first')
  const ignore = () => undefined
  const keeping = { clock: Date.now, onReplaced: ignore, onTrouble: ignore }
  const { driver } = await openDriver(url, { readOnly: false, folder: null }, keeping)
  onTestFinished(() => driver[Symbol.asyncDispose]())
  const answer = (upTo: number, people: readonly IdentityId[] | null, except: readonly IdentityId[] = []) =>
    driver.write(() => answerMarks(upTo, people, new Set(except)))
  await answer(Number.MAX_SAFE_INTEGER, null)
  return { ledger, url, answer }
}

const whom = (marks: readonly LookAgain[]) => marks.map(({ identity }) => identity)

describe('marks', () => {
  test('come back the oldest first, those of some people by themselves', async () => {
    const { ledger } = await unmarked(3)
    await ledger.lookAgain(['hr:p2', 'hr:p1', 'hr:p2'], 'moved', s.now, 'a')
    await ledger.lookAgain(null, 'policy', s.now + 1, 'b')
    await ledger.lookAgain(['hr:p2'], 'hold', s.now + 2, 'c')
    expect(whom(await ledger.marked(10))).toEqual(['hr:p2', 'hr:p1', null, 'hr:p2'])
    expect(whom(await ledger.marked(2))).toEqual(['hr:p2', 'hr:p1'])
    const [first, second] = await ledger.markedOf(['hr:p3', 'hr:p2', 'hr:p2'])
    expect(first).toMatchObject({ identity: 'hr:p2', cause: 'moved', since: s.now, correlation: 'a' })
    expect(second).toMatchObject({ cause: 'hold', since: s.now + 2, correlation: 'c' })
    expect(await ledger.markedOf(['hr:p3'])).toEqual([])
  })

  test('of people who must not be let in are found by themselves, by their source or by an operator, after a number', async () => {
    const { ledger } = await unmarked(4)
    const gone = s.person('p2', { state: 'left' })
    const away = s.person('p3', { state: 'suspended' })
    await ledger.saveIntake(s.intake([s.person('p1', { state: 'pre-hire' }), gone, away]), 'second')
    const word = {
      kind: 'state',
      state: 'left',
      emergency: true,
      until: null,
      reason: 'theft',
      operator: 'eve',
    } as const
    await ledger.override({ ...word, identity: 'hr:p4', madeAt: s.now }, 'third')
    await ledger.lookAgain(['hr:p1', 'hr:p2'], 'moved', s.now, 'a')
    await ledger.lookAgain(null, 'policy', s.now, 'b')
    const urgent = await ledger.markedUrgently(0, 10)
    expect(whom(urgent)).toEqual(['hr:p2', 'hr:p3', 'hr:p4', 'hr:p2'])
    expect(whom(await ledger.markedUrgently(urgent[1]?.id ?? 0, 1))).toEqual(['hr:p4'])
    expect(await ledger.lastUnhurriedMark()).toBe((await ledger.marked(100)).at(-1)?.id)
  })

  test('none of which is urgent are asked for without reading them', async () => {
    const { ledger, url } = await unmarked(1)
    await ledger.lookAgain(['hr:p1'], 'moved', s.now, 'a')
    expect(await ledger.markedUrgently(0, 10)).toEqual([])
    const explain = isOnServer() ? 'explain' : 'explain query plan'
    const query = 'select * from look_again where urgent = 1 and id > 0 order by id limit 10'
    expect(JSON.stringify(await rowsOf(url, `${explain} ${query}`))).toContain('look_again_urgent')
  })

  test('of somebody whom the ledger does not know are refused, and none of the others is made', async () => {
    const { ledger } = await unmarked(1)
    const marking = ledger.lookAgain(['hr:p1', 'hr:p9'], 'hold', s.now, 'c')
    await expect(marking).rejects.toMatchObject({ code: 'not-found' })
    expect(await ledger.marked(10)).toEqual([])
  })

  test('that came while people were looked at are still there, with a higher number, when these are answered', async () => {
    const { ledger, answer } = await unmarked(1)
    await ledger.lookAgain(['hr:p1'], 'feed', s.now, 'seen')
    const [seen] = await ledger.marked(10)
    await ledger.lookAgain(['hr:p1'], 'feed', s.now + 1, 'not seen')
    await answer(seen?.id ?? 0, ['hr:p1'])
    expect(await ledger.marked(10)).toMatchObject([{ correlation: 'not seen' }])
    await answer(Number.MAX_SAFE_INTEGER, null)
    await ledger.lookAgain(['hr:p1'], 'feed', s.now + 2, 'later')
    const [later] = await ledger.marked(10)
    // A number is never given twice: an old answer could remove a new mark.
    expect(later?.id).toBeGreaterThan((seen?.id ?? 0) + 1)
  })

  test('are answered as one would by hand, whoever was looked at and whoever is left out', async () => {
    const { ledger, answer } = await unmarked(4)
    const someone = fc.constantFrom<IdentityId[]>('hr:p1', 'hr:p2', 'hr:p3', 'hr:p4')
    const marks = fc.array(fc.option(someone), { maxLength: 12 })
    const input = fc.record({
      marks,
      upTo: fc.nat(12),
      people: fc.option(fc.uniqueArray(someone)),
      except: fc.uniqueArray(someone, { maxLength: 2 }),
    })
    await fc.assert(
      fc.asyncProperty(input, async ({ marks: identities, upTo, people, except }) => {
        await answer(Number.MAX_SAFE_INTEGER, null)
        for (const identity of identities) {
          await ledger.lookAgain(identity === null ? null : [identity], 'feed', s.now, 'c')
        }
        const before = await ledger.marked(100)
        const last = before[upTo - 1]?.id ?? (before.at(-1)?.id ?? 0) + 1
        await answer(upTo === 0 ? 0 : last, people, except)
        const stay = ({ id, identity }: LookAgain) =>
          id > (upTo === 0 ? 0 : last) ||
          (identity === null ? people !== null : except.includes(identity) || people?.includes(identity) === false)
        expect(await ledger.marked(100)).toEqual(before.filter(stay))
      }),
      { numRuns: 60 },
    )
  })
})

describe('what the clock makes due', () => {
  async function withDates(dates: Readonly<Record<string, number | null>>) {
    const rest = await unmarked(Object.keys(dates).length)
    for (const [id, at] of Object.entries(dates)) {
      await rowsOf(rest.url, `update identity set due_at = ${at} where id = '${id}'`)
    }
    return rest
  }

  test('is found at its very moment, the most overdue first, at most so many', async () => {
    const { ledger } = await withDates({ 'hr:p1': s.now, 'hr:p2': s.now - 9, 'hr:p3': s.now + 1, 'hr:p4': null })
    expect(await ledger.clockDue(s.now, 10)).toEqual(['hr:p2', 'hr:p1'])
    expect(await ledger.clockDue(s.now, 1)).toEqual(['hr:p2'])
    expect(await ledger.clockDue(s.now + 1, 10)).toEqual(['hr:p2', 'hr:p1', 'hr:p3'])
    expect(await ledger.nextClockDue()).toBe(s.now - 9)
  })

  test('is asked for once: whoever is marked for the clock is left out until that is answered', async () => {
    const { ledger, answer } = await withDates({ 'hr:p1': s.now - 2, 'hr:p2': s.now - 1, 'hr:p3': s.now + 5 })
    await ledger.lookAgain(['hr:p1'], 'clock', s.now, 'c')
    await ledger.lookAgain(['hr:p2'], 'feed', s.now, 'c')
    expect(await ledger.clockDue(s.now, 10)).toEqual(['hr:p2'])
    await ledger.lookAgain(['hr:p2'], 'clock', s.now, 'c')
    expect(await ledger.clockDue(s.now, 10)).toEqual([])
    expect(await ledger.nextClockDue()).toBe(s.now + 5)
    // An admission that answered and yet told no later moment: it is due again.
    await answer(Number.MAX_SAFE_INTEGER, ['hr:p1', 'hr:p2'])
    expect(await ledger.clockDue(s.now, 10)).toEqual(['hr:p1', 'hr:p2'])
  })

  test('is not lost by a new description of the person, and nobody is due where nobody waits', async () => {
    const { ledger, answer } = await withDates({ 'hr:p1': s.now, 'hr:p2': null })
    await ledger.saveIntake(s.intake([s.person('p1', { recordHash: 'new' })]), 'c')
    await answer(Number.MAX_SAFE_INTEGER, null)
    expect(await ledger.clockDue(s.now, 10)).toEqual(['hr:p1'])
    const other = await unmarked(2)
    expect(await other.ledger.nextClockDue()).toBeNull()
    expect(await other.ledger.clockDue(s.now, 10)).toEqual([])
  })
})
