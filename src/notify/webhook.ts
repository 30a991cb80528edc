import type { IncomingMessage } from 'node:http'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { KeyturnError } from '../model/errors.ts'
import { SECOND } from '../model/instant.ts'
import type { Clock } from '../model/instant.ts'
import type { Secrets } from '../model/ports.ts'
import type { SecretReference, WebhookSettings } from '../model/settings.ts'
import { Undelivered } from './channel.ts'
import type { Channel } from './channel.ts'
import { bodyOf } from './shapes.ts'
import { signed } from './signature.ts'
import { authorities, isThisMachine } from './trust.ts'

/**
 * A JSON message by POST. A redirection is a failure, as Standard Webhooks says.
 * @param number its place in the configuration, from 1, for the log
 * @throws KeyturnError `insecure` or `config-invalid` where the address itself is written in the configuration and wrong
 */
export function openWebhook(
  settings: WebhookSettings,
  number: number,
  { secrets, clock }: { readonly secrets: Secrets; readonly clock: Clock },
): Channel {
  const place = `notifications.webhooks[${number - 1}]`
  const where = isReference(settings.url) ? settings.url : addressOf(settings.url, place).host
  const name = `webhook ${number} (${settings.shape}, ${where})`
  return {
    name,
    send: async (message, signal) => {
      const text = isReference(settings.url) ? await secrets.resolve(settings.url) : settings.url
      const address = addressOf(text, place)
      const body = bodyOf(settings.shape, message)
      const signature =
        settings.secret === undefined
          ? {}
          : signed(await secrets.resolve(settings.secret), { id: message.id, at: clock(), body })
      const response = await post(address, body, signature, signal).catch((error: unknown) => {
        throw new Undelivered('delivery-failed', `${name}: ${reasonOf(error, signal)}`, { cause: error })
      })
      expectSuccess(name, response)
    },
  }
}

function isReference(text: string): text is SecretReference {
  return text.startsWith('env:') || text.startsWith('file:')
}

/** Its messages never repeat the address: for Slack and Teams it is the secret. */
function addressOf(text: string, place: string): URL {
  const url = URL.parse(text.trim())
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new KeyturnError('config-invalid', `${place}: url is no https:// address.`, {
      hint: 'Copy the whole address, or put it into the file or variable that url refers to.',
    })
  }
  if (url.protocol === 'http:' && !isThisMachine(url.hostname)) {
    throw new KeyturnError('insecure', `${place}: http:// to ${url.hostname} would send in the clear.`, {
      hint: 'Use an https:// address; http:// is allowed to this machine only.',
    })
  }
  return url
}

async function post(
  url: URL,
  body: string,
  signature: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'Keyturn',
    ...signature,
  }
  const secure = url.protocol === 'https:'
  const tls = secure ? { ca: await authorities(), minVersion: 'TLSv1.2' as const } : {}
  return new Promise((resolve, reject) => {
    const send = secure ? requestTls : requestPlain
    const sent = send(url, { method: 'POST', headers, signal, ...tls }, (response) => {
      // The status says all; an answer that never ends is not waited for.
      response.on('error', () => {}).destroy()
      resolve(response)
    })
    sent.once('error', reject).end(body)
  })
}

/** 4xx says that this message, or this sender, is not wanted, however often it comes; except for these. */
const laterCodes: ReadonlySet<number> = new Set([408, 425, 429])

function expectSuccess(name: string, { statusCode: status = 0, headers }: IncomingMessage): void {
  if (status >= 200 && status < 300) return
  const isFinal = status >= 300 && status < 500 && !laterCodes.has(status)
  throw new Undelivered(isFinal ? 'value-refused' : 'delivery-failed', `${name}: HTTP status ${status}`, {
    after: (Number(headers['retry-after']) || 0) * SECOND,
  })
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time'
  return error instanceof Error ? error.message : String(error)
}
