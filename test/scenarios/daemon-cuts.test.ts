// Connections that end in the middle of something: of a write, of a page of people, of a TLS handshake.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProxy } from '../servers/proxy.ts'
import { startSlapd } from '../servers/slapd.ts'
import type { Slapd } from '../servers/slapd.ts'
import { Crowd, chance, crowdSettings } from './crowd.ts'
import { Daemon } from './daemon.ts'
import { Company } from './keyturn.ts'
import { settled, truth } from './truth.ts'

let server: Slapd

beforeAll(async () => {
  server = await startSlapd({ ppolicy: 'lockout' })
})

afterAll(() => server[Symbol.asyncDispose]())

const many = 400

/** Where a connection is cut: after so many bytes of the server's answers. */
const places = [
  // The server's first flight of the handshake has 1,500 to 4,000 bytes.
  200, 900, 1_800,
  // A few answers after it: in the middle of writes.
  4_000, 5_000, 7_000, 12_000,
  // The accounts of some hundred people: in the middle of a page of them.
  40_000, 90_000, 150_000,
]

test('connections are cut after so many bytes, wherever that is, while people join and leave', async () => {
  await using proxy = await startProxy(Number(new URL(server.url).port))
  const url = `ldaps://localhost:${proxy.port}`
  await using company = await Company.found(server)
  await company.configure({ ...crowdSettings, platforms: { directory: { tls: { ca: server.ca ?? '' } } } }, url)
  const random = chance(41)
  const crowd = new Crowd(company, random)
  crowd.join(many)
  await crowd.write()
  await using daemon = await Daemon.start(company)
  for (const bytes of places) {
    proxy.cutAfter(bytes)
    crowd.join(20)
    crowd.leave(2)
    await crowd.write()
    await pause(700 + random() * 800)
    proxy.cutAfter(undefined)
    await pause(random() * 300)
    proxy.cut()
  }
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])
})
