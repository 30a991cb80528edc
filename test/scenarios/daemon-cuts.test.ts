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

/** Where a connection is cut: after so many bytes of the server's answers, or of what is asked of it. */
const places: readonly (readonly ['answers' | 'requests', number])[] = [
  // The server's first flight of the handshake has 1,500 to 4,000 bytes.
  ['answers', 200],
  ['answers', 900],
  ['answers', 1_800],
  // The client's has some hundreds; its second one and its name and password come after that.
  ['requests', 100],
  ['requests', 700],
  // A few answers after it: in the middle of writes.
  ['answers', 4_000],
  ['answers', 5_000],
  ['answers', 7_000],
  ['answers', 12_000],
  // In the middle of a write itself: the server has half of it.
  ['requests', 1_500],
  ['requests', 2_500],
  ['requests', 6_000],
  ['requests', 15_000],
  // The accounts of some hundred people: in the middle of a page of them.
  ['answers', 40_000],
  ['answers', 60_000],
  ['answers', 90_000],
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
  for (const [what, bytes] of places) {
    const before = proxy.cuts
    proxy.cutAfter(bytes, what)
    crowd.join(20)
    crowd.leave(2)
    await crowd.write()
    await daemon.until(`a connection is cut after ${bytes} bytes of ${what}`, async () => proxy.cuts > before)
    await pause(random() * 1_000)
    proxy.cutAfter(undefined)
    await pause(random() * 300)
    proxy.cut()
  }
  await settled(company, crowd.people, () => daemon.tail())
  expect(await truth(company, crowd.people)).toEqual([])
})
