import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** Connections that were opened through it so far. */
  readonly opened: number
  /** Connections that `cutAfter` has cut so far. */
  readonly cuts: number
  /**
   * From now on every connection is cut once it has carried this many bytes from the server, or to it; undefined: never.
   * The first hundreds of bytes of a TLS connection are its handshake.
   */
  cutAfter(bytes: number | undefined, what?: 'answers' | 'requests'): void
  /** As `cutAfter`, but the connection stays open and carries nothing any more, as behind a firewall that drops packets. */
  swallowAfter(bytes: number | undefined): void
  /** Cuts what is open now. */
  cut(): void
  /** What is open now stays open and carries nothing any more; new connections work. */
  silence(): void
  /** From now on every answer of the server is this much late. */
  delay(ms: number): void
}

/** One connection with what has gone through it. */
interface Line {
  readonly client: Socket
  readonly upstream: Socket
  readonly carried: { answers: number; requests: number }
  silent: boolean
}

/** Stands between a client and a server on this machine, to cut connections in the middle, to swallow or to delay answers. */
export async function startProxy(
  target: number,
  options: { readonly delayMs?: number; readonly host?: string } = {},
): Promise<Proxy> {
  const lines = new Set<Line>()
  const limits: {
    cut?: { readonly bytes: number; readonly what: 'answers' | 'requests' }
    swallow?: number | undefined
  } = {}
  let delayMs = options.delayMs ?? 0
  let opened = 0
  let cuts = 0
  const server = createServer((client) => {
    opened++
    const upstream = connect({ port: target, host: options.host ?? '127.0.0.1', noDelay: true })
    const line: Line = {
      client: client.setNoDelay(true),
      upstream,
      carried: { answers: 0, requests: 0 },
      silent: false,
    }
    lines.add(line)
    const end = (): void => {
      lines.delete(line)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.once('close', end).on('error', end)
    /** What of this chunk is within the limit, where it is the one that passes it. */
    const lastOf = (what: 'answers' | 'requests', chunk: Buffer): Buffer | null => {
      line.carried[what] += chunk.length
      const over = limits.cut?.what === what ? line.carried[what] - limits.cut.bytes : 0
      if (over <= 0) return null
      cuts++
      line.silent = true
      return chunk.subarray(0, Math.max(0, chunk.length - over))
    }
    client.on('data', (chunk) => {
      if (line.silent) return
      const last = lastOf('requests', chunk)
      if (last !== null) upstream.end(last, end)
      else upstream.write(chunk)
    })
    let before = Promise.resolve<unknown>(undefined)
    upstream.on('data', (chunk) => {
      if (line.silent) return
      const last = lastOf('answers', chunk)
      if (limits.swallow !== undefined && line.carried.answers > limits.swallow) line.silent = true
      else if (last !== null) client.end(last, end)
      else if (delayMs === 0) client.write(chunk)
      else before = Promise.all([before, pause(delayMs)]).then(() => client.destroyed || client.write(chunk))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const { client, upstream } of lines) for (const socket of [client, upstream]) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    get opened() {
      return opened
    },
    get cuts() {
      return cuts
    },
    cutAfter(bytes, what = 'answers') {
      if (bytes === undefined) delete limits.cut
      else limits.cut = { bytes, what }
    },
    swallowAfter(bytes) {
      limits.swallow = bytes
    },
    cut,
    silence() {
      for (const line of lines) line.silent = true
    },
    delay(ms) {
      delayMs = ms
    },
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
