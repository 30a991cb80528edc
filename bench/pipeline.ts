// A client that does nothing but keep requests in flight: what the server can do at most. Requests are encoded before the
// clock starts, answers are only counted and looked at for their result code.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { AddRequest, Attribute, BindRequest, Change, ModifyRequest } from 'ldapts'

/** No more are in flight at once: servers gain nothing from more. */
const window = 64

export interface Entry {
  readonly dn: string
  readonly attributes: Readonly<Record<string, readonly (string | Buffer)[]>>
}

/** Encoded requests, one behind the other; the message id is the position plus 2 (1 is the bind). */
export type Requests = readonly Buffer[]

export function encodeAdds(entries: Iterable<Entry>, firstId = 2): Requests {
  return Array.from(entries, ({ dn, attributes }, index) => {
    const request = new AddRequest({
      messageId: firstId + index,
      dn,
      attributes: Object.entries(attributes).map(([type, values]) => attribute(type, values)),
    })
    return request.write()
  })
}

/** One modification per group that adds, or takes away, all these members. */
export function encodeMemberships(
  groups: Iterable<readonly [string, readonly string[]]>,
  firstId: number,
  operation: 'add' | 'delete' = 'add',
): Requests {
  return Array.from(groups, ([dn, members], index) => {
    const modification = new Change({ operation, modification: attribute('member', members) })
    return new ModifyRequest({ messageId: firstId + index, dn, changes: [modification] }).write()
  })
}

/** One modification per account: an administrator's lock and another password, hashed already. */
export function encodeShutting(dns: Iterable<string>): Requests {
  return Array.from(dns, (dn, index) => {
    const replace = (type: string, value: string) =>
      new Change({ operation: 'replace', modification: attribute(type, [value]) })
    const changes = [
      replace('userPassword', `{SSHA}${Buffer.alloc(28, dn).toString('base64')}`),
      replace('pwdAccountLockedTime', '000001010000Z'),
    ]
    return new ModifyRequest({ messageId: index + 2, dn, changes }).write()
  })
}

function attribute(type: string, values: readonly (string | Buffer)[]): Attribute {
  const buffers = values.some((value) => typeof value !== 'string')
  return new Attribute({ type, values: buffers ? values.map((value) => Buffer.from(value)) : values.map(String) })
}

/** Signs in, then sends all with 64 in flight. Returns how long the sending took, ms. Throws on any refusal. */
export async function sendAll(
  url: string,
  who: { readonly dn: string; readonly password: string },
  requests: Requests,
): Promise<number> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await once(socket, 'connect')
  try {
    await exchange(socket, [new BindRequest({ messageId: 1, dn: who.dn, password: who.password }).write()])
    const begun = performance.now()
    await exchange(socket, requests)
    return performance.now() - begun
  } finally {
    socket.destroy()
  }
}

function exchange(socket: Socket, requests: Requests): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const frames = new Frames()
  let sent = 0
  let answered = 0
  const fill = () => {
    const batch = requests.slice(sent, answered + window)
    sent += batch.length
    if (batch.length > 0) socket.write(Buffer.concat(batch))
  }
  const hear = (chunk: Buffer) => {
    for (const code of frames.codes(chunk)) {
      answered += 1
      if (code !== 0) reject(new Error(`answer ${answered} of ${requests.length} is a refusal: result code ${code}`))
    }
    if (answered === requests.length) resolve()
    // Half a window at a time: as many requests per packet as possible, and never an idle server.
    else if (sent - answered <= window / 2) fill()
  }
  socket.on('data', hear)
  socket.once('error', reject)
  socket.once('close', () => reject(new Error('the server closed the connection')))
  fill()
  return promise.finally(() => socket.off('data', hear))
}

/** Cuts the answers apart and takes their result codes (RFC 4511, sections 4.1.1 and 4.1.9). */
class Frames {
  #rest: Buffer = Buffer.alloc(0)

  codes(chunk: Buffer): number[] {
    const codes: number[] = []
    const buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (;;) {
      const message = element(buffer, at)
      if (message === null || message.end > buffer.length) break
      const id = element(buffer, message.start)
      const operation = id === null ? null : element(buffer, id.end)
      const code = operation === null ? null : element(buffer, operation.start)
      codes.push(code === null ? -1 : buffer.readUInt8(code.start))
      at = message.end
    }
    this.#rest = buffer.subarray(at)
    return codes
  }
}

/** Where the content of the BER element at this position begins and ends; null while its header is not whole. */
function element(buffer: Buffer, at: number): { readonly start: number; readonly end: number } | null {
  if (at + 2 > buffer.length) return null
  const first = buffer.readUInt8(at + 1)
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const bytes = first & 0x7f
  if (at + 2 + bytes > buffer.length) return null
  const start = at + 2 + bytes
  return { start, end: start + buffer.readUIntBE(at + 2, bytes) }
}
