import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Connection } from '../../../src/connectors/directory/connection.ts'
import { addValues, replaceValues } from '../../../src/connectors/directory/edits.ts'
import { Pool } from '../../../src/connectors/directory/pool.ts'
import { readEntry } from '../../../src/connectors/directory/search.ts'
import type { Connector } from '../../../src/model/connector.ts'
import type { DirectorySettings } from '../../../src/model/settings.ts'
import { startProxy } from '../../servers/proxy.ts'
import { startRedis } from '../../servers/redis.ts'
import { startSlapd } from '../../servers/slapd.ts'
import type { Slapd } from '../../servers/slapd.ts'
import { Person, TestContext } from './conformance/harness.ts'
import { ldapSettings, open, silent } from './ldap-harness.ts'

const { signal } = new AbortController()
const short = { timeouts: { connect: 400, request: 400 } }

let slapd: Slapd
beforeAll(async () => {
  slapd = await startSlapd({ ppolicy: 'lockout', useLockout: true, people: 200 })
})
afterAll(async () => {
  await slapd[Symbol.asyncDispose]()
})

describe('a probe', () => {
  test('passes where the server answers', async () => {
    await using connector = open(slapd)
    await expect(connector.probe?.(signal)).resolves.toBeUndefined()
  })

  test('says what stands in the way, as every other question does', async () => {
    const asked = [
      open(slapd, {}, 'not the password'),
      open(slapd, { tls: {} }),
      open(slapd, { url: 'ldap://127.0.0.1:1' }),
    ]
    const ends = await Promise.allSettled(asked.map(async (connector) => connector.probe?.(signal)))
    const codes = ['platform-sign-in-refused', 'platform-untrusted', 'platform-unreachable']
    expect(ends).toMatchObject(codes.map((code) => ({ status: 'rejected', reason: { code } })))
    await Promise.all(asked.map((connector) => connector[Symbol.asyncDispose]()))
  })

  test.each(['the plain port', 'TLS'])(
    'of a frozen server ends by its time limit, over %s, and passes after the thaw',
    async (port) => {
      const url = port === 'TLS' ? slapd.url : slapd.plainUrl
      await using connector = open(slapd, { ...short, url })
      await connector.probe?.(signal)
      slapd.freeze()
      try {
        await expect(connector.probe?.(signal)).rejects.toMatchObject({ code: 'platform-unreachable' })
      } finally {
        slapd.thaw()
      }
      await expect(connector.probe?.(signal)).resolves.toBeUndefined()
      await expect(connector.read([], signal)).resolves.toMatchObject({ complete: true })
    },
  )

  test('ends when whoever asked gives up', async () => {
    await using proxy = await startProxy(slapd.port)
    proxy.swallowAfter(0)
    await using connector = open(slapd, { url: `ldap://127.0.0.1:${proxy.port}` })
    const impatience = new AbortController()
    const asked = connector.probe?.(impatience.signal)
    impatience.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
  })
})

/** The server behind something that can cut, swallow and delay; and a connector that would wait for ever. */
async function behindProxy(more: Partial<DirectorySettings> = {}) {
  const proxy = await startProxy(Number(new URL(slapd.url).port))
  const url = `ldaps://localhost:${proxy.port}`
  const settings = { url, timeouts: { connect: 60_000, request: 600_000 }, ...more }
  const connector = open(slapd, settings)
  const access = {
    settings: ldapSettings(slapd, settings),
    secrets: { resolve: async () => slapd.service.password },
    logger: silent,
  }
  const dispose = async (): Promise<void> => {
    await connector[Symbol.asyncDispose]()
    await proxy[Symbol.asyncDispose]()
  }
  return { proxy, connector, access, [Symbol.asyncDispose]: dispose }
}

/** Somebody of those who stand in the directory. */
async function person(connector: Connector, name: string): Promise<Person> {
  const snapshot = await connector.read([{ name, matches: [] }], signal)
  const [account] = snapshot.items
  return Object.assign(new Person(name), { nativeId: account?.nativeId, address: account?.address })
}

const look = (connection: Connection) => readEntry(connection, slapd.base, ['1.1'])

describe('a connection that was cut', () => {
  test('while nobody used it is replaced unnoticed', async () => {
    await using path = await behindProxy()
    for (let n = 0; n < 20; n++) {
      await expect(path.connector.read([{ name: 'p1', matches: [] }], signal)).resolves.toMatchObject({
        complete: true,
        items: [{ name: 'p1' }],
      })
      path.proxy.cut()
    }
  })

  test('without a word does not keep a leaver waiting', async () => {
    await using path = await behindProxy()
    const leaver = await person(path.connector, 'p2')
    path.proxy.silence()
    const context = new TestContext()
    expect(await path.connector.apply([leaver.disable('leaver')], context)).toMatchObject([{ result: 'done' }])
    const { items } = await path.connector.read([{ nativeId: leaver.nativeId }], signal)
    expect(items).toMatchObject([{ enabled: false }])
    path.proxy.silence()
    expect(await path.connector.prove(items[0]!, context)).toMatchObject({ grade: 'refused' })
  })

  test('without a word is found out before a write that may be sent once only', async () => {
    await using path = await behindProxy()
    await using pool = new Pool(path.access)
    await pool.use(look)
    path.proxy.silence()
    const now = performance.now.bind(performance)
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000)
    try {
      const edit = addValues('description', ['once'])
      await pool.use((connection) => connection.modify(`uid=p3,${slapd.people}`, [edit]))
      expect(path.proxy.opened).toBe(2)
    } finally {
      later.mockRestore()
    }
  })

  test('without a word under a write that sets is no matter: it is sent on another one', async () => {
    await using path = await behindProxy()
    await using pool = new Pool(path.access)
    await pool.use(look)
    path.proxy.silence()
    const edit = replaceValues('description', ['set'])
    await pool.use((connection) => connection.modify(`uid=p4,${slapd.people}`, [edit]), { again: true })
    const entry = await pool.use((connection) => readEntry(connection, `uid=p4,${slapd.people}`, ['description']))
    expect(entry?.texts('description')).toEqual(['set'])
    expect(path.proxy.opened).toBe(2)
  })

  test.each([200, 1_500, 2_500])(
    'after %i bytes, in the TLS handshake or at the sign-in, is told, and the next works',
    async (bytes) => {
      await using path = await behindProxy()
      path.proxy.cutAfter(bytes)
      const snapshot = await path.connector.read('all', signal)
      expect(snapshot).toMatchObject({ complete: false, cause: { code: 'platform-unreachable' } })
      path.proxy.cutAfter(undefined)
      await expect(path.connector.read('all', signal)).resolves.toMatchObject({ complete: true })
    },
  )

  test.each(['cut', 'swallowed'])(
    'in the middle of a page (%s) makes the read incomplete, and the next is whole',
    async (how) => {
      await using path = await behindProxy({ timeouts: { connect: 3_000, request: 600 } })
      await path.connector.read([], signal)
      if (how === 'cut') path.proxy.cutAfter(40_000)
      else path.proxy.swallowAfter(40_000)
      path.proxy.cut()
      const snapshot = await path.connector.read('all', signal)
      expect(snapshot).toMatchObject({ complete: false, cause: { code: 'platform-unreachable' } })
      path.proxy.cutAfter(undefined)
      path.proxy.swallowAfter(undefined)
      const next = await path.connector.read('all', signal)
      expect(next).toMatchObject({ complete: true })
      expect(next.items).toHaveLength(200)
    },
  )

  test('late answers come in their order', async () => {
    await using path = await behindProxy()
    path.proxy.delay(3)
    const names = Array.from({ length: 50 }, (_, n) => `p${n}`)
    const reads = names.map((name) => path.connector.read([{ name, matches: [] }], signal))
    expect((await Promise.all(reads)).map(({ items }) => items[0]?.name)).toEqual(names)
  })
})

describe('a frozen server', () => {
  const many = Array.from({ length: 400 }, (_, n) => n)

  test('that thaws in time has answered everybody, and a leaver among them', async () => {
    await using connector = open(slapd, { timeouts: { connect: 60_000, request: 60_000 } })
    const leaver = await person(connector, 'p5')
    slapd.freeze()
    const reads = many.map(() => connector.read([{ name: 'p6', matches: [] }], signal))
    const left = connector.apply([leaver.disable('leaver')], new TestContext())
    await pause(1_500)
    slapd.thaw()
    expect((await Promise.all(reads)).every(({ complete, items }) => complete && items.length === 1)).toBe(true)
    expect(await left).toMatchObject([{ result: 'done' }])
  })

  test('that stays so fails everybody who waits, with what is to be tried again; after the thaw all goes on at once', async () => {
    await using connector = open(slapd, { timeouts: { connect: 300, request: 900 } })
    const people = await Promise.all(['p7', 'p8', 'p9'].map((name) => person(connector, name)))
    slapd.freeze()
    const reads = many.map(() => connector.read([{ name: 'p6', matches: [] }], signal))
    const writes = people.map((one) => connector.apply([one.update('title', [], ['X'])], new TestContext()))
    try {
      for (const snapshot of await Promise.all(reads)) {
        expect(snapshot).toMatchObject({ complete: false, cause: { code: 'platform-unreachable' } })
      }
      for (const outcomes of await Promise.all(writes)) {
        expect(outcomes).toMatchObject([{ result: 'retry', error: { code: 'platform-unreachable' } }])
      }
    } finally {
      slapd.thaw()
    }
    const after = await Promise.all(many.map(() => connector.read([{ name: 'p6', matches: [] }], signal)))
    expect(after.every(({ complete }) => complete)).toBe(true)
  })

  test('is left without waiting for it', async () => {
    const connector = open(slapd)
    await connector.read([], signal)
    slapd.freeze()
    await connector[Symbol.asyncDispose]()
    slapd.thaw()
  })
})

test('a server that was killed and came back is used again without a word', async () => {
  await using connector = open(slapd)
  await connector.read([], signal)
  await slapd.restart()
  await expect(connector.read([{ name: 'p1', matches: [] }], signal)).resolves.toMatchObject({ complete: true })
  await slapd.kill()
  await expect(connector.read([{ name: 'p1', matches: [] }], signal)).resolves.toMatchObject({ complete: false })
  await slapd.start()
  await expect(connector.read([{ name: 'p1', matches: [] }], signal)).resolves.toMatchObject({ complete: true })
})

describe('the servers of the tests', () => {
  test('slapd comes back with its data, and its people can be read', async () => {
    await slapd.restart()
    await using connector = open(slapd)
    const snapshot = await connector.read('all', signal)
    expect(snapshot.items).toHaveLength(200)
  })

  test('redis forgets when it is flushed, and answers after a thaw and a restart', async () => {
    await using redis = await startRedis()
    const ask = async (...lines: string[]): Promise<string> => {
      const socket = connect({ port: redis.port, host: '127.0.0.1' })
      socket.end([`AUTH ${redis.password}`, ...lines, 'QUIT', ''].join('\r\n'))
      let said = ''
      for await (const chunk of socket) said += String(chunk)
      return said
    }
    expect(await ask('SET x 1', 'GET x')).toBe('+OK\r\n+OK\r\n$1\r\n1\r\n+OK\r\n')
    redis.freeze()
    const waiting = ask('GET x')
    expect(await Promise.race([waiting, pause(100).then(() => 'silence')])).toBe('silence')
    redis.thaw()
    expect(await waiting).toContain('$1\r\n1')
    await redis.flush()
    expect(await ask('GET x')).toContain('$-1')
    await redis.restart()
    expect(await ask('PING')).toContain('+PONG')
  })
})
