// An operator's word while the daemon runs, while a platform is down, and when the operator loses patience.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon, eventually } from './daemon.ts'
import { Company, expectExit, finish } from './keyturn.ts'
import { left, person, staff } from './settings.ts'
import type { Settings } from './settings.ts'
import { obligationsOf, running } from './truth.ts'
import { withWiki } from './wiki.ts'

let server: Slapd
let other: Slapd

beforeAll(async () => {
  ;[server, other] = await Promise.all([
    startSlapd({ tls: false, ppolicy: 'lockout' }),
    startSlapd({ tls: false, ppolicy: 'lockout' }),
  ])
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

const quiet = { daemon: { listen: 'off' } } satisfies Settings

test('a platform that is down keeps its part owed, and only its own; with no daemon the operator is told that nobody tries on', async () => {
  await using company = await Company.found(server)
  await using wiki = await withWiki(company, other, quiet)
  await company.feed(staff(2))
  expectExit(await company.apply(), 0)
  await other.kill()
  try {
    const run = await company.keyturn('offboard', 'E1', '--reason', 'dismissed', '--wait', '8s')
    expectExit(run, 1)
    expect(await company.isAmongLeavers('E1')).toBe(true)
    expect(run.stdout).toMatch(/directory {2}givene1[^]*proof: refused[^]*wiki/)
    expect(run.stdout).toMatch(/Not done on 1 platform \(wiki\)\. No daemon runs, so NOBODY tries on/)
    expect(run.stderr).toMatch(/wiki .*\nIt is tried on for up to 8 s/)
    expect(run.stderr.match(/the platform could not be observed/g)).toHaveLength(1)
  } finally {
    await other.start()
    await wiki.rebind()
  }
  expect(await wiki.isAmongLeavers('E1')).toBe(false)
  const again = await company.keyturn('offboard', 'E1', '--reason', 'dismissed')
  expectExit(again, 0)
  expect(again.stdout).toMatch(/directory[^\n]*\n {2}was shut already[^]*wiki[^]*proof: refused/)
  expect(await wiki.isAmongLeavers('E1')).toBe(true)
})

test('a daemon that only plans carries nothing out, and nobody is told that it does', async () => {
  await using company = await Company.found(server)
  await using wiki = await withWiki(company, other, quiet)
  await company.feed(staff(2))
  expectExit(await company.apply(), 0)
  await using daemon = await Daemon.start(company, '--only', 'intake')
  await other.kill()
  try {
    const run = await company.keyturn('offboard', 'E1', '--reason', 'dismissed', '--wait', '1s')
    expectExit(run, 1)
    expect(run.stdout).toMatch(/\(wiki\)\. No running daemon has the role workers, so NOBODY tries on/)
    expect(run.stdout).toMatch(/directory .*[^]*proof: refused[^]*wiki /)
    const status = await company.keyturn('status', '--offline')
    expect(status.stdout).toContain('No running daemon has the role workers: NOTHING that is owed is done')
    expectExit(status, 2)
  } finally {
    await other.start()
    await wiki.rebind()
  }
  expect(await daemon.stop()).toBe(0)
})

test('what another planner owes once more while the command waits is done by the command', async () => {
  await using company = await Company.found(server)
  await using wiki = await withWiki(company, other, quiet)
  await company.feed(staff(2))
  expectExit(await company.apply(), 0)
  await using daemon = await Daemon.start(company, '--only', 'intake')
  await other.kill()
  try {
    const child = company.start('offboard', 'E1', '--reason', 'dismissed', '--wait', '1m')
    const ended = finish(child)
    await eventually('the directory is shut and that is proven', async () => {
      const all = await obligationsOf(company, 'E1')
      return all.some(({ platform, state, proof }) => platform === 'directory' && state === 'settled' && proof !== null)
    })
    // Opened by another hand; and the feed makes the daemon, which carries nothing out, plan this person again.
    const { dn = '' } = (await company.account('E1')) ?? {}
    await company.openByHand(dn, 'opened-by-hand')
    await company.feed(left(staff(2), ['E1']))
    await eventually('nobody gets in', async () => (await company.signIn(dn, 'opened-by-hand')) === 49)
    child.kill('SIGINT')
    const run = await ended
    expectExit(run, 1)
    expect(run.stdout).toMatch(/Not done on 1 platform \(wiki\)/)
    expect(await daemon.stop()).toBe(0)
  } finally {
    await other.start()
    await wiki.rebind()
  }
})

test('Ctrl-C while a platform hangs ends the waiting: what is written stays written, and a daemon carries the rest out', async () => {
  await using company = await Company.found(server)
  await using wiki = await withWiki(company, other, quiet)
  await company.feed(staff(2))
  expectExit(await company.apply(), 0)
  other.freeze()
  try {
    const child = company.start('offboard', 'E1', '--reason', 'dismissed')
    const ended = finish(child)
    await eventually('the directory is shut and that is proven', async () => {
      const all = await obligationsOf(company, 'E1')
      return all.some(
        ({ platform, lane, state }) => platform === 'directory' && lane === 'revoke' && state === 'settled',
      )
    })
    expect(await company.isAmongLeavers('E1')).toBe(true)
    child.kill('SIGINT')
    const run = await ended
    expectExit(run, 1)
    expect(run.stdout).toMatch(/Not done on 1 platform \(wiki\)/)
  } finally {
    other.thaw()
  }
  await using daemon = await Daemon.start(company)
  await daemon.until('the wiki is shut', () => wiki.isAmongLeavers('E1'))
  expect(await company.isAmongLeavers('E2')).toBe(false)
})

test('with the daemon running an offboarding is one story: shut once, proven, shown; and a platform that comes back is shut then', async () => {
  await using company = await Company.found(server)
  await using wiki = await withWiki(company, other, quiet)
  await using daemon = await running(company, staff(3))
  const run = await company.json('offboard', 'E1', '--reason', 'dismissed')
  expectExit(run, 0)
  expect(run.document.obligations.map(({ state, proof }) => [state, proof?.grade])).toEqual([
    ['settled', 'refused'],
    ['settled', 'refused'],
  ])
  const { audit } = run.document as unknown as { audit: readonly { action: string; platform: string | null }[] }
  const disables = audit.filter(({ action }) => action === 'disable').map(({ platform }) => platform)
  expect(disables).toHaveLength(2)
  expect(new Set(disables)).toEqual(new Set(['directory', 'wiki']))

  await other.kill()
  const partly = await company.keyturn('offboard', 'E2', '--reason', 'dismissed', '--wait', '8s')
  await other.start()
  await wiki.rebind()
  expectExit(partly, 1)
  expect(partly.stdout).toMatch(/Not done on 1 platform \(wiki\)\. The running daemon tries on/)
  await daemon.until('the wiki is shut', () => wiki.isAmongLeavers('E2'))
  expect(await wiki.isAmongLeavers('E3')).toBe(false)
})

test('freeze stops what HR says of a mover until it ends, but never a leaver', async () => {
  await using company = await Company.found(server, { config: quiet })
  await using daemon = await running(company, staff(3))
  for (const id of ['E1', 'E2']) expectExit(await company.keyturn('freeze', id, '--reason', 'investigation'), 0)
  const move = (id: string) => person(id, { department: 'Engineering' })
  await company.feed([move('E1'), move('E2'), move('E3')])
  const isEngineer = async (id: string) =>
    (await company.members('engineers')).includes((await company.account(id))?.dn ?? '')
  await daemon.until('E3 has moved', () => isEngineer('E3'))
  const plan = await company.plan()
  expect(plan.document.withheld.every(({ why }) => why === 'frozen')).toBe(true)
  expect(new Set(plan.document.withheld.map(({ change }) => change.identity))).toEqual(new Set(['hr:E1', 'hr:E2']))
  expect((await company.keyturn('explain', 'E1')).stdout).toMatch(/frozen until it is ended, by .*: investigation/)
  expect((await company.keyturn('status')).stdout).toMatch(/hr:E1 {2}frozen until it is ended/)
  expect(await isEngineer('E1')).toBe(false)

  await company.feed([move('E1'), person('E2', { status: 'Left' }), move('E3')])
  await daemon.until('the frozen leaver is shut', () => company.isAmongLeavers('E2'))
  expect(await isEngineer('E1')).toBe(false)
  expectExit(await company.keyturn('freeze', 'E1', '--end', '--reason', 'over'), 0)
  await daemon.until('E1 has moved', () => isEngineer('E1'))
})

test('an override is acted on at once, stands above the feed, and ends when somebody ends it', async () => {
  await using company = await Company.found(server, { config: quiet })
  await using daemon = await running(company, staff(3))
  const said = await company.keyturn('override', 'E1', '--state', 'left', '--reason', 'court order', '--until', '7d')
  expectExit(said, 0)
  expect(said.stdout).toContain('whatever the sources say')
  await daemon.until('E1 is shut', () => company.isAmongLeavers('E1'))
  await company.feed(staff(3, { title: 'Assistant' }))
  await daemon.until('E2 has the title', async () => (await company.account('E2'))?.['title'] === 'Assistant')
  expect(await company.isAmongLeavers('E1')).toBe(true)
  expectExit(await company.keyturn('override', 'E1', '--end', '--reason', 'lifted'), 0)
  await daemon.until('E1 is back', async () => (await company.account('E1'))?.dn.endsWith(company.people))
  await daemon.until('E1 is a member again', async () => (await company.members('sales')).length === 3)
})
