import { describe, expect, test } from 'vitest'
import { DAY, HOUR } from '../../../src/model/instant.ts'
import { column, noon, settingsWith } from './feed.ts'
import { compared, header, later, whole } from './light-feed.ts'

const settings = settingsWith({ contract: { required: ['Id'], rows: { min: 1, maxChange: 1 } } })
/** So many people; those whose number is named have this status. */
function textOf(people: number, statuses: Readonly<Record<number, string>> = {}): string {
  const rows = Array.from({ length: people }, (_, index) => {
    const id = index + 1
    return `${id},Ann,Last${id},IT,,${statuses[id] ?? 'Active'},2020-01-01,,,1\n`
  })
  return header + rows.join('')
}
function never(): never {
  throw new Error('the read was accepted')
}

const place = (line: number) => ({ file: 'people.csv', line })

describe('what a whole read sets aside', () => {
  test('is counted by rows, and the first ten are remembered with their places and no texts', async () => {
    const faulty = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [index + 2, 'Retired']))
    const { setAside } = (await whole(settings, textOf(14, faulty))).result.accepted ?? {}
    expect(setAside).toMatchObject({ rows: 12, since: noon })
    expect(setAside?.first).toHaveLength(10)
    expect(setAside?.first[0]).toEqual({ place: place(3), path: 'Status' })
    expect(JSON.stringify(setAside)).not.toMatch(/Retired|Last/)
  })

  test('is one row where it has two mistakes, and one for a key that stands twice', async () => {
    const twice = `${textOf(2)}2,Ann,Last2,IT,,Active,2020-01-01,,,1\n4,Ann,Last4,IT,,Retired,soon,,,1\n`
    const { result } = await whole(settings, twice)
    expect(result.problems.length).toBeGreaterThan(2)
    expect(result.accepted?.setAside?.rows).toBe(2)
    expect(result.accepted?.setAside?.first).toMatchObject([{ path: '2' }, { place: place(5) }])
  })

  test('does not name what may be no key: the fields of a broken row may have shifted', async () => {
    const { accepted } = (await whole(settings, `${textOf(2)}Ann Last,3,IT\n`)).result
    expect(accepted?.setAside?.first).toEqual([{ place: place(4), path: '' }])
    const known = (await whole(settings, textOf(3))).result
    const broken = await whole(settings, `${textOf(2)}3,Ann,IT\n`, known, later)
    expect(broken.result.accepted?.setAside?.first).toEqual([{ place: place(4), path: '3' }])
  })

  test('is since the last time that it became more; corrected rows leave it', async () => {
    const since = (days: number) => noon + days * DAY
    let { result } = await whole(settings, textOf(4, { 1: 'Retired' }))
    const next = async (statuses: Readonly<Record<number, string>>, days: number) => {
      result = (await whole(settings, textOf(4, statuses), result, since(days))).result
      return result.accepted?.setAside
    }
    expect(await next({ 1: 'Retired' }, 1)).toMatchObject({ rows: 1, since: noon })
    expect(await next({ 1: 'Retired', 2: 'Retired' }, 2)).toMatchObject({ rows: 2, since: since(2) })
    expect(await next({ 2: 'Retired' }, 3)).toMatchObject({ rows: 1, since: since(2), first: [{ place: place(3) }] })
    expect(await next({}, 4)).toMatchObject({ rows: 0, first: [] })
    expect(await next({ 3: 'Retired' }, 5)).toMatchObject({ rows: 1, since: since(5) })
  })
})

describe('a read of the rows that differ', () => {
  const before = textOf(4, { 3: 'Retired' })

  test('adds what it sets aside to what the last read did', async () => {
    const { memory, result } = await whole(settings, before)
    const { light } = await compared(settings, textOf(4, { 1: 'Retired', 3: 'Retired' }), memory, result)
    expect(light?.accepted?.setAside).toEqual({
      rows: 2,
      since: later,
      first: [
        { place: place(2), path: 'Status' },
        { place: place(4), path: 'Status' },
      ],
    })
  })

  test('of rows in order leaves it as it was', async () => {
    const { memory, result } = await whole(settings, before)
    const { light } = await compared(settings, textOf(4, { 1: 'Gone', 3: 'Retired' }), memory, result)
    expect(light?.accepted?.setAside).toEqual(result.accepted?.setAside)
  })

  test('is not believed where such a row was corrected, or where it is not known what was set aside', async () => {
    const { memory, result } = await whole(settings, before)
    expect((await compared(settings, textOf(4), memory, result)).light).toBeNull()
    const { setAside, ...accepted } = result.accepted ?? never()
    expect(setAside?.rows).toBe(1)
    const forgotten = { ...result, accepted }
    const gone = textOf(4, { 1: 'Gone', 3: 'Retired' })
    expect((await compared(settings, gone, memory, forgotten)).light).toBeNull()
  })

  test('is not believed either where the row was set aside because of the one to whom it refers', async () => {
    const manager = { ...column('Manager'), reference: 'displayName', unresolved: 'hold' as const }
    const strict = settingsWith({ contract: settings.contract, mapping: { references: { manager } } })
    const text = (of: string) => textOf(2).replace('2,Ann,Last2,IT,', `2,Ann,Last2,IT,${of}`)
    const known = await whole(strict, text('Ann Last1'))
    const held = await whole(strict, text('Nobody'), known.result, noon + HOUR)
    expect(held.result.accepted?.setAside?.rows).toBe(1)
    expect((await compared(strict, text(''), held.memory, held.result)).light).toBeNull()
    expect((await whole(strict, text(''), held.result, later)).result.accepted?.setAside?.rows).toBe(0)
  })
})
