import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProxy } from '../../servers/proxy.ts'
import { startRedis } from '../../servers/redis.ts'
import { startSlapd } from '../../servers/slapd.ts'
import type { Slapd } from '../../servers/slapd.ts'
import { open } from './ldap-harness.ts'

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
