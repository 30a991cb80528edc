import type { DaemonSettings, MailSettings, NotificationSettings, SecretReference } from '../../model/settings.ts'
import { parseListen } from '../listen.ts'
import type { MainFile } from '../schema/files.ts'
import { milliseconds } from '../units.ts'
import { absolute, absoluteReference } from './context.ts'
import type { BuildContext } from './context.ts'

export function buildDaemon(daemon: MainFile['daemon']): DaemonSettings {
  const { most, within } = daemon.offboards
  return {
    listen: parseListen(daemon.listen),
    fullPass: milliseconds(daemon['full-pass']),
    offboards: { most, within: milliseconds(within) },
    tracing: daemon.tracing,
  }
}

export function buildNotifications(
  { gather, mail, webhooks }: MainFile['notifications'],
  context: BuildContext,
): NotificationSettings {
  return {
    gather: milliseconds(gather),
    mail: mail === 'off' ? null : buildMail(mail, context),
    webhooks: webhooks.map(({ url, shape, secret }) => ({
      url: absoluteReference(context, url),
      shape,
      ...(secret === undefined ? {} : { secret: absoluteReference(context, secret) as SecretReference }),
    })),
  }
}

/** RFC 8314, section 7.3: 465 is TLS from the first byte; RFC 6409: 587 takes mail of those who sign in. */
const ports = { tls: 465, starttls: 587, none: 25 } as const

function buildMail(mail: Exclude<MainFile['notifications']['mail'], 'off'>, context: BuildContext): MailSettings {
  const { host, security, port = ports[security], ca, user, password, from, to } = mail
  return {
    host,
    port,
    security,
    ...(ca === undefined ? {} : { ca: absolute(context, ca) }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password: absoluteReference(context, password) as SecretReference }),
    from,
    to,
  }
}
