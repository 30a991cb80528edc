// The ledger is put back from a backup: what happened since is not in it, and nothing may be opened by its old word.
import { copyFile, cp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Person } from '../../src/demo/people.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { day, MovedClock } from './clock.ts'
import { Daemon } from './daemon.ts'
import { Company, expectExit, locked } from './keyturn.ts'
import { person, staff } from './settings.ts'
import type { Settings } from './settings.ts'
import { settled, truth } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

/** In so small companies a day changes much. */
const quiet = {
  daemon: { listen: 'off' },
  sources: { hr: { contract: { rows: { min: 1, 'max-change': '90%' } } } },
} satisfies Settings

const ledger = (company: Company) => company.path('var/keyturn.db')
const backup = (company: Company) => copyFile(ledger(company), company.path('yesterday.db'))

async function restore(company: Company): Promise<void> {
  for (const ending of ['-wal', '-shm']) await rm(ledger(company) + ending, { force: true })
  await copyFile(company.path('yesterday.db'), ledger(company))
}

async function apply(company: Company, people: readonly Person[], code = 0): Promise<void> {
  await company.feed(people)
  expectExit(await company.apply(), code)
}

/** This person as they are now, everybody else as before. */
function changed(people: readonly Person[], ...news: readonly Person[]): Person[] {
  const before = people.filter(({ employee_id: id }) => news.every((one) => one.employee_id !== id))
  return [...before, ...news].toSorted((a, b) => Number(a.employee_id.slice(1)) - Number(b.employee_id.slice(1)))
}

async function stateOf(company: Company, id: string): Promise<'none' | 'shut' | 'open'> {
  const account = await company.account(id)
  if (account === null) return 'none'
  return account['pwdAccountLockedTime'] === locked ? 'shut' : 'open'
}

async function statesOf(company: Company, people: readonly Person[]): Promise<Record<string, string>> {
  const states = people.map(async ({ employee_id: id }) => [id, await stateOf(company, id)] as const)
  return Object.fromEntries(await Promise.all(states))
}

async function shutByHand(company: Company, id: string): Promise<void> {
  await company.replace((await company.account(id))?.dn ?? '', 'pwdAccountLockedTime', [locked])
}

test('after a day of changes, yesterday’s ledger lets nobody in who left or whom security shut, and takes nothing from who stayed', async () => {
  await using company = await Company.found(server, { config: quiet })
  const clock = await MovedClock.of(company)
  const later = '2999-01-01'
  await clock.move(-day)
  const away = person('E10', { status: 'Leave' })
  const yesterday = [...staff(9), away, person('E11', { start_date: later })]
  await apply(company, changed(yesterday, person('E10')))
  await apply(company, changed(yesterday, person('E9', { status: 'Left' })))
  await backup(company)
  await clock.move(day)

  let today = changed(
    yesterday,
    person('E2', { department: 'Engineering' }),
    person('E3', { status: 'Left' }),
    person('E4', { status: 'Leave' }),
    person('E6', { status: 'Leave' }),
    person('E9'),
    person('E10'),
    person('E12'),
    person('E13', { start_date: later }),
  )
  await apply(company, today)
  today = changed(today, person('E6'), person('E12', { department: 'Engineering' }), person('E5', { status: 'Left' }))
  await apply(company, today)
  const rehired = {
    dn: (await company.account('E9'))?.dn ?? '',
    password: await company.firstPassword('givene9.surnamee9'),
  }
  expect(await company.signIn(rehired.dn, rehired.password)).toBe(0)
  // E10 was on leave when the backup was made: the old ledger says that Keyturn holds the account shut.
  for (const id of ['E7', 'E10']) await shutByHand(company, id)
  await restore(company)

  {
    await using daemon = await Daemon.start(company)
    await daemon.says('the restored ledger is reconciled; what opens is planned next')
    await settled(company, today, () => daemon.tail())
    await daemon.until('nothing is owed', () => company.isAllWell())
    expect(await daemon.stop()).toBe(0)
  }
  const shut = ['E3', 'E4', 'E5', 'E7', 'E10', 'E11', 'E13']
  const wanted = Object.fromEntries(today.map(({ employee_id: id }) => [id, shut.includes(id) ? 'shut' : 'open']))
  expect(await statesOf(company, today)).toEqual(wanted)
  expect(await company.signIn(rehired.dn, rehired.password)).toBe(0)
  const engineers = ['E2', 'E12'].map(async (id) => (await company.account(id))?.dn ?? '')
  expect(await company.members('engineers')).toEqual((await Promise.all(engineers)).toSorted())
  expect(await company.accounts('objectClass', 'inetOrgPerson')).toHaveLength(13)
  const plan = await company.plan()
  expectExit(plan, 0)
  expect(
    plan.document.notes.filter(({ kind }) => kind === 'shut-by-another-hand').map(({ account }) => account),
  ).toEqual(['givene10.surnamee10', 'givene7.surnamee7'])

  // Whose leave, or first day, was still to end: Keyturn itself had shut them, and the directory says so.
  const back = changed(today, person('E4'), person('E13'))
  await apply(company, back)
  expect(await statesOf(company, back)).toMatchObject({ E4: 'open', E13: 'open', E7: 'shut', E10: 'shut' })
  // Shut by another hand, or before their first day: as if they were on leave.
  const shutOut = ['E7', 'E10', 'E11'].map((id) => person(id, { status: 'Leave' }))
  expect(await truth(company, changed(back, ...shutOut), { remembers: false })).toEqual([])
})

test('who came back since the backup, and is shut by its word while the feed is refused, is let in again by the next good one', async () => {
  await using company = await Company.found(server, { config: quiet })
  await apply(company, staff(6))
  await apply(company, changed(staff(6), person('E1', { status: 'Left' }), person('E2', { status: 'Left' })))
  await backup(company)
  const today = changed(staff(6), person('E2', { status: 'Left' }))
  await apply(company, today)
  await restore(company)
  await company.feedText('employee_id\n')

  await using daemon = await Daemon.start(company)
  await daemon.until('the old word counts', async () =>
    daemon.log.find(({ msg, identity }) => msg === 'proof' && identity === 'hr:E1'),
  )
  expect(await stateOf(company, 'E1')).toBe('shut')
  await company.feed(today)
  await daemon.says('the restored ledger is reconciled; what opens is planned next')
  await daemon.until('E1 is let in', async () => (await stateOf(company, 'E1')) === 'open')
  await settled(company, today, () => daemon.tail())
  expect(await statesOf(company, today)).toMatchObject({ E1: 'open', E2: 'shut', E3: 'open' })
  expectExit(await company.plan(), 0)
})

test('an apply reconciles and opens nothing, and the next one opens', async () => {
  await using company = await Company.found(server, { config: quiet })
  await apply(company, staff(4))
  await backup(company)
  await apply(company, staff(5))
  await restore(company)
  // The old ledger knows neither E5, whose account is there, nor E6.
  await company.feed(changed(staff(6), person('E1', { status: 'Left' }), person('E2', { department: 'Engineering' })))
  const before = await company.plan()
  expectExit(before, 2)
  expect(before.document.changes.map(({ kind, identity }) => `${kind} ${identity}`).toSorted()).toEqual([
    'disable hr:E1',
    'link hr:E5',
    'move hr:E1',
    'revoke hr:E1',
    'revoke hr:E1',
    'revoke hr:E2',
  ])
  expect(new Set(before.document.withheld.map(({ why }) => why))).toEqual(new Set(['restored']))
  expectExit(await company.apply(), 2)
  expect(await statesOf(company, staff(6))).toEqual({
    E1: 'shut',
    E2: 'open',
    E3: 'open',
    E4: 'open',
    E5: 'open',
    E6: 'none',
  })
  expect(await company.members('engineers')).toEqual([])
  expectExit(await company.apply(), 0)
  expect(await stateOf(company, 'E6')).toBe('open')
  expect(await company.members('engineers')).toHaveLength(1)
  expectExit(await company.plan(), 0)
})

test('while a feed is refused nothing is reconciled: status says so, and revocations go on', async () => {
  await using company = await Company.found(server, { config: quiet })
  await apply(company, staff(5))
  await backup(company)
  await apply(company, staff(6))
  await restore(company)
  await company.feedText('employee_id\n')
  expectExit(await company.apply(), 1)
  expectExit(await company.keyturn('offboard', 'E2', '--reason', 'a drill'), 0)
  expect(await stateOf(company, 'E2')).toBe('shut')
  const status = await company.keyturn('status')
  expectExit(status, 2)
  expect(status.stdout).toContain('The ledger was restored from a backup')
  await apply(company, staff(6), 0)
  expect((await company.keyturn('status')).stdout).not.toContain('restored')
})

test('a ledger that is replaced under a running daemon ends it with the reason, and the next one reconciles', async () => {
  await using company = await Company.found(server, { config: quiet })
  await apply(company, staff(3))
  await backup(company)
  await company.feed(changed(staff(4), person('E1', { status: 'Left' })))
  {
    await using daemon = await Daemon.start(company)
    await daemon.until('E4 is there and E1 is out', async () => {
      const { E1, E4 } = await statesOf(company, staff(4))
      return E1 === 'shut' && E4 === 'open'
    })
    await daemon.until('nothing is owed', () => company.isAllWell())
    // By another name first, as tools do that put files back.
    await copyFile(company.path('yesterday.db'), company.path('var/restoring'))
    await rename(company.path('var/restoring'), ledger(company))
    expect(await daemon.ended()).toBe(1)
    expect(daemon.tail()).toContain('was replaced by another file while it was open')
  }
  await using daemon = await Daemon.start(company)
  await daemon.says('the restored ledger is reconciled; what opens is planned next')
  await daemon.until('nothing is owed', () => company.isAllWell())
  expect(await daemon.stop()).toBe(0)
  const now = changed(staff(4), person('E1', { status: 'Left' }))
  expect(await truth(company, now, { remembers: false })).toEqual([])
})

test('a ledger that was deleted is another one: everybody is found again by key, and nobody gets a second account', async () => {
  await using company = await Company.found(server, { config: quiet })
  const people = [...staff(4), person('E5', { status: 'Leave' })]
  await apply(company, changed(people, person('E5')))
  await apply(company, people)
  await rm(ledger(company))
  for (const command of [['status'], ['explain', 'E1']]) {
    const { stdout, stderr } = await company.keyturn(...command)
    expect(stdout + stderr).toContain('The ledger is a new and empty one, and another stood here before')
  }
  await company.feed(changed(people, person('E1', { status: 'Left' }), person('E6')))
  const plan = await company.plan()
  expect(plan.document.withheld.map(({ why, change }) => `${why} ${change.kind} ${change.identity}`)).toContain(
    'restored create hr:E6',
  )
  expectExit(await company.apply(), 2)
  const all = [...people, person('E6')]
  // Who left before a ledger began is its backlog: a person releases it.
  expect(await statesOf(company, all)).toMatchObject({ E2: 'open', E5: 'shut', E6: 'none' })
  expectExit(await company.apply(), 2)
  expect(await stateOf(company, 'E6')).toBe('open')
  expect(await company.accounts('objectClass', 'inetOrgPerson')).toHaveLength(6)
})

test('a copy of the whole state folder goes on where it was: nothing was restored', async () => {
  await using company = await Company.found(server, { config: quiet })
  await apply(company, staff(3))
  const files = (await readdir(company.path('var'))).filter((name) => name.startsWith('keyturn.db'))
  for (const name of files) await cp(company.path(`var/${name}`), company.path(`copy/${name}`))
  await rm(company.path('var'), { recursive: true })
  await rename(company.path('copy'), company.path('var'))
  await apply(company, staff(4))
  expect(await stateOf(company, 'E4')).toBe('open')
  expect(JSON.parse(await readFile(`${ledger(company)}.witness`, 'utf8'))).toMatchObject({ beat: expect.any(Number) })
})

test('numbers that were given since the backup are not given again, although the old ledger does not know of them', async () => {
  const posix = {
    'uid-numbers': { from: 30_000, to: 39_999 },
    'gid-number': 100,
    home: '/home/{name}',
    shell: '/bin/sh',
  }
  await using company = await Company.found(server, {
    config: { ...quiet, platforms: { directory: { schema: { posix } } } },
  })
  await apply(company, staff(6))
  await backup(company)
  await apply(company, staff(8))
  await restore(company)
  await apply(company, staff(10), 2)
  await apply(company, staff(10))
  const numbers = (await company.accounts('objectClass', 'posixAccount')).map((entry) => Number(entry['uidNumber']))
  expect(numbers.toSorted((a, b) => a - b)).toEqual(staff(10).map((_, index) => 30_000 + index))
})
