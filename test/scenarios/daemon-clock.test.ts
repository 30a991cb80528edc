// What the clock alone makes due, in real processes whose clock the test moves.
import { Temporal } from 'temporal-polyfill'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { day, hour, minute, MovedClock, second } from './clock.ts'
import { Daemon } from './daemon.ts'
import { Company, expectExit } from './keyturn.ts'
import { left, person, staff, usualRoles } from './settings.ts'
import type { Settings } from './settings.ts'
import { auditOf, running, settled, truth, untilShutOut } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

const quiet = { daemon: { listen: 'off' } } satisfies Settings
const noon = Date.UTC(2027, 2, 10, 12)

test('a future joiner starts, an end of day shuts in the zone of the person, a clean-up comes after its delay, a role lingers, an override ends: each when it is due', async () => {
  const zone = { column: 'site', values: { Lisbon: 'Europe/Lisbon', Auckland: 'Pacific/Auckland' } }
  await using company = await Company.found(server, {
    config: {
      ...quiet,
      sources: { hr: { identity: { zone } } },
      platforms: { directory: { leaver: { 'cleanup-after': '2d' } } },
    },
    roles: { ...usualRoles, sales: { ...(usualRoles['sales'] as Settings), linger: '3d' } },
  })
  const clock = await MovedClock.of(company)
  await clock.set(noon)
  const rest = staff(3)
  const starter = person('E4', { start_date: '2027-03-11' })
  const kiwi = person('E5', { site: 'Auckland', end_date: '2027-03-11' })
  const local = person('E6', { end_date: '2027-03-11' })
  const others = [starter, kiwi, local]
  await company.feed([...rest, ...others])
  await using daemon = await Daemon.start(company)
  await daemon.until('all have accounts', async () => (await company.count()) === 6)
  expect(await company.isLocked('E4')).toBe(true)
  expect((await company.keyturn('explain', 'E4')).stdout).toMatch(
    /changes by the clock at 2027-03-11 00:00 Europe\/Lisbon/,
  )

  // Lisbon and UTC are the same in March; in Auckland the 11th ends at 11:00 of it.
  await clock.set(Date.UTC(2027, 2, 11, 0, 0, 1))
  await daemon.until('E4 has started', async () => !(await company.isLocked('E4')))
  expect(await company.isLocked('E5')).toBe(false)
  await clock.set(Date.UTC(2027, 2, 11, 11, 0, 1))
  await daemon.until('E5 is shut', () => company.isLocked('E5'))
  expect(await company.isLocked('E6')).toBe(false)
  await clock.set(Date.UTC(2027, 2, 12, 0, 0, 1))
  await daemon.until('E6 is shut', () => company.isLocked('E6'))
  expect(await company.isAmongLeavers('E5')).toBe(false)

  // E1 moves and keeps the old role for three days; E2 is out by an operator's word for two.
  await company.feed([person('E1', { department: 'Engineering' }), ...rest.slice(1), ...others])
  expectExit(await company.keyturn('override', 'E2', '--state', 'left', '--until', '2d', '--reason', 'on trial'), 0)
  await daemon.until('E1 has moved', async () => (await company.members('engineers')).length === 1)
  await daemon.until('E2 is shut', () => company.isLocked('E2'))
  await clock.set(Date.UTC(2027, 2, 13, 11, 0, 1))
  await daemon.until('E5 is cleaned up', () => company.isAmongLeavers('E5'))
  expect(await company.isAmongLeavers('E6')).toBe(false)
  expect((await company.members('sales')).join()).toContain('givene1')
  await clock.set(Date.UTC(2027, 2, 14, 1))
  await daemon.until('E2 is back', async () => !(await company.isLocked('E2')))
  await clock.set(Date.UTC(2027, 2, 15, 1))
  await daemon.until(
    'the old role of E1 is gone',
    async () => !(await company.members('sales')).join().includes('givene1'),
  )
  // The end of E6 was not due to be cleaned up when E5's was.
  const now = left([person('E1', { department: 'Engineering' }), ...rest.slice(1), ...others], ['E5', 'E6'])
  await settled(company, now, () => daemon.tail())
  expect(await truth(company, now)).toEqual([])
})

test('what became due while the daemon was down fires at its start, once; a leaver loaded three days late is shut at once', async () => {
  await using company = await Company.found(server, {
    config: { ...quiet, sources: { hr: { vanished: { after: '2d', then: 'suspend' } } } },
  })
  const clock = await MovedClock.of(company)
  await clock.set(noon)
  const all = [...staff(10), person('E11', { end_date: '2027-03-11' }), person('E12', { start_date: '2027-03-12' })]
  {
    await using daemon = await running(company, all)
    expect(await company.count()).toBe(12)
    await company.feed(all.filter(({ employee_id }) => employee_id !== 'E10'))
    await daemon.until('it is known that E10 has vanished', async () => {
      const { document } = await company.json('explain', 'E10')
      return (document as unknown as { identity: { vanishedAt: number | null } }).identity.vanishedAt !== null
    })
    await daemon.stop()
  }
  await clock.set(noon + 3 * day)
  await using daemon = await Daemon.start(company)
  await daemon.until('E11 is shut', () => company.isLocked('E11'))
  await daemon.until('E12 has started', async () => !(await company.isLocked('E12')))
  await daemon.until('E10 is suspended', () => company.isLocked('E10'))
  const late = all.filter(({ employee_id }) => employee_id !== 'E10')
  await company.feed(left(late, ['E1'], '2027-03-10'))
  await daemon.until('E1 is shut', () => company.isLocked('E1'))
  // The door is shut before the record is complete.
  await daemon.until('it is recorded', async () =>
    (await auditOf(company, 'E11')).some((one) => one.action === 'proof'),
  )
  const explained = await company.json('explain', 'E11')
  const { audit, events } = explained.document as unknown as {
    audit: readonly { action: string; result: string; askedAt: number | null }[]
    events: readonly { kind: string }[]
  }
  // Another plan of that moment may have it looked at once more, which finds it shut already.
  expect(audit.filter(({ action, result }) => action === 'disable' && result === 'done')).toHaveLength(1)
  expect(events.filter(({ kind }) => kind === 'leaver')).toHaveLength(1)
  // The audit says when access was to end, not only when it did.
  expect(audit.find(({ action }) => action === 'disable')?.askedAt).toBe(Date.UTC(2027, 2, 12))
  // Whose row is gone from the feed is away until somebody says more.
  const now = left(all, ['E1', 'E11']).map((one) =>
    one.employee_id === 'E10' ? { ...one, status: 'Leave' as const } : one,
  )
  await settled(company, now, () => daemon.tail())
  expect(await truth(company, now)).toEqual([])
})

test('a clock that jumps an hour back and forth in the middle of work leaves nobody open and nothing waiting', async () => {
  await using company = await Company.found(server, {
    config: {
      ...quiet,
      sources: { hr: { every: '1m', contract: { rows: { 'max-change': '100%' } } } },
      platforms: { directory: { limits: { rate: '40/s' } } },
    },
  })
  const clock = await MovedClock.of(company)
  await clock.set(noon)
  const all = staff(120)
  await company.feed(all)
  await using daemon = await Daemon.start(company)
  await daemon.until('the work has begun', async () => (await company.count()) > 5)
  await clock.move(hour)
  await company.feed(left(all, ['E1', 'E2', 'E3']))
  await clock.move(-hour)
  await untilShutOut(company, ['E1', 'E2', 'E3'], daemon)
  await clock.move(-hour)
  const now = left(all, ['E1', 'E2', 'E3', 'E4', 'E5', 'E6'])
  await company.feed(now)
  await untilShutOut(company, ['E4', 'E5', 'E6'], daemon)
  await clock.move(hour)
  await settled(company, now, () => daemon.tail())
  expect(await truth(company, now)).toEqual([])
})

/** Each with a change of its clocks in 2027, or with a zone that is odd in another way. */
const zones: readonly (readonly [string, string])[] = [
  ['America/New_York', '2027-03-14'],
  ['America/Santiago', '2027-09-04'],
  ['America/Havana', '2027-03-13'],
  ['America/St_Johns', '2027-11-07'],
  ['Europe/Berlin', '2027-03-28'],
  ['Europe/London', '2027-10-31'],
  ['Europe/Lisbon', '2027-10-30'],
  ['Africa/Cairo', '2027-04-29'],
  ['Asia/Beirut', '2027-03-27'],
  ['Australia/Lord_Howe', '2027-10-02'],
  ['Pacific/Auckland', '2027-04-03'],
  ['Asia/Kathmandu', '2027-06-15'],
]

test('in twelve zones, in the nights in which clocks change, everybody keeps access to the last moment of the last day and not longer', async () => {
  const zone = { column: 'site' }
  await using company = await Company.found(server, {
    config: {
      ...quiet,
      sources: { hr: { identity: { zone } } },
      safety: { limits: { removals: { max: '100%', above: 100 } } },
    },
  })
  const clock = await MovedClock.of(company)
  await clock.set(noon)
  const people = zones.map(([site, end_date], index) => person(`E${index + 1}`, { site, end_date }))
  await company.feed(people)
  await using daemon = await Daemon.start(company)
  await daemon.until('all have accounts', async () => (await company.count()) === zones.length)
  // Independent of Keyturn's way: the first instant, second by second, whose local date is later than the last day.
  const ends = zones.map(([site, date], index) => ({ id: `E${index + 1}`, at: firstAfter(site, date) }))
  for (const { id, at } of ends.toSorted((a, b) => a.at - b.at)) {
    await clock.set(at - 5 * second)
    expect(await company.isLocked(id)).toBe(false)
    await clock.set(at)
    await daemon.until(`${id} is shut`, () => company.isLocked(id))
    const { document } = await company.json('explain', id)
    expect((document as unknown as { identity: { leftAt: number } }).identity.leftAt).toBe(at)
  }
  const gone = people.map((one) => ({ ...one, status: 'Left' as const }))
  await settled(company, gone, () => daemon.tail())
  expect(await truth(company, gone)).toEqual([])
})

function firstAfter(zone: string, date: string): number {
  const localDate = (at: number) =>
    Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate().toString()
  let [inside, outside] = [Date.parse(`${date}T00:00:00Z`), Date.parse(`${date}T00:00:00Z`) + 3 * day]
  while (localDate(inside) > date) inside -= hour
  while (outside - inside > 1) {
    const middle = Math.floor((inside + outside) / 2)
    if (localDate(middle) > date) outside = middle
    else inside = middle
  }
  expect(outside % minute).toBe(0)
  return outside
}
