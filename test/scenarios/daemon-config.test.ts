// Another configuration while the daemon runs: taken as a whole, or refused as a whole with the last good one in force.
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { freePort } from '../servers/ports.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Daemon, eventually } from './daemon.ts'
import { Company, expectExit } from './keyturn.ts'
import { person, staff, usualRoles, usualSettings } from './settings.ts'
import type { Settings } from './settings.ts'
import { obligationsOf, running, settled } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ tls: false, ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

const quiet = { daemon: { listen: 'off' } } satisfies Settings
const force = 'another configuration is in force'
const refusal = 'the configuration is refused; the last good one stays in force'

test('a changed role plans everybody anew; a bad file is refused, shown and survived; the corrected one is taken; SIGHUP works', async () => {
  await using company = await Company.found(server, { config: quiet })
  await using daemon = await running(company, staff(5))
  const engineers = async () => (await company.members('engineers')).length
  await company.roles({
    ...usualRoles,
    sales: { when: 'person.department == "Sales"', entitlements: { directory: ['sales', 'engineers'] } },
  })
  await daemon.says(force)
  await daemon.until('everybody is an engineer', async () => (await engineers()) === 5)
  await settled(company, staff(5), () => daemon.tail())

  const from = daemon.log.length
  await company.roles({ ...usualRoles, sales: { when: 'person.departmnt == "Sales"' } })
  await daemon.says(refusal, { from })
  const status = await company.keyturn('status', '--offline')
  // The command itself reads the same bad files, and goes on by what is in force.
  expectExit(status, 2)
  expect(status.stderr).toContain('departmnt')
  expect(status.stdout).toContain('is refused')
  expect(status.stdout).not.toContain('departmnt')
  await company.feed([...staff(4), person('E5', { status: 'Left' })])
  await daemon.until('a leaver is shut by the last good one', () => company.isAmongLeavers('E5'))
  await daemon.until('the notice is told', async () => daemon.log.some(({ kind }) => kind === 'config-refused'))
  await daemon.until('only the leaver is no engineer any more', async () => (await engineers()) === 4)

  const corrected = daemon.log.length
  await company.roles(usualRoles)
  await daemon.says(force, { from: corrected })
  await daemon.until('nobody is an engineer', async () => (await engineers()) === 0)
  const hup = daemon.log.length
  daemon.process.kill('SIGHUP')
  await company.roles({ ...usualRoles, boss: { when: 'key == "E1"', entitlements: { directory: ['engineers'] } } })
  daemon.process.kill('SIGHUP')
  await daemon.says(force, { from: hup })
  await daemon.until('E1 is an engineer', async () => (await engineers()) === 1)
  expect(await daemon.stop()).toBe(0)
})

test('removing a platform whose accounts are linked is refused, and shown until the file is corrected', async () => {
  await using company = await Company.found(server, { config: quiet })
  await using daemon = await running(company, staff(3))
  const before = await company.everything()
  const from = daemon.log.length
  const settings = usualSettings(company, server.plainUrl, await company.recipient())
  const renamed = (settings['platforms'] as Record<string, Settings>)['directory'] ?? {}
  await writeFile(company.path('keyturn.yaml'), stringify({ ...settings, ...quiet, platforms: { renamed } }))
  await company.roles({ employee: { accounts: ['renamed'] } })
  const refused = await daemon.says(refusal, { from })
  expect(String(refused['why'])).toMatch(/directory/)
  const shown = await company.keyturn('status', '--offline')
  expect(shown.stdout).toMatch(/The configuration on disk is refused; the last good one stays in force/)
  expect(await company.everything()).toBe(before)
  await company.configure(quiet)
  await company.roles(usualRoles)
  await daemon.until(
    'nothing is refused any more',
    async () => !(await company.keyturn('status', '--offline')).stdout.includes('refused; the last good'),
  )
  expect(await company.everything()).toBe(before)
})

test('a mistake in the mapping that takes access from everybody is held by the limit', async () => {
  await using company = await Company.found(server, {
    config: { ...quiet, safety: { limits: { removals: { max: '10%', above: 2 } } } },
  })
  await using daemon = await running(company, staff(10))
  const before = await company.everything()
  await company.roles({
    ...usualRoles,
    employee: { when: 'person.department == "Sale"', accounts: ['directory'], entitlements: { directory: ['staff'] } },
  })
  await daemon.says(force)
  await daemon.until('it is told', async () => daemon.log.some(({ kind }) => kind === 'leavers-withheld'))
  const holds = await company.json('holds')
  expect(holds.document.holds.map(({ why }) => why)).toEqual(['removals-limit'])
  expect(await company.everything()).toBe(before)
  await company.roles(usualRoles)
  await daemon.until('nothing is held', async () => (await company.json('holds')).document.holds.length === 0)
  expect(await company.everything()).toBe(before)
})

test('intake, workers and server as three processes share the work; a second signal ends at once what the first has not', async () => {
  await using company = await Company.found(server, { config: quiet })
  await company.feed(staff(4))
  await using workers = await Daemon.start(company, '--only', 'workers')
  await using front = await Daemon.start(company, '--only', 'server')
  await using intake = await Daemon.start(company, '--only', 'intake')
  const tails = () => [workers, front, intake].map((one) => one.tail(25)).join('\n---\n')
  await eventually('all have accounts', async () => (await company.count()) === 4, tails)
  const { document } = await company.json('status')
  const { processes } = document as unknown as { processes: readonly { roles: readonly string[] }[] }
  expect(processes.map(({ roles }) => roles.join()).toSorted()).toEqual(['intake', 'server', 'workers'])
  await company.feed([...staff(3), person('E4', { status: 'Left' })])
  await eventually('E4 is shut', () => company.isAmongLeavers('E4'), tails)
  await workers.says('proof')
  expect(intake.log.some(({ msg }) => msg === 'proof')).toBe(false)
  expect(await intake.stop()).toBe(0)
  expect(await front.stop()).toBe(0)

  // The platform hangs in the middle of a revocation: the first signal waits for it, the second does not.
  expectExit(await company.keyturn('override', 'E3', '--state', 'left', '--reason', 'test'), 0)
  server.freeze()
  try {
    await using second = await Daemon.start(company, '--only', 'intake')
    await second.says('planned at once')
    const isClaimed = async () => (await obligationsOf(company, 'E3')).some(({ claimedUntil }) => claimedUntil !== null)
    await eventually('a worker has begun with it', isClaimed, tails)
    workers.process.kill('SIGTERM')
    await workers.says('stopping: what is being written is finished, the rest is handed back')
    expect(await workers.stop()).toBe(130)
  } finally {
    server.thaw()
  }
  expectExit(await company.apply(), 0)
  expect(await company.isAmongLeavers('E3')).toBe(true)
  expect(await company.isAmongLeavers('E2')).toBe(false)
})

test('another daemon.listen is taken by a reload; one that is taken refuses the reload, and the old address answers on', async () => {
  const [first, second, third] = [await freePort(), await freePort(), await freePort()]
  const listenAt = (listen: string) => ({ daemon: { listen } })
  await using company = await Company.found(server, { config: listenAt(`127.0.0.1:${first}`) })
  await using daemon = await running(company, staff(1))
  const answers = (port: number, path = 'healthz') =>
    fetch(`http://127.0.0.1:${port}/${path}`).then(
      async (response) => (await response.text()).length > 0 && response.ok,
      () => false,
    )
  expect(await answers(first)).toBe(true)

  let from = daemon.log.length
  await company.configure(listenAt(`127.0.0.1:${second}`))
  await daemon.says(force, { from })
  expect([await answers(first), await answers(second), await answers(second, 'metrics')]).toEqual([false, true, true])

  const other = createServer()
  await new Promise<void>((resolve) => void other.listen(third, '127.0.0.1', resolve))
  from = daemon.log.length
  await company.configure(listenAt(`127.0.0.1:${third}`))
  const refused = await daemon.says(refusal, { from })
  expect(refused['why']).toMatch(new RegExp(`daemon.listen: 127.0.0.1:${third}: another process listens there already`))
  expect(refused['why']).toContain('state another address or port')
  expect(await answers(second)).toBe(true)
  expect((await company.keyturn('status', '--offline')).stdout).toContain('is refused; the last good one')
  await new Promise((resolve) => void other.close(resolve))
  from = daemon.log.length
  daemon.process.kill('SIGHUP')
  await daemon.says(force, { from })
  expect([await answers(second), await answers(third)]).toEqual([false, true])

  // Every address of the machine, this one among them; and then none.
  from = daemon.log.length
  await company.configure(listenAt(`0.0.0.0:${third}`))
  await daemon.says(force, { from })
  expect(await answers(third)).toBe(true)
  from = daemon.log.length
  await company.configure(quiet)
  await daemon.says(force, { from })
  expect(await answers(third)).toBe(false)
  expect(await daemon.stop()).toBe(0)
})
