// The first signal ends a daemon in order: what is being written is finished, the rest is handed back, and said.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLedger } from '../../src/ledger/index.ts'
import { startProxy } from '../servers/proxy.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Crowd, chance, crowdSettings } from './crowd.ts'
import { Daemon } from './daemon.ts'
import { Company, finish } from './keyturn.ts'
import { ledgerOf, settled, truth } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

async function openOf(company: Company) {
  await using ledger = await openLedger(ledgerOf(company), { readOnly: true })
  const all = await ledger.obligations({})
  return all.filter(({ state }) => state === 'owed' || state === 'waiting')
}

test('stopped in the middle of a burst: it says what is still owed, nobody holds anything of it, nothing goes on, and the next one finishes it', async () => {
  await using company = await Company.found(server, { config: crowdSettings })
  await using proxy = await startProxy(server.port, { delayMs: 10 })
  await company.configure(crowdSettings, `ldap://127.0.0.1:${proxy.port}`)
  const crowd = new Crowd(company, chance(3))
  crowd.join(300)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  await daemon.until('the work has begun', async () => (await company.members('staff')).length > 0)
  expect(await daemon.stop()).toBe(0)
  const open = await openOf(company)
  expect(open.length).toBeGreaterThan(0)
  expect(daemon.printed).toBe(
    `Stopped. ${open.length} obligations still owed, 0 revocations among them: kept in the ledger, and carried out from the next start on.\n`,
  )
  expect(open.filter(({ claimedUntil }) => claimedUntil !== null)).toEqual([])
  const there = await company.everything()
  await pause(500)
  expect(await company.everything()).toBe(there)

  await using next = await Daemon.start(company)
  await settled(company, crowd.people, () => next.tail())
  expect(await truth(company, crowd.people)).toEqual([])

  // Who watches it sees it go on, until Ctrl-C.
  const watching = company.start('status', '--watch')
  let pages = ''
  watching.stdout?.setEncoding('utf8').on('data', (text: string) => (pages += text))
  const ended = finish(watching)
  await next.until('the status is shown', async () => pages.includes('300 active'))
  crowd.leave(1)
  await crowd.write()
  await next.until('the status is shown anew', async () => pages.includes('299 active'))
  await settled(company, crowd.people, () => next.tail())
  watching.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 0, stderr: '\nkeyturn: stopping; once more stops at once\n' })
  expect(await next.stop()).toBe(0)
  expect(next.printed).toBe('Stopped. Nothing is owed.\n')
})
