import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { MINUTE, SECOND } from '../model/instant.ts'
import type { Clock } from '../model/instant.ts'
import type { Logger, Secrets } from '../model/ports.ts'
import type { NoticeNews } from '../model/running.ts'
import type { NotificationSettings } from '../model/settings.ts'
import type { Channel } from './channel.ts'
import { gather, isEmpty, nothingGathered, take } from './gather.ts'
import { logNews } from './log.ts'
import { openMail } from './mail.ts'
import { compose } from './message.ts'
import { openOutbox } from './outbox.ts'
import type { Patience } from './outbox.ts'
import { openWebhook } from './webhook.ts'

/** Tells people what they should know. Disposing sends what is gathered, within ten seconds. */
export interface Notifier extends AsyncDisposable {
  /** Logs the news at once and gathers them for the other channels. Never throws and never waits. */
  tell(news: NoticeNews): void
}

export interface NotifierTools {
  readonly secrets: Secrets
  readonly logger: Logger
  readonly clock: Clock
  /** Shorter in tests. */
  readonly patience?: Patience
}

/** A message that could not be delivered for about a quarter of an hour is stale; what it told stands in the log. */
const patience: Patience = {
  waits: [2 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 5 * MINUTE],
  attempt: 20 * SECOND,
  closing: 10 * SECOND,
}

/**
 * Opens the channels of the settings; the log always is one. News of `settings.gather` ms become one message for each
 * channel. A channel that fails is tried again by itself: it never holds up the others, nor the caller.
 * @throws KeyturnError `insecure` or `config-invalid` for a channel that must not be used as it is configured
 */
export function openNotifier(settings: NotificationSettings, tools: NotifierTools): Notifier {
  const { logger, clock } = tools
  const [closing, cut] = [new AbortController(), new AbortController()]
  const shared = {
    patience: tools.patience ?? patience,
    logger,
    closing: closing.signal,
    cut: cut.signal,
    compose: (news: NoticeNews) => compose(news, { id: `msg_${randomUUID()}`, at: clock(), host: hostname() }),
  }
  const outboxes = channelsOf(settings, tools).map((channel) => openOutbox(channel, shared))
  const gathered = nothingGathered()
  let timer: NodeJS.Timeout | null = null
  const flush = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const news = take(gathered)
    for (const outbox of outboxes) outbox.add(news)
  }
  return {
    tell: (news) => {
      logNews(logger, news)
      gather(gathered, news)
      if (timer === null && !isEmpty(gathered)) timer = setTimeout(flush, settings.gather).unref()
    },
    [Symbol.asyncDispose]: async () => {
      flush()
      closing.abort()
      const last = setTimeout(() => cut.abort(), shared.patience.closing)
      await Promise.all(outboxes.map((outbox) => outbox.drained()))
      clearTimeout(last)
    },
  }
}

function channelsOf({ mail, webhooks }: NotificationSettings, tools: NotifierTools): readonly Channel[] {
  return [
    ...(mail === null ? [] : [openMail(mail, tools.secrets)]),
    ...webhooks.map((webhook, index) => openWebhook(webhook, index + 1, tools)),
  ]
}
