import { KeyturnError } from '../model/errors.ts'
import { SECOND } from '../model/instant.ts'
import type { Secrets } from '../model/ports.ts'
import type { MailSettings } from '../model/settings.ts'
import { Undelivered } from './channel.ts'
import type { Channel } from './channel.ts'
import type { Message } from './message.ts'
import { plainText } from './text.ts'
import { authorities, isThisMachine } from './trust.ts'

/**
 * Text mail by SMTP. The certificate is always verified; `starttls` is demanded, never merely tried.
 * @throws KeyturnError `insecure` where `none` would send to another machine
 */
export function openMail(settings: MailSettings, secrets: Secrets): Channel {
  if (settings.security === 'none' && !isThisMachine(settings.host)) {
    throw new KeyturnError(
      'insecure',
      `notifications.mail: security "none" to ${settings.host} would send in the clear; it is allowed to this machine only.`,
      { hint: 'Use security "starttls" (port 587) or "tls" (port 465).' },
    )
  }
  const name = `mail (${settings.host}:${settings.port})`
  return {
    name,
    send: async (message, signal) => {
      // Loaded with the first mail: most starts of a process send none.
      const { createTransport } = await import('nodemailer')
      const transport = createTransport(await options(settings, secrets))
      try {
        await transport.sendMail({ ...mail(settings, message), signal })
      } catch (error) {
        throw failure(name, error, signal)
      } finally {
        transport.close()
      }
    },
  }
}

async function options(settings: MailSettings, secrets: Secrets) {
  const { host, port, security, user, password } = settings
  const pass = password === undefined ? undefined : await secrets.resolve(password)
  return {
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' as const, ca: await authorities(settings.ca) },
    ...(user === undefined || pass === undefined ? {} : { auth: { user, pass } }),
    connectionTimeout: 10 * SECOND,
    greetingTimeout: 10 * SECOND,
    socketTimeout: 15 * SECOND,
    dnsTimeout: 10 * SECOND,
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

function mail({ from, to }: MailSettings, message: Message) {
  return {
    from,
    to: [...to],
    subject: message.subject,
    text: plainText(message),
    date: new Date(message.at),
    // The same in every try, so that a mail that arrives twice is seen to be one.
    messageId: `<${message.id}@${domainOf(from)}>`,
    priority: message.severity === 'page' ? ('high' as const) : ('normal' as const),
    // RFC 3834: nobody's holiday notice answers.
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}

function domainOf(address: string): string {
  return /@([^\s>]+)/.exec(address)?.[1] ?? 'keyturn.invalid'
}

/** A permanent refusal (5xx, RFC 5321 section 4.2.1) is no better the next time. */
function failure(name: string, error: unknown, signal: AbortSignal): KeyturnError {
  if (error instanceof KeyturnError) return error
  const why = signal.aborted ? 'no answer in time' : error instanceof Error ? error.message : String(error)
  const answer = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : 0
  return new Undelivered(answer >= 500 ? 'value-refused' : 'delivery-failed', `${name}: ${why}`, { cause: error })
}
