// What may be wrong with a feed: nobody loses anything by it, and the message says what is wrong and where.
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { columns, feedLine } from '../../src/demo/people.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Company, expectExit } from './keyturn.ts'
import { person, staff } from './settings.ts'

let server: Slapd
let company: Company
const header = columns.join(',')
const people = staff(12)

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
  company = await Company.found(server)
  await company.feed(people)
  const first = await company.apply()
  expectExit(first, 0)
})

afterAll(async () => {
  await company[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Applies the feed as it stands and expects that it was refused as a whole, without any change in the directory. */
async function expectRefusal(): Promise<string> {
  const before = await company.everything()
  const run = await company.apply()
  expectExit(run, 1)
  const [source] = run.document.sources
  expect(source?.accepted).toBe(false)
  expect(run.document.changes).toEqual([])
  expect(await company.everything()).toBe(before)
  return `${source?.refused?.why} ${source?.refused?.hint}`
}

/** The good feed again: nothing has happened, nothing is to be done. */
async function expectNothingToDo(): Promise<void> {
  await company.feed(people)
  const run = await company.plan()
  expect(run.document.changes).toEqual([])
  expectExit(run, 0)
}

test('an empty feed changes nothing, and status does not say that all is well', async () => {
  await company.feedText('')
  expect(await expectRefusal()).toMatch(/empty|header|no rows|nothing/i)
  expectExit(await company.keyturn('status'), 2)
  await expectNothingToDo()
})

test('a feed with nothing but its header changes nothing', async () => {
  await company.feedText(`${header}\n`)
  expect(await expectRefusal()).toContain('no rows')
  await expectNothingToDo()
})

test('a feed that is missing changes nothing', async () => {
  await rm(company.path('feed.csv'))
  expect(await expectRefusal()).toContain('feed.csv')
  await expectNothingToDo()
})

test('a feed that cannot be read changes nothing', async () => {
  await rm(company.path('feed.csv'))
  await mkdir(company.path('feed.csv'))
  expect(await expectRefusal()).toContain('feed.csv')
  await rename(company.path('feed.csv'), company.path('was-a-folder'))
  await rm(company.path('was-a-folder'), { recursive: true })
  await expectNothingToDo()
})

test('a feed that is cut anywhere shuts nobody out', async () => {
  await company.feed(people)
  const whole = await readFile(company.path('feed.csv'))
  const start = header.length + 1
  const cuts = [start + 1, start + 40, Math.floor(whole.length / 2), whole.length - 40, whole.length - 2]
  for (const cut of cuts) {
    await company.feedText(whole.subarray(0, cut))
    const run = await company.plan()
    const kinds = new Set(run.document.changes.map((change) => change.kind))
    expect(kinds).not.toContain('disable')
    expect(kinds).not.toContain('revoke')
  }
  await expectNothingToDo()
})

test('a feed whose columns were renamed is refused, with the columns that are missing', async () => {
  await company.feedText([header.replace('status', 'state_of_employment'), ...people.map(feedLine), ''].join('\n'))
  expect(await expectRefusal()).toContain('status')
  await expectNothingToDo()
})

test('half of the people gone: the feed is refused with the numbers', async () => {
  await company.feed(people.slice(0, 6))
  const said = await expectRefusal()
  expect(said).toContain('12')
  expect(said).toContain('6')
  expect(said).toContain('30')
  await expectNothingToDo()
})

test('one broken row is set aside with its line; everybody else is served, and its person keeps everything', async () => {
  const lines = people.map(feedLine)
  lines[4] = 'E5,Given'
  lines[5] = feedLine({ ...person('E6'), title: 'Manager' })
  await company.feedText([header, ...lines, ''].join('\n'))
  const run = await company.apply()
  expect(run.document.sources[0]?.accepted).toBe(true)
  expect(run.document.sources[0]?.problems.map((problem) => problem.place.line)).toEqual([6])
  expect(run.document.changes.map((change) => [change.identity, change.kind])).toEqual([['hr:E6', 'update']])
  expect((await company.account('E6'))?.['title']).toBe('Manager')
  expect((await company.account('E5'))?.['pwdAccountLockedTime'] ?? []).toEqual([])
  await company.feed(people)
  expectExit(await company.apply(), 0)
})

test('two rows with one key change nothing for that person, and both lines are told', async () => {
  const twin = person('E3', { department: 'Engineering' })
  await company.feed([...people, twin])
  const run = await company.plan()
  const problems = run.document.sources[0]?.problems ?? []
  expect(run.document.changes).toEqual([])
  expect(JSON.stringify(problems)).toContain('E3')
  expect(problems.map((problem) => problem.place.line)).toContain(14)
  expect(JSON.stringify(problems)).toMatch(/\b4\b/)
  await expectNothingToDo()
})

test.each([
  ['a status word that was never seen', { status: 'Sabbatical' as 'Leave' }, 'Sabbatical'],
  ['a date like 13/13/2020', { status: 'Left' as const, end_date: '13/13/2020' }, '13/13/2020'],
])('%s sets the record aside and says so', async (_, mistake, told) => {
  await company.feed(people.map((one) => (one.employee_id === 'E2' ? { ...one, ...mistake } : one)))
  const run = await company.plan()
  expect(run.document.changes).toEqual([])
  const problems = run.document.sources[0]?.problems ?? []
  expect(problems.map((problem) => problem.place.line)).toEqual([3])
  expect(problems[0]?.message).toContain(told)
  await expectNothingToDo()
})

test('a row that is gone is no leaver: the account stays as it is', async () => {
  await company.feed(people.filter((one) => one.employee_id !== 'E9'))
  const run = await company.apply()
  expect(run.document.changes).toEqual([])
  expect((await company.account('E9'))?.['pwdAccountLockedTime'] ?? []).toEqual([])
  await expectNothingToDo()
})
