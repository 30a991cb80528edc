import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KeyturnError } from '../model/errors.ts'
import { SECOND } from '../model/instant.ts'
import type { Logger } from '../model/ports.ts'
import type { DaemonSettings } from '../model/settings.ts'
import { inTimeOrThrow } from '../queue/patience.ts'

export interface Readiness {
  readonly ready: boolean
  readonly missing: readonly string[]
}

export interface HttpAnswers {
  /** What is still missing before work can be done; asked for by every /readyz, so it must be cheap. */
  readonly ready: () => Readiness | Promise<Readiness>
  /** The text of /metrics, in the exposition format 0.0.4 of Prometheus. */
  readonly metrics: () => Promise<string>
  readonly logger: Logger
}

export interface HttpServer extends AsyncDisposable {
  /** The port that it listens on, where the settings say 0. */
  readonly port: number
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** A scrape that takes longer is of no use to Prometheus (its own limit is 10 s). */
const metricsLimit = 8 * SECOND

/** For monitors on this machine; whoever comes with more connections than this is no monitor. */
const mostConnections = 100

const plain = 'text/plain; charset=utf-8'
const exposition = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Serves /healthz (the event loop turns), /readyz (200, or 503 with what is missing as JSON) and /metrics, to GET and HEAD.
 * Nothing else, and nothing that a request says is believed or kept.
 * @throws KeyturnError `cannot-listen` where the address is taken, not ours, or not allowed
 */
export async function openHttp(
  listen: NonNullable<DaemonSettings['listen']>,
  answers: HttpAnswers,
): Promise<HttpServer> {
  const server = createServer(
    {
      maxHeaderSize: 8 * 1024,
      headersTimeout: 5 * SECOND,
      requestTimeout: 5 * SECOND,
      keepAliveTimeout: 5 * SECOND,
      connectionsCheckingInterval: 1 * SECOND,
    },
    (request, response) => {
      respond(request, response, answers).catch((error: unknown) => {
        answers.logger.error('a request could not be answered', { error: String(error) })
        response.destroy()
      })
    },
  )
  server.maxConnections = mostConnections
  await started(server, listen)
  server.on('error', (error) => answers.logger.error('the HTTP server has trouble', { error: error.message }))
  const { port } = server.address() as AddressInfo
  return {
    port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function started(server: Server, { host, port }: NonNullable<DaemonSettings['listen']>): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      const code = error.code ?? ''
      const why = reasons[code] ?? `this fails (${code})`
      reject(
        new KeyturnError('cannot-listen', `daemon.listen: ${host}:${port}: ${why}`, {
          cause: error,
          hint: 'End the other process, state another address or port in daemon.listen, or "off" for no HTTP at all.',
        }),
      )
    }
    server.once('error', refuse)
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', refuse)
      resolve()
    })
  })
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there already; perhaps another "keyturn run"',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'this user may not listen there; ports below 1024 need a right',
  ENOTFOUND: 'nobody knows that host name',
}

async function respond(request: IncomingMessage, response: ServerResponse, answers: HttpAnswers): Promise<void> {
  const refusal = refusalOf(request)
  const { status, type, body } = refusal ?? (await answerTo(request, answers))
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    // What follows a body that was not read could be taken for the next request.
    ...(refusal === null ? {} : { connection: 'close' }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function refusalOf({ method, headers }: IncomingMessage): Answer | null {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: plain, body: 'only GET and HEAD\n' }
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return hasBody ? { status: 413, type: plain, body: 'no body is wanted\n' } : null
}

async function answerTo({ url = '/' }: IncomingMessage, answers: HttpAnswers): Promise<Answer> {
  switch (url.split('?', 1)[0]) {
    case '/healthz':
      return { status: 200, type: plain, body: 'ok\n' }
    case '/readyz':
      return readiness(answers)
    case '/metrics':
      return scrape(answers)
    default:
      return { status: 404, type: plain, body: 'there are /healthz, /readyz and /metrics\n' }
  }
}

async function readiness(answers: HttpAnswers): Promise<Answer> {
  const { ready, missing } = await answers.ready()
  return { status: ready ? 200 : 503, type: 'application/json', body: `${JSON.stringify({ ready, missing })}\n` }
}

async function scrape({ metrics, logger }: HttpAnswers): Promise<Answer> {
  try {
    const late = () => new Error(`no answer within ${metricsLimit} ms`)
    return { status: 200, type: exposition, body: await inTimeOrThrow(metrics(), metricsLimit, late) }
  } catch (error) {
    logger.error('the metrics could not be made', { error: error instanceof Error ? error.message : String(error) })
    return { status: 503, type: plain, body: 'the metrics could not be made; the log says why\n' }
  }
}
