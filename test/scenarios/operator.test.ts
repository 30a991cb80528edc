// An operator's emergency, without any daemon and without a queue: who is meant, what is shut, what is said.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { hour, MovedClock } from './clock.ts'
import { Company, expectExit } from './keyturn.ts'
import type { Run } from './keyturn.ts'
import { person, staff } from './settings.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

const refused = 49

test('offboard finds one person by key, mail or account name, passes limits, rejections and contradictions, needs no Redis, and tells each step', async () => {
  const mail = { expr: 'row.surname.lowerAscii() + "@corp.example"' }
  await using company = await Company.found(server, {
    config: {
      sources: { hr: { identity: { mail }, contract: { rows: { 'max-change': '100%' } } } },
      safety: { limits: { removals: { max: '0%', above: 0 } } },
    },
  })
  const twins = [person('E1', { surname: 'Twin' }), person('E2', { surname: 'Twin', department: 'Research' })]
  const others = staff(6).slice(2)
  await company.feed([...twins, ...others])
  expectExit(await company.apply(), 0)
  const password = await company.firstPassword('givene3.surnamee3')
  const dn = (await company.account('E3'))?.dn ?? ''
  expect(await company.signIn(dn, password)).toBe(0)

  // HR's word about E5 was stopped and then rejected; the record of E6 contradicts itself.
  const told = others.map((one) => {
    if (one.employee_id === 'E5') return { ...one, status: 'Left' as const }
    return one.employee_id === 'E6' ? { ...one, status: 'Gone fishing' as 'Left' } : one
  })
  await company.feed([...twins, ...told])
  const stopped = await company.apply()
  expect(stopped.document.holds.map(({ why }) => why)).toEqual(['removals-limit'])
  const hold = String(stopped.document.holds[0]?.id)
  expectExit(await company.keyturn('holds', 'reject', hold, '--reason', 'HR says no'), 0)

  await company.configure({
    state: { redis: 'redis://127.0.0.1:9' },
    sources: { hr: { identity: { mail }, contract: { rows: { 'max-change': '100%' } } } },
    safety: { limits: { removals: { max: '0%', above: 0 } } },
  })
  const before = await company.everything()
  const both = await company.keyturn('offboard', 'twin@corp.example', '--reason', 'dismissed')
  expectExit(both, 1)
  expect(both.stderr).toContain('"twin@corp.example" means 2 people; nothing was done')
  expect(both.stderr).toMatch(/hr:E1 {2}active .*Sales/)
  expect(both.stderr).toMatch(/hr:E2 {2}active .*Research/)
  expect(await company.everything()).toBe(before)

  const byName = await company.keyturn('offboard', 'GivenE3.SurnameE3', '--reason', 'dismissed')
  expectExit(byName, 0)
  const steps = [
    'disable  after',
    'scramble  after',
    'clear  after',
    'proof: refused  after',
    'residual access:',
    'settled',
  ]
  for (const step of steps) expect(byName.stdout).toContain(step)
  expect(byName.stdout).toMatch(/after \d+(\.\d)? m?s/)
  expect(await company.signIn(dn.replace(company.people, company.leavers), password)).toBe(refused)
  expect(await company.isAmongLeavers('E3')).toBe(true)

  for (const text of ['surnamee4@corp.example', 'hr:E5', 'E6']) {
    expectExit(await company.keyturn('offboard', text, '--reason', 'dismissed'), 0)
  }
  for (const id of ['E4', 'E5', 'E6']) expect(await company.isAmongLeavers(id)).toBe(true)
  for (const id of ['E1', 'E2']) expect(await company.isAmongLeavers(id)).toBe(false)
})

test('what a tired operator mistypes changes nothing and says what is allowed', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(2))
  expectExit(await company.apply(), 0)
  const before = await company.everything()
  const reason = ['--reason', 'x']
  const mistakes: readonly (readonly [number, RegExp, readonly string[]])[] = [
    [64, /'--reason <text>' not specified/, ['offboard']],
    [64, /missing required argument 'person'/, ['offboard', ...reason]],
    [64, /'--reason <text>' not specified/, ['offboard', 'E1']],
    [64, /argument missing/, ['offboard', 'E1', '--reason']],
    [64, /--reason is empty/, ['offboard', 'E1', '--reason', ' ']],
    [64, /too many arguments/, ['offboard', 'E1', 'E2', ...reason]],
    [1, /nobody is known as "E99"/, ['offboard', 'E99', ...reason]],
    [1, /nobody is known as ""/, ['offboard', '', ...reason]],
    [64, /--confirm belongs to --undo/, ['offboard', 'E1', ...reason, '--confirm']],
    [64, /nobody has offboarded hr:E1/, ['offboard', 'E1', ...reason, '--undo', '--confirm']],
    [64, /"soon" is no time[^]*2026-12-31/, ['offboard', 'E1', ...reason, '--until', 'soon']],
    [64, /is 2020-01-02 00:00 \S+, which has passed/, ['offboard', 'E1', ...reason, '--until', '2020-01-01']],
    [64, /"99999999d" is too long: at most 36500d/, ['offboard', 'E1', ...reason, '--until', '99999999d']],
    [64, /--wait "0s" is too short/, ['offboard', 'E1', ...reason, '--wait', '0s']],
    [64, /--reason is empty/, ['holds', 'approve', '1', '--reason', '']],
    [64, /"long" is no length of time/, ['offboard', 'E1', ...reason, '--wait', 'long']],
    [64, /--state active, --state left, or --end/, ['override', 'E1', ...reason]],
    [64, /Allowed choices are active, left/, ['override', 'E1', '--state', 'Left', ...reason]],
    [64, /takes neither --state nor --until/, ['override', 'E1', '--state', 'left', '--end', ...reason]],
    [1, /no override stands for hr:E1/, ['override', 'E1', '--end', ...reason]],
    [1, /no freeze stands for hr:E1/, ['freeze', 'E1', '--end', ...reason]],
    [64, /unknown option '--state'/, ['freeze', 'E1', '--state', 'left', ...reason]],
  ]
  await Promise.all(
    mistakes.map(async ([code, says, args]) => {
      const run = await company.keyturn(...args)
      expectExit(run, code)
      expect(run.stderr).toMatch(says)
      expect(run.stderr).not.toMatch(/this should not happen| at .*\.ts/)
    }),
  )
  expect(await company.everything()).toBe(before)
  const status = await company.keyturn('status')
  expectExit(status, 0)
  expect(status.stdout).not.toContain("Operators' words")
})

test('the same offboarding twice does no harm and says so; HR who still says active does not open it', async () => {
  await using company = await Company.found(server)
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  expectExit(await company.keyturn('offboard', 'E1', '--reason', 'dismissed'), 0)
  const before = await company.everything()
  const again = await company.keyturn('offboard', 'E1', '--reason', 'dismissed, I think')
  expectExit(again, 0)
  expect(again.stdout).toMatch(/was shut already; its proof: refused/)
  await company.feed(
    staff(3, { title: 'Assistant' }).map((one) => (one.employee_id === 'E1' ? one : person(one.employee_id))),
  )
  expectExit(await company.apply(), 0)
  expect(await company.everything()).toBe(before)

  const explained = await company.keyturn('explain', 'E1')
  expect(explained.stdout).toMatch(
    /hr:E1 {2}left\n {2}override to left until it is ended, by .*: dismissed, I think \(the sources say: active\)/,
  )
  for (const command of ['plan', 'status'])
    expect((await company.keyturn(command)).stdout).toMatch(/Operators' words\n {2}hr:E1 {2}left .*dismissed, I think/)
})

test('an offboarding is taken back after its plan was seen, whatever HR says later, until its end', async () => {
  await using company = await Company.found(server, { groups: ['staff', 'sales', 'engineers', 'chess'] })
  const clock = await MovedClock.of(company)
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  const { dn = '' } = (await company.account('E1')) ?? {}
  await company.replace(`cn=chess,${company.groups}`, 'member', [company.placeholder, dn])
  expectExit(await company.keyturn('offboard', 'E1', '--reason', 'dismissed'), 0)
  expect(await company.members('chess')).toEqual([])

  const shut = await company.everything()
  expectExit(await company.keyturn('freeze', 'E1', '--until', '1h', '--reason', 'inquiry'), 0)
  const frozen = await company.keyturn('offboard', 'E1', '--undo', '--reason', 'wrong person')
  expectExit(frozen, 2)
  expect(frozen.stdout).toMatch(
    /frozen by an operator[^]*NOTHING is opened while the freeze stands[^]*"keyturn freeze hr:E1 --end/,
  )
  const thawed = await company.keyturn('freeze', 'E1', '--end', '--reason', 'inquiry closed')
  expect(thawed.stdout).toMatch(/Still standing: override to left of hr:E1 until it is ended/)
  expect(thawed.stdout).not.toContain("the sources' word counts again")
  const takeBack = ['offboard', 'E1', '--undo', '--reason', 'wrong person', '--until', '48h']
  const shown = await company.keyturn(...takeBack)
  expectExit(shown, 2)
  expect(shown.stdout).toMatch(/\+enable|opened|\+open/i)
  expect(shown.stdout).toMatch(/Not given back[^\n]*\n {2}directory {2}chess/)
  expect(shown.stdout).toContain('Nothing was done.')
  expect(await company.everything()).toBe(shut)
  expect((await company.keyturn('explain', 'E1')).stdout).toContain('override to left')

  const done = await company.keyturn(...takeBack, '--confirm')
  expectExit(done, 0)
  expect(done.stdout).toMatch(/enable: done {2}after/)
  expect(done.stdout).toMatch(/Not given back[^\n]*\n {2}directory {2}chess/)
  expect((await company.account('E1'))?.dn).toBe(dn)
  expect(await company.signIn(dn, await company.firstPassword('givene1.surnamee1'))).toBe(0)
  expect(await company.members('staff')).toContain(dn)
  expect(await company.members('sales')).toContain(dn)
  expect(await company.members('chess')).toEqual([])

  await company.feed([person('E1', { status: 'Left' }), ...staff(3).slice(1)])
  expectExit(await company.apply(), 0)
  expect((await company.account('E1'))?.dn).toBe(dn)
  expect((await company.keyturn('explain', 'E1')).stdout).toMatch(
    /override to active until .*: wrong person \(the sources say: left\)/,
  )
  await clock.move(49 * hour)
  expectExit(await company.apply(), 0)
  expect(await company.isAmongLeavers('E1')).toBe(true)
})

test('who offboards too often is stopped, and the audit has the name', async () => {
  await using company = await Company.found(server, { config: { daemon: { offboards: { most: 2, within: '1h' } } } })
  const clock = await MovedClock.of(company)
  await company.feed(staff(4))
  expectExit(await company.apply(), 0)
  const dismiss = (id: string): Promise<Run> => company.json('offboard', id, '--reason', 'dismissed')
  const first = await dismiss('E1')
  expectExit(first, 0)
  const { audit } = first.document as unknown as { audit: readonly { action: string; operator: string }[] }
  const status = (await company.json('status')).document as unknown as { overrides: readonly { operator: string }[] }
  const operator = status.overrides[0]?.operator ?? ''
  expect(operator).toMatch(/./)
  expect(new Set(audit.map((record) => record.operator))).toEqual(new Set([operator]))
  expect(audit.map(({ action }) => action)).toEqual(expect.arrayContaining(['override', 'step', 'disable', 'proof']))
  expectExit(await dismiss('E2'), 0)
  const third = await dismiss('E3')
  expectExit(third, 1)
  expect(third.document.error?.code).toBe('rate-limited')
  expect(third.document.error?.message).toContain(`${operator} has offboarded 2 people within 60 minutes`)
  expect(await company.isAmongLeavers('E3')).toBe(false)
  await clock.move(hour)
  expectExit(await dismiss('E3'), 0)
  expect(await company.isAmongLeavers('E3')).toBe(true)
})

test('who comes back until a day is opened until then, where pwdEndTime is the lock, too', async () => {
  await using plain = await startSlapd({ tls: false, ppolicy: 'no-lockout' })
  await using company = await Company.found(plain)
  await company.feed(staff(3))
  expectExit(await company.apply(), 0)
  expectExit(await company.keyturn('offboard', 'E1', '--reason', 'dismissed'), 0)
  await company.feed([person('E1', { end_date: '2031-05-06' }), ...staff(3).slice(1)])
  const back = await company.keyturn('offboard', 'E1', '--undo', '--reason', 'wrong person', '--confirm')
  expectExit(back, 0)
  expectExit(await company.apply(), 0)
  const account = await company.account('E1')
  expect(String(account?.['pwdEndTime'])).toMatch(/^203105/)
  const password = await company.firstPassword('givene1.surnamee1')
  expect(await company.signIn(account?.dn ?? '', password)).toBe(0)
})
