import { createHmac } from 'node:crypto'
import { SECOND } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'

const prefix = 'whsec_'

/**
 * The three headers of the Standard Webhooks specification 1.0.0 (standardwebhooks.com): HMAC-SHA256 over
 * `id.timestamp.body`. The id stays the same when a message is sent again, the timestamp is that of the attempt.
 * A secret that begins with `whsec_` is base64; any other is taken as it stands.
 */
export function signed(
  secret: string,
  { id, at, body }: { readonly id: string; readonly at: Instant; readonly body: string },
): Readonly<Record<string, string>> {
  const key = secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), 'base64') : Buffer.from(secret)
  const timestamp = String(Math.floor(at / SECOND))
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
