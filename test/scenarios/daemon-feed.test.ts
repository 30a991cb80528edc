// Feeds as they are really written: by rename, in place, too often, halfway, not at all, and much too different.
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { columns, feedLine } from '../../src/demo/people.ts'
import type { Person } from '../../src/demo/people.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon } from './daemon.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, person, staff } from './settings.ts'
import type { Settings } from './settings.ts'
import { running, settled, truth } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

/** The schedule never comes: what is noticed is noticed by the file's change. */
const watched = { daemon: { listen: 'off' }, sources: { hr: { every: '7d' } } } satisfies Settings

const staying = async (company: Company) =>
  (await company.accounts('objectClass', 'inetOrgPerson')).filter(({ dn }) => dn.endsWith(company.people)).length
const titleOf = async (company: Company, id: string) => (await company.account(id))?.['title']
const textOf = (people: readonly Person[]) => [columns.join(','), ...people.map(feedLine), ''].join('\n')

test('a feed that is replaced and one that is written in place are read at once, without their schedule', async () => {
  await using company = await Company.found(server, { config: watched })
  await using daemon = await running(company, staff(6))
  await company.feed(left(staff(6), ['E1']))
  await daemon.until('E1 is shut', () => company.isAmongLeavers('E1'))
  await writeFile(company.path('feed.csv'), textOf(left(staff(6), ['E1', 'E2'])))
  await daemon.until('E2 is shut', () => company.isAmongLeavers('E2'))
  await appendFile(company.path('feed.csv'), `${feedLine(person('E7'))}\n`)
  await daemon.until('E7 has come', async () => (await company.account('E7')) !== null)
  // Taken away and put there again: nobody left by that.
  await rm(company.path('feed.csv'))
  await sleep(1_500)
  await company.feed([...left(staff(6), ['E1', 'E2', 'E3']), person('E7')])
  await daemon.until('E3 is shut', () => company.isAmongLeavers('E3'))
  expect(await staying(company)).toBe(4)
})

test('a feed rewritten ten times a second, by rename and in place, with a leaver in the middle: nobody is lost, the last state wins', async () => {
  await using company = await Company.found(server, { config: watched })
  await using daemon = await running(company, staff(40))
  for (let round = 0; round < 60; round++) {
    const people = left(staff(40, { title: `Title ${round}` }), round < 30 ? [] : ['E20'])
    if (round % 3 === 0) await writeFile(company.path('feed.csv'), textOf(people))
    else await company.feed(people)
    await sleep(100)
  }
  await daemon.until('E20 is shut', () => company.isAmongLeavers('E20'))
  const last = left(staff(40, { title: 'Title 59' }), ['E20'])
  for (const { employee_id: id } of last.filter(({ status }) => status === 'Active'))
    await daemon.until('the last title is there', async () => (await titleOf(company, id)) === 'Title 59')
  await settled(company, last, () => daemon.tail())
  expect(await truth(company, last)).toEqual([])
})

test('rows that are set aside are told once for the feed, again when they become more, not by a restart, and over when corrected', async () => {
  await using company = await Company.found(server, { config: watched })
  const people = staff(6)
  const faulty = (...ids: readonly string[]) =>
    textOf(people).replaceAll(/^(E\d),(.*),Active$/gm, (line, id: string, rest: string) =>
      ids.includes(id) ? `${id},${rest},Retired` : line,
    )
  const asideIn = async () => {
    const run = await company.json('status', '--offline')
    const { sources } = run.document as unknown as {
      sources: readonly { accepted: { setAside: { rows: number; first: readonly { place: { line: number } }[] } } }[]
    }
    const { rows, first } = sources[0]?.accepted.setAside ?? { rows: -1, first: [] }
    return { code: run.code, rows, lines: first.map(({ place }) => place.line) }
  }
  const notices = (daemon: Daemon) => daemon.log.filter(({ kind }) => kind === 'rows-set-aside')
  {
    await using daemon = await running(company, people)
    // Understood here, row by row.
    await company.feedText(faulty('E2'))
    await daemon.until('it is told', async () => notices(daemon).length === 1)
    expect(JSON.stringify(notices(daemon))).toMatch(/1 row of the feed hr is set aside.*feed\.csv:3 status/)
    expect(await asideIn()).toEqual({ code: 2, rows: 1, lines: [3] })
    await company.feedText(faulty('E2', 'E5'))
    await daemon.until('the second is told, and the first is over', async () => notices(daemon).length === 3)
    expect((await company.keyturn('status', '--offline')).stdout).toMatch(/2 rows of hr set aside/)
    expect(await daemon.stop()).toBe(0)
  }
  await using daemon = await Daemon.start(company)
  // The start has read the feed as a whole.
  await daemon.says('rows are set aside; nothing changes for their people; "keyturn plan" says why')
  await sleep(5_000)
  expect(notices(daemon)).toEqual([])
  await company.feed(people)
  await daemon.until('it is over', async () => notices(daemon).length === 1)
  expect(await asideIn()).toEqual({ code: 0, rows: 0, lines: [] })
})

test('a cut, an empty, a short feed and one with a third of all gone are told and change nothing; the next good one is taken', async () => {
  await using company = await Company.found(server, {
    config: { ...watched, safety: { limits: { removals: { max: '10%', above: 2 } } } },
  })
  const people = staff(20)
  await using daemon = await running(company, people)
  const before = await company.everything()
  const whole = textOf(people)
  const bad: readonly string[] = [
    '',
    `${columns.join(',')}\n`,
    whole.slice(0, whole.length / 2),
    textOf(people.slice(0, 5)),
    textOf(
      left(
        people,
        staff(7).map(({ employee_id }) => employee_id),
      ),
    ),
  ]
  for (const text of bad) {
    const from = daemon.log.length
    await company.feedText(text)
    await daemon.says('the feed is refused', { from })
    expect(await company.everything()).toBe(before)
    const status = await company.keyturn('status', '--offline')
    expectExit(status, 2)
    expect(status.stdout).toMatch(/hr .*20 rows, 20 active/)
  }
  const notices = await daemon.until('it is told', async () => daemon.log.find(({ kind }) => kind === 'feed-refused'))
  expect(JSON.stringify(notices)).toContain('The feed hr is refused')
  // The most usual repair: byte for byte what was accepted before.
  const back = daemon.log.length
  await company.feed(people)
  await daemon.says('notice is over', { from: back })
  expect((await company.keyturn('status', '--offline')).stdout).toMatch(/^hr .*20 rows, 20 active\s*$/m)

  // Few enough for the contract of the feed, too many for safety: held, and told.
  const from = daemon.log.length
  await company.feed(left(people, ['E1', 'E2', 'E3', 'E4']))
  await daemon.until('the hold is told', async () =>
    daemon.log.slice(from).find(({ kind }) => kind === 'leavers-withheld'),
  )
  expect(await company.everything()).toBe(before)
  // One of the held alone would be few enough; whatever else is said of that person does not let it slip through.
  const held = left(people, ['E1', 'E2', 'E3', 'E4'])
  const more = daemon.log.length
  await company.feed(held.map((one) => (one.employee_id === 'E2' ? { ...one, title: 'Former associate' } : one)))
  await daemon.says('planned at once', { from: more })
  expect(await company.everything()).toBe(before)
  // HR corrects itself: who is left is few, and is shut although nothing new is said of E1.
  await company.feed(left(people, ['E1']))
  await daemon.until('E1 is shut', () => company.isAmongLeavers('E1'))
  expect(await staying(company)).toBe(19)
})

test('a daemon that starts on a feed that is refused reads it once, says so, and takes the next good one', async () => {
  await using company = await Company.found(server, { config: watched })
  await using before = await running(company, staff(12))
  await before.stop()
  await company.feed(staff(4))
  await using daemon = await Daemon.start(company)
  await daemon.says('the feed is refused')
  // Long enough for several more passes, were they asked for.
  await sleep(4_000)
  expect(daemon.log.filter(({ msg }) => msg === 'a pass is begun')).toHaveLength(1)
  await company.feed(left(staff(12), ['E5']))
  await daemon.until('E5 is shut', () => company.isAmongLeavers('E5'))
  expect(await staying(company)).toBe(11)
})

test('a change whose file event was lost is caught: the folder of the feed was replaced by another', async () => {
  await using company = await Company.found(server, {
    config: { daemon: { listen: 'off' }, sources: { hr: { every: '2s', path: 'drop/feed.csv' } } },
  })
  await mkdir(company.path('drop'))
  await writeFile(company.path('drop/feed.csv'), textOf(staff(4)))
  await using daemon = await Daemon.start(company)
  await daemon.until('all have accounts', async () => (await staying(company)) === 4)
  await mkdir(company.path('drop.new'))
  await writeFile(company.path('drop.new/feed.csv'), textOf(left(staff(4), ['E1'])))
  await rename(company.path('drop'), company.path('drop.old'))
  await rename(company.path('drop.new'), company.path('drop'))
  await daemon.until('E1 is shut', () => company.isAmongLeavers('E1'))
  await writeFile(company.path('drop/feed.csv.new'), textOf(left(staff(4), ['E1', 'E2'])))
  await rename(company.path('drop/feed.csv.new'), company.path('drop/feed.csv'))
  await daemon.until('E2 is shut', () => company.isAmongLeavers('E2'))
  expect(await staying(company)).toBe(2)
})
