import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { compose } from '../../../src/notify/message.ts'
import { bodyOf } from '../../../src/notify/shapes.ts'
import { signed } from '../../../src/notify/signature.ts'
import { down, late, many, noon } from './samples.ts'

const about = { id: 'msg_1', at: noon, host: 'host1' }

function json(shape: 'keyturn' | 'slack' | 'teams', begun = many(1), over = [down('wiki')]) {
  return JSON.parse(bodyOf(shape, compose({ begun, over }, about)))
}

test('a program gets type, timestamp, counts and the first of each kind with their ids', () => {
  const body = json('keyturn', many(1_000))
  expect(body).toMatchObject({ type: 'keyturn.notices', timestamp: '2026-11-22T12:00:00.000Z' })
  expect(body.data).toMatchObject({ host: 'host1', severity: 'page', over: [{ kind: 'platform-down', count: 1 }] })
  expect(body.data.begun).toMatchObject([{ kind: 'revocation-late', severity: 'page', count: 1_000 }])
  expect(body.data.begun[0].first).toHaveLength(20)
  expect(body.data.begun[0].first[0]).toEqual({
    key: 'overdue:hr:1:corp-ad',
    severity: 'page',
    text: 'hr:1 should have been shut on corp-ad 30 s ago',
    platform: 'corp-ad',
    identity: 'hr:1',
    since: '2026-11-22T12:00:00.000Z',
  })
})

test('Slack gets one text, in which nobody can be called and no link be hidden', () => {
  const body = json('slack', [late(1, { text: '<!channel> & <https://example.test|click>' })])
  expect(Object.keys(body)).toEqual(['text'])
  expect(body.text).toContain('*1 revocation late (page)*')
  expect(body.text).toContain('• &lt;!channel&gt; &amp; &lt;https://example.test|click&gt;')
})

test('Teams gets a message with one Adaptive Card, whose lines are no Markdown', () => {
  const body = json('teams', [late(1, { text: '[click](https://example.test)' })])
  expect(body).toMatchObject({ type: 'message', attachments: [{ contentUrl: null }] })
  expect(body.attachments).toHaveLength(1)
  const [{ contentType, content }] = body.attachments
  expect(contentType).toBe('application/vnd.microsoft.card.adaptive')
  expect(content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' })
  expect(content.body[0]).toMatchObject({
    type: 'TextBlock',
    wrap: true,
    text: expect.stringContaining('1 revocation late'),
  })
  const lines = content.body.filter(({ type }: { type: string }) => type === 'RichTextBlock')
  const [run] = lines[1].inlines
  expect(run).toEqual({ type: 'TextRun', text: expect.stringContaining('[click](https://example.test)') })
})

test.each([
  ['slack', 4_000],
  ['teams', 24_000],
  ['keyturn', 20_000],
] as const)('%s never gets more than it takes: a bad night of eleven kinds fits', (shape, most) => {
  const kinds = ['revocation-late', 'not-proven', 'reopened', 'protected-leaver', 'ledger-spooled', 'platform-down']
  const more = ['feed-refused', 'revocation-nearly-late', 'config-refused', 'change-failed', 'withheld']
  const begun = [...kinds, ...more].flatMap((kind) =>
    many(500).map((one) => ({ ...one, key: `${kind}:${one.key}`, kind: kind as 'withheld', text: 'ü'.repeat(400) })),
  )
  const body = bodyOf(shape, compose({ begun, over: begun }, about))
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(most)
  expect(body).toContain('500')
})

/** RFC 2104, written out: no code is shared with what is tested. */
function hmac(key: Buffer, text: string): string {
  const block = Buffer.alloc(64)
  key.copy(block)
  const pad = (byte: number) => Buffer.from(block.map((one) => one ^ byte))
  const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
  return sha256(pad(0x5c), sha256(pad(0x36), Buffer.from(text))).toString('base64')
}

test('the signature is HMAC-SHA256 over id, timestamp in seconds, and body', () => {
  const key = Buffer.from('an invented key of 32 bytes ....')
  const expected = `v1,${hmac(key, 'msg_1.1795348800.{"a":1}')}`
  const what = { id: 'msg_1', at: Date.UTC(2026, 10, 22, 12, 0, 0, 999), body: '{"a":1}' }
  expect(signed(`whsec_${key.toString('base64')}`, what)).toEqual({
    'webhook-id': 'msg_1',
    'webhook-timestamp': '1795348800',
    'webhook-signature': expected,
  })
  expect(signed(key.toString(), what)['webhook-signature']).toBe(expected)
})

test('the signature is that of the example of the specification', () => {
  // From the test of the reference libraries (standard-webhooks/libraries): secret, id, time, body, signature.
  const headers = signed('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    at: 1_614_265_330_000,
    body: '{"test": 2432232314}',
  })
  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})
