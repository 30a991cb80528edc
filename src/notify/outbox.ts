import { setTimeout as sleep } from 'node:timers/promises'
import { KeyturnError, summarise } from '../model/errors.ts'
import { MINUTE } from '../model/instant.ts'
import type { Logger } from '../model/ports.ts'
import { Undelivered } from './channel.ts'
import type { Channel } from './channel.ts'
import { gather, isEmpty, nothingGathered, take } from './gather.ts'
import type { Told } from './gather.ts'
import type { Message } from './message.ts'

/** How long a channel is tried. All ms. */
export interface Patience {
  /** Between the tries of one message; after the last of them it is given up. */
  readonly waits: readonly number[]
  /** For one try. */
  readonly attempt: number
  /** At the end of the process, for everything that is still to be said. */
  readonly closing: number
}

export interface Outbox {
  add(news: { readonly begun: readonly Told[]; readonly over: readonly Told[] }): void
  /** Resolves when nothing is left, delivered or given up; once the outbox is closing, each message has one more try. */
  drained(): Promise<void>
}

export interface OutboxTools {
  readonly compose: (news: { readonly begun: readonly Told[]; readonly over: readonly Told[] }) => Message
  readonly patience: Patience
  readonly logger: Logger
  /** Aborted when the process ends: nothing is waited for any more. */
  readonly closing: AbortSignal
  /** Aborted when the time for that is over, too. */
  readonly cut: AbortSignal
}

/** A receiver that asks for a longer pause (Retry-After) is asked again after this one. */
const mostAsked = 5 * MINUTE

/**
 * What one channel has still to say. While it cannot deliver, news are gathered into the next message, so that a receiver
 * that was away gets one message and not as many as there were tries.
 */
export function openOutbox(channel: Channel, tools: OutboxTools): Outbox {
  const pending = nothingGathered()
  let work = Promise.resolve()
  let isWorking = false
  const run = async (): Promise<void> => {
    isWorking = true
    while (!isEmpty(pending)) await deliver(channel, tools.compose(take(pending)), tools)
    isWorking = false
  }
  return {
    add: (news) => {
      gather(pending, news)
      if (!isWorking) work = run()
    },
    drained: () => work,
  }
}

/** Tries until it is delivered or given up; never throws. */
async function deliver(channel: Channel, message: Message, tools: OutboxTools): Promise<void> {
  const { patience, logger, closing, cut } = tools
  for (let tries = 1; ; tries++) {
    const error = await attempt(channel, message, AbortSignal.any([AbortSignal.timeout(patience.attempt), cut]))
    if (error === null) return
    const wait = closing.aborted ? null : waitAfter(error, patience.waits[tries - 1])
    const fields = { channel: channel.name, notification: message.id, subject: message.subject, tries, ...said(error) }
    if (wait === null) return logger.error('a notification was not delivered and is given up', fields)
    logger.warn('a notification was not delivered and is tried again', { ...fields, wait })
    await sleep(wait, undefined, { signal: closing, ref: false }).catch(() => {})
  }
}

async function attempt(channel: Channel, message: Message, signal: AbortSignal): Promise<unknown> {
  try {
    await channel.send(message, signal)
    return null
  } catch (error) {
    return error ?? new Error('unknown')
  }
}

/** ms until the next try; null: there is none. */
function waitAfter(error: unknown, wait: number | undefined): number | null {
  if (wait === undefined || (error instanceof KeyturnError && error.class === 'give-up')) return null
  const asked = error instanceof Undelivered ? error.after : 0
  // Spread by a fifth, so that many senders do not come back at one moment.
  return Math.max(wait * (0.9 + Math.random() / 5), Math.min(asked, mostAsked))
}

function said(error: unknown): { readonly code: string; readonly error: string } {
  const { code, message } = summarise(error)
  return { code, error: message }
}
