// A real mail server and a real receiver of webhooks, on free ports of this machine.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import type { Certificates } from '../../servers/certificates.ts'

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly user: string | undefined
  readonly secure: boolean
  readonly text: string
}

export interface MailServer extends AsyncDisposable {
  readonly port: number
  readonly mails: readonly Mail[]
}

interface MailOptions {
  /** From the first byte, offered as STARTTLS, or not at all. */
  readonly security: 'tls' | 'starttls' | 'none'
  readonly certificates: Certificates
  /** Without it nobody has to sign in. */
  readonly account?: { readonly user: string; readonly password: string }
  /** An answer other than success for everything that is sent. */
  readonly answer?: { readonly code: number; readonly text: string }
  /** A free one where it does not matter. */
  readonly port?: number
}

export async function startMailServer(options: MailOptions): Promise<MailServer> {
  const { security, certificates, account, answer } = options
  const mails: Mail[] = []
  const server = new SMTPServer({
    secure: security === 'tls',
    key: await readFile(certificates.key),
    cert: await readFile(certificates.certificate),
    disabledCommands: [...(security === 'starttls' ? [] : ['STARTTLS']), ...(account === undefined ? ['AUTH'] : [])],
    disableReverseLookup: true,
    logger: false,
    onAuth: ({ username, password }, _session, done) => {
      if (username === account?.user && password === account?.password) done(null, { user: username })
      else done(Object.assign(new Error('wrong password'), { responseCode: 535 }))
    },
    onData: (stream, session, done) => {
      const finish = async (): Promise<void> => {
        const said = await text(stream)
        if (answer !== undefined) return done(Object.assign(new Error(answer.text), { responseCode: answer.code }))
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        const to = rcptTo.map(({ address }) => address)
        mails.push({ from, to, user: session.user, secure: session.secure, text: said })
        done()
      }
      void finish()
    },
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return { port, mails, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}

export interface Received {
  readonly path: string
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver extends AsyncDisposable {
  readonly port: number
  readonly received: readonly Received[]
}

interface ReceiverOptions {
  readonly certificates?: Certificates
  /** Status codes in order, with headers; afterwards 200. `hang`: no answer ever. */
  readonly answers?: readonly (
    | number
    | 'hang'
    | { readonly status: number; readonly headers: Record<string, string> }
  )[]
}

export async function startReceiver({ certificates, answers = [] }: ReceiverOptions = {}): Promise<Receiver> {
  const received: Received[] = []
  const script = [...answers]
  const listener: RequestListener = (request, response) => {
    void text(request).then((body) => {
      received.push({ path: request.url ?? '', method: request.method ?? '', headers: request.headers, body })
      const answer = script.shift() ?? 200
      if (answer === 'hang') return
      const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer
      response.writeHead(status, headers).end('an answer that nobody reads')
    })
  }
  const server =
    certificates === undefined
      ? createServer(listener)
      : createTlsServer(
          { key: await readFile(certificates.key), cert: await readFile(certificates.certificate) },
          listener,
        )
  const port = await listen(server)
  return {
    port,
    received,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
