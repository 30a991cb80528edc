import type { WebhookSettings } from '../model/settings.ts'
import { hint } from './message.ts'
import type { Group, Message } from './message.ts'
import { fit, oneLine, origin, sections } from './text.ts'

/**
 * How much each receiver takes, in bytes. Standard Webhooks recommends less than 20 kB; Slack cuts a text after 4,000
 * characters into several messages; Teams refuses about 28 KB (learn.microsoft.com/connectors/teams, "Message size limit").
 */
const most = { keyturn: 20_000, slack: 4_000, teams: 24_000 } as const

/** The body of the request, as JSON. Counts are always whole; lines are left out where the receiver takes no more. */
export function bodyOf(shape: WebhookSettings['shape'], message: Message): string {
  const render = { keyturn, slack, teams }[shape]
  return fit((lines) => JSON.stringify(render(message, lines)), most[shape])
}

/** `type`, `timestamp` and `data` as Standard Webhooks recommends, for a program that reads it. */
function keyturn(message: Message, lines: number): object {
  const groups = (all: readonly Group[]) =>
    all.map(({ kind, severity, count, first }) => ({
      kind,
      severity,
      count,
      first: first.slice(0, lines).map(({ key, severity, text, platform, identity, since }) => {
        return { key, severity, text: oneLine(text), platform, identity, since: new Date(since).toISOString() }
      }),
    }))
  return {
    type: 'keyturn.notices',
    timestamp: new Date(message.at).toISOString(),
    data: {
      host: message.host,
      subject: message.subject,
      severity: message.severity,
      begun: groups(message.begun),
      over: groups(message.over),
    },
  }
}

/** A text is all that every incoming webhook of Slack takes; its markup signs are escaped, so that nobody is called by `<!channel>`. */
function slack(message: Message, lines: number): object {
  const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const parts = sections(message, lines).map(({ title, lines }) =>
    [`*${escape(title)}*`, ...lines.map((line) => `• ${escape(line)}`)].join('\n'),
  )
  return { text: [escape(origin(message)), ...parts, hint].join('\n\n') }
}

/**
 * A message with one Adaptive Card, which the Workflows template "Post to a channel when a webhook request is received"
 * takes. Lines are text runs: unlike text blocks they know no Markdown, so nothing that a platform said becomes a link.
 */
function teams(message: Message, lines: number): object {
  const runs = (line: string) => ({ type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: line }] })
  const body = [
    { type: 'TextBlock', text: message.subject, weight: 'Bolder', size: 'Medium', wrap: true },
    runs(origin(message)),
    ...sections(message, lines).flatMap(({ title, lines }) => [
      { type: 'TextBlock', text: title, weight: 'Bolder', wrap: true, separator: true },
      ...lines.map(runs),
    ]),
    runs(hint),
  ]
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    msteams: { width: 'Full' },
    body,
  }
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  }
}
