import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, test } from 'vitest'
import { secrets } from '../../../src/config/secrets.ts'
import type { WebhookSettings } from '../../../src/model/settings.ts'
import { openNotifier } from '../../../src/notify/index.ts'
import { makeCertificates } from '../../servers/certificates.ts'
import { freePort } from '../../servers/ports.ts'
import { down, late, many, noon, notebook } from '../../unit/notify/samples.ts'
import { until } from '../queue/support.ts'
import { startReceiver } from './servers.ts'

const key = Buffer.from('an invented key of tests 24+').toString('base64')
const environment = { HOOK_SECRET: `whsec_${key}`, HOOK_URL: 'http://127.0.0.1:1/T000/secret-of-the-path' }

interface Options {
  readonly waits?: readonly number[]
  readonly attempt?: number
  readonly gather?: number
  readonly environment?: Readonly<Record<string, string>>
}

function open(webhooks: readonly WebhookSettings[], options: Options = {}) {
  const { waits = [1, 1, 1], attempt = 20_000, gather = 60_000 } = options
  const logger = notebook()
  let now = noon
  const tools = {
    secrets: secrets(options.environment ?? environment),
    logger,
    clock: () => (now += 1_000),
    patience: { waits, attempt, closing: 10_000 },
  }
  const notifier = openNotifier({ gather, mail: null, webhooks }, tools)
  const problems = () => logger.lines.filter(({ message }) => message.includes('not delivered'))
  return { notifier, logger, problems }
}

const local = (port: number, path = '/hook') => `http://127.0.0.1:${port}${path}`

test('a thousand notices and what is over are one request to each receiver, in its shape', async () => {
  await using receiver = await startReceiver()
  const webhooks = (['keyturn', 'slack', 'teams'] as const).map((shape) => ({
    shape,
    url: local(receiver.port, `/${shape}`),
  }))
  const { notifier, problems } = open(webhooks)
  for (const notice of many(1_000)) notifier.tell({ begun: [notice], over: [] })
  notifier.tell({ begun: [], over: [down('wiki')] })
  await notifier[Symbol.asyncDispose]()
  expect(problems()).toEqual([])
  expect(receiver.received).toHaveLength(3)
  const bodyOf = (path: string) => JSON.parse(receiver.received.find((one) => one.path === path)?.body ?? '')
  expect(bodyOf('/keyturn')).toMatchObject({ type: 'keyturn.notices', data: { begun: [{ count: 1_000 }] } })
  expect(bodyOf('/slack').text).toContain('1,000 revocations late')
  expect(bodyOf('/teams').attachments[0].content.body[0].text).toContain('over again: 1 platform down')
  expect(receiver.received.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST'])
  expect(receiver.received[0]?.headers['content-type']).toBe('application/json')
})

test('news are gathered for the time of the settings and then sent, without the end of the process', async () => {
  await using receiver = await startReceiver()
  const { notifier } = open([{ shape: 'slack', url: local(receiver.port) }], { gather: 30 })
  notifier.tell({ begun: [late(1)], over: [] })
  notifier.tell({ begun: [late(2)], over: [] })
  await until('the message has come', () => receiver.received.length > 0)
  expect(receiver.received[0]?.body).toContain('2 revocations late')
  await notifier[Symbol.asyncDispose]()
  expect(receiver.received).toHaveLength(1)
})

test('every try is signed anew, with the same id and the time of the try, so that it can be verified', async () => {
  await using receiver = await startReceiver({ answers: [500, 503] })
  const { notifier } = open([{ shape: 'keyturn', url: local(receiver.port), secret: 'env:HOOK_SECRET' }], { gather: 1 })
  notifier.tell({ begun: [late(1)], over: [] })
  await until('the third try has come', () => receiver.received.length === 3)
  await notifier[Symbol.asyncDispose]()
  for (const { headers, body } of receiver.received) {
    const [id, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])]
    const expected = createHmac('sha256', Buffer.from(key, 'base64')).update(`${id}.${timestamp}.${body}`)
    expect(headers['webhook-signature']).toBe(`v1,${expected.digest('base64')}`)
    expect(timestamp).toMatch(/^\d{10}$/)
  }
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3)
})

test('a receiver that is down, hangs or answers 500 for ever does not hold up the others, and is logged', async () => {
  await using good = await startReceiver()
  await using hanging = await startReceiver({ answers: Array<'hang'>(9).fill('hang') })
  await using broken = await startReceiver({ answers: Array<number>(9).fill(500) })
  const closed = await freePort()
  const urls = [local(closed), local(hanging.port), local(broken.port), local(good.port)]
  const { notifier, problems } = open(
    urls.map((url) => ({ shape: 'slack', url })),
    { attempt: 300, gather: 1 },
  )
  notifier.tell({ begun: [late(1)], over: [] })
  await until('the good one has it', () => good.received.length === 1)
  await until('the others are given up', () => problems().filter(({ level }) => level === 'error').length === 3)
  const errors = problems().filter(({ level }) => level === 'error')
  const said = (part: string) =>
    expect.objectContaining({ fields: expect.objectContaining({ error: expect.stringContaining(part), tries: 4 }) })
  expect(errors).toEqual(
    expect.arrayContaining([said('ECONNREFUSED'), said('no answer in time'), said('HTTP status 500')]),
  )
  notifier.tell({ begun: [late(2)], over: [] })
  await until('the good one has the next, too', () => good.received.length === 2)
  await notifier[Symbol.asyncDispose]()
})

test.each([301, 400, 404, 410])(
  'a receiver that answers %i is not asked again with the same message',
  async (status) => {
    await using receiver = await startReceiver({
      answers: [{ status, headers: { location: 'https://elsewhere.test/' } }],
    })
    const { notifier, problems } = open([{ shape: 'slack', url: local(receiver.port) }], { gather: 1 })
    notifier.tell({ begun: [late(1)], over: [] })
    await until('it is given up', () => problems().length > 0)
    await notifier[Symbol.asyncDispose]()
    expect(receiver.received).toHaveLength(1)
    expect(problems()).toMatchObject([{ level: 'error', fields: { tries: 1 } }])
  },
)

test('a receiver that is too busy says when to come again', async () => {
  await using receiver = await startReceiver({ answers: [{ status: 429, headers: { 'retry-after': '1' } }] })
  const { notifier, problems } = open([{ shape: 'slack', url: local(receiver.port) }], { gather: 1 })
  notifier.tell({ begun: [late(1)], over: [] })
  await until('the second try has come', () => receiver.received.length === 2)
  await notifier[Symbol.asyncDispose]()
  expect(problems()).toMatchObject([{ level: 'warn', fields: { wait: 1_000 } }])
})

test('the log never has the path of an address, whether it is written out or referred to', async () => {
  const referred = open([{ shape: 'slack', url: 'env:HOOK_URL' }], { waits: [] })
  const written = open(
    [{ shape: 'teams', url: 'http://localhost:1/T000/secret-of-the-path?sig=secret-of-the-query' }],
    { waits: [] },
  )
  const wrong = open([{ shape: 'slack', url: 'env:HOOK_URL' }], {
    waits: [],
    environment: { HOOK_URL: 'secret-of-the-path' },
  })
  for (const { notifier, logger, problems } of [referred, written, wrong]) {
    notifier.tell({ begun: [late(1)], over: [] })
    await notifier[Symbol.asyncDispose]()
    expect(problems()).toHaveLength(1)
    expect(JSON.stringify(logger.lines)).not.toContain('secret-of')
  }
  expect(referred.problems()[0]?.fields['channel']).toBe('webhook 1 (slack, env:HOOK_URL)')
  expect(written.problems()[0]?.fields['channel']).toBe('webhook 1 (teams, localhost:1)')
})

test('plain http to another machine is refused: written out at the start, referred to when it is used', async () => {
  expect(() => open([{ shape: 'slack', url: 'http://hooks.example.test/secret-of-the-path' }])).toThrow(
    /webhooks\[0\].*hooks\.example\.test would send in the clear/,
  )
  expect(() => open([{ shape: 'slack', url: 'hooks.example.test' }])).toThrow(/no https:\/\/ address/)
  const { notifier, problems } = open([{ shape: 'slack', url: 'env:HOOK_URL' }], {
    environment: { HOOK_URL: 'http://hooks.example.test/x' },
  })
  notifier.tell({ begun: [late(1)], over: [] })
  await notifier[Symbol.asyncDispose]()
  expect(problems()).toMatchObject([{ level: 'error', fields: { code: 'insecure', tries: 1 } }])
})

test('by https only to a receiver whose certificate is vouched for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-hook-'))
  const certificates = await makeCertificates(folder)
  await using receiver = await startReceiver({ certificates })
  const tellOnce = async () => {
    const url = `https://localhost:${receiver.port}/hook`
    const { notifier, problems } = open([{ shape: 'slack', url }], { waits: [] })
    notifier.tell({ begun: [late(1)], over: [] })
    await notifier[Symbol.asyncDispose]()
    return problems()
  }
  expect(await tellOnce()).toMatchObject([{ level: 'error', fields: { error: expect.stringMatching(/certificate/) } }])
  expect(receiver.received).toEqual([])

  const before = getCACertificates('default')
  setDefaultCACertificates([...before, await readFile(certificates.ca, 'utf8')])
  try {
    expect(await tellOnce()).toEqual([])
    expect(receiver.received).toHaveLength(1)
  } finally {
    setDefaultCACertificates(before)
  }
  await rm(folder, { recursive: true, force: true })
})
