import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Undelivered } from '../../../src/notify/channel.ts'
import type { Channel } from '../../../src/notify/channel.ts'
import { logNews } from '../../../src/notify/log.ts'
import { compose } from '../../../src/notify/message.ts'
import type { Message } from '../../../src/notify/message.ts'
import { openOutbox } from '../../../src/notify/outbox.ts'
import { down, late, many, noon, notebook } from './samples.ts'

interface World {
  readonly sent: Message[]
  /** What the channel does in each of its tries; afterwards it delivers. */
  readonly script: ((signal: AbortSignal) => Promise<void>)[]
}

function world(waits: readonly number[] = [1, 1, 1]) {
  const { sent, script }: World = { sent: [], script: [] }
  const [closing, cut, logger] = [new AbortController(), new AbortController(), notebook()]
  const tries: string[] = []
  let messages = 0
  const channel: Channel = {
    name: 'the channel',
    send: async (message, signal) => {
      tries.push(message.id)
      await script.shift()?.(signal)
      sent.push(message)
    },
  }
  const outbox = openOutbox(channel, {
    compose: (news) => compose(news, { id: `msg_${++messages}`, at: noon, host: 'host1' }),
    patience: { waits, attempt: 60_000, closing: 10 },
    logger,
    closing: closing.signal,
    cut: cut.signal,
  })
  return { outbox, sent, script, closing, cut, logger, tries }
}

const fails = () => Promise.reject(new Undelivered('delivery-failed', 'the channel: HTTP status 500'))
const news = (...begun: ReturnType<typeof late>[]) => ({ begun, over: [] })

test('a thousand notices are one message', async () => {
  const { outbox, sent } = world()
  outbox.add(news(...many(1_000)))
  await outbox.drained()
  expect(sent).toMatchObject([{ subject: 'Keyturn: 1,000 revocations late' }])
})

test('nothing new is no message', async () => {
  const { outbox, tries } = world()
  outbox.add({ begun: [], over: [] })
  await outbox.drained()
  expect(tries).toEqual([])
})

test('a failed message is tried again as the same message', async () => {
  const { outbox, sent, script, tries, logger } = world()
  script.push(fails, fails)
  outbox.add(news(late(1)))
  await outbox.drained()
  expect(tries).toEqual(['msg_1', 'msg_1', 'msg_1'])
  expect(sent).toHaveLength(1)
  expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'warn'])
})

test('what comes while a channel cannot deliver becomes one next message', async () => {
  const { outbox, sent, script } = world()
  script.push(async () => {
    for (const number of [2, 3, 4]) outbox.add(news(late(number)))
    outbox.add({ begun: [], over: [late(3)] })
    await fails()
  })
  outbox.add(news(late(1)))
  await outbox.drained()
  expect(sent.map(({ subject }) => subject)).toEqual([
    'Keyturn: 1 revocation late',
    'Keyturn: 2 revocations late; over again: 1 revocation late',
  ])
})

test('a message is given up after its tries, loudly, and the next one is tried afresh', async () => {
  const { outbox, sent, script, logger } = world()
  script.push(fails, fails, fails, fails)
  outbox.add(news(late(1)))
  await outbox.drained()
  expect(sent).toEqual([])
  expect(logger.lines.at(-1)).toMatchObject({
    level: 'error',
    message: 'a notification was not delivered and is given up',
    fields: { channel: 'the channel', tries: 4, subject: 'Keyturn: 1 revocation late' },
  })
  outbox.add(news(late(2)))
  await outbox.drained()
  expect(sent).toHaveLength(1)
})

test('what will never be taken is not tried again', async () => {
  const { outbox, script, tries, logger } = world()
  script.push(() => Promise.reject(new Undelivered('value-refused', 'the channel: HTTP status 404')))
  outbox.add(news(late(1)))
  await outbox.drained()
  expect(tries).toHaveLength(1)
  expect(logger.lines).toMatchObject([{ level: 'error' }])
})

test('a receiver that says when to come again is believed', async () => {
  const { outbox, script, logger } = world()
  script.push(() => Promise.reject(new Undelivered('delivery-failed', 'busy', { after: 40 })))
  outbox.add(news(late(1)))
  await outbox.drained()
  expect(logger.lines[0]?.fields['wait']).toBe(40)
})

test('a receiver that asks for a year waits five minutes at most', async () => {
  const { outbox, script, logger, closing } = world()
  script.push(() => Promise.reject(new Undelivered('delivery-failed', 'busy', { after: 365 * 86_400_000 })))
  outbox.add(news(late(1)))
  await sleep(5)
  closing.abort()
  await outbox.drained()
  expect(logger.lines[0]?.fields['wait']).toBe(300_000)
})

test('at the end nothing is waited for: one more try, and no more', async () => {
  const { outbox, sent, script, closing, tries } = world([3_600_000])
  script.push(fails)
  outbox.add(news(late(1)))
  await sleep(5)
  closing.abort()
  await outbox.drained()
  expect(tries).toHaveLength(2)
  expect(sent).toHaveLength(1)
})

test('a try that hangs ends when the time for the end is over', async () => {
  const { outbox, script, closing, cut, logger } = world()
  script.push(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Undelivered('delivery-failed', 'no answer in time')))
      }),
  )
  outbox.add(news(late(1)))
  closing.abort()
  cut.abort()
  await outbox.drained()
  expect(logger.lines).toMatchObject([{ level: 'error', fields: { error: 'no answer in time' } }])
})

test('the log has a line for each notice, as loud as the notice, the worst first', () => {
  const logger = notebook()
  const info = late(9, { severity: 'info' })
  logNews(logger, { begun: [info, down('wiki'), late(1)], over: [down('corp-ad')] })
  expect(logger.lines).toMatchObject([
    { level: 'error', message: 'notice', fields: { identity: 'hr:1', platform: 'corp-ad', kind: 'revocation-late' } },
    { level: 'warn', message: 'notice', fields: { key: 'platform-down:wiki' } },
    { level: 'info', message: 'notice', fields: { identity: 'hr:9' } },
    { level: 'info', message: 'notice is over', fields: { key: 'platform-down:corp-ad' } },
  ])
})

test('the log of a bad night has fifty lines and the numbers', () => {
  const logger = notebook()
  logNews(logger, { begun: [...many(1_000), down('wiki', { severity: 'page' })], over: many(60) })
  expect(logger.lines.filter(({ message }) => message === 'notice')).toHaveLength(50)
  expect(logger.lines.filter(({ message }) => message === 'notice is over')).toHaveLength(50)
  const numbers = logger.lines.filter(({ message }) => message.startsWith('more'))
  expect(numbers).toMatchObject([
    { level: 'warn', fields: { notices: ['1,000 revocations late', '1 platform down'], logged: 50 } },
    { level: 'info', fields: { notices: ['60 revocations late'] } },
  ])
})
