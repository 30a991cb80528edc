import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openHttp } from '../../../src/server/http.ts'
import type { HttpServer } from '../../../src/server/http.ts'
import { notes } from '../queue/support.ts'

let server: HttpServer
let missing: string[]
let metrics: () => Promise<string>
const logger = notes()

function serve(port = 0): Promise<HttpServer> {
  const ready = async () => ({ ready: missing.length === 0, missing })
  return openHttp({ host: '127.0.0.1', port }, { ready, metrics: () => metrics(), logger })
}

beforeEach(async () => {
  missing = []
  metrics = async () => '# HELP a b\n'
  server = await serve()
})
afterEach(() => server[Symbol.asyncDispose]())

const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${server.port}${path}`, init)

/** What comes back for these bytes until the server closes. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

describe('the HTTP server', () => {
  test('says that it lives', async () => {
    const answer = await ask('/healthz')
    expect([answer.status, await answer.text()]).toEqual([200, 'ok\n'])
  })

  test('is ready when nothing is missing, and else says what is', async () => {
    const ready = await ask('/readyz')
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, missing: [] }])
    missing = ['ledger', 'the first read of hr']
    const unready = await ask('/readyz')
    expect([unready.status, await unready.json()]).toEqual([503, { ready: false, missing }])
    expect((await ask('/healthz')).status).toBe(200)
  })

  test('gives the metrics in their own type', async () => {
    const answer = await ask('/metrics?whatever=1')
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await answer.text()).toBe('# HELP a b\n')
  })

  test('says 503 where the metrics cannot be made, and the log says why', async () => {
    metrics = async () => Promise.reject(new Error('an invented reason'))
    const answer = await ask('/metrics')
    expect(answer.status).toBe(503)
    expect(await answer.text()).not.toContain('invented')
    expect(logger.lines.join('\n')).toContain('an invented reason')
  })

  test.each(['/', '/healthz/', '/metrics/../healthzz', '/admin', '//healthz'])('knows nothing of %s', async (path) => {
    expect((await ask(path)).status).toBe(404)
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('does nothing for %s', async (method) => {
    const answer = await ask('/healthz', { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  test('answers HEAD like GET, without the body', async () => {
    const answer = await ask('/healthz', { method: 'HEAD' })
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '3', ''])
  })

  test('reads no body: what follows is not taken for a request', async () => {
    const answer = await raw(
      'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 36\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n--',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  test('takes no endless headers', async () => {
    expect(await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    )
  })

  test('does not wait for ever for a request that never ends', async () => {
    expect(await raw('GET /healthz HTTP/1.1\r\nHost: x\r\n')).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('closes what is open when it is told to end', async () => {
    const other = await serve()
    const socket = connect(other.port, '127.0.0.1')
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => socket.once('data', resolve))
    await other[Symbol.asyncDispose]()
    expect(await text(socket)).toBe('')
  })
})

test('a port that is taken is refused with what to do', async () => {
  await expect(serve(server.port)).rejects.toMatchObject({
    code: 'cannot-listen',
    message: expect.stringMatching(`127\\.0\\.0\\.1:${server.port}: another process listens there already`),
    hint: expect.stringContaining('daemon.listen'),
  })
})

test('an address that the machine does not have is refused', async () => {
  const answers = { ready: () => ({ ready: true, missing: [] }), metrics, logger }
  await expect(openHttp({ host: '192.0.2.1', port: 0 }, answers)).rejects.toMatchObject({
    code: 'cannot-listen',
    message: expect.stringContaining('does not have that address'),
  })
})
