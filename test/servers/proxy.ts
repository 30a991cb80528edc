import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** Connections that were opened through it so far. */
  readonly opened: number
  /**
   * From now on every connection is cut once it has carried this many bytes from the server; undefined: never. The first
   * hundreds of bytes of a TLS connection are its handshake.
   */
  cutAfter(bytes: number | undefined): void
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
  carried: number
  silent: boolean
}

/** Stands between a client and a server on this machine, to cut connections in the middle, to swallow or to delay answers. */
export async function startProxy(
  target: number,
  options: { readonly delayMs?: number; readonly host?: string } = {},
): Promise<Proxy> {
  const lines = new Set<Line>()
  const limits: { cut?: number | undefined; swallow?: number | undefined } = {}
  let delayMs = options.delayMs ?? 0
  let opened = 0
  const server = createServer((client) => {
    opened++
    const upstream = connect({ port: target, host: options.host ?? '127.0.0.1', noDelay: true })
    const line: Line = { client: client.setNoDelay(true), upstream, carried: 0, silent: false }
    lines.add(line)
    const end = (): void => {
      lines.delete(line)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.once('close', end).on('error', end)
    client.on('data', (chunk) => line.silent || upstream.write(chunk))
    let last = Promise.resolve<unknown>(undefined)
    upstream.on('data', (chunk) => {
      line.carried += chunk.length
      if (limits.swallow !== undefined && line.carried > limits.swallow) line.silent = true
      if (line.silent) return
      const over = limits.cut === undefined ? 0 : line.carried - limits.cut
      if (over > 0) client.end(chunk.subarray(0, Math.max(0, chunk.length - over)), end)
      else if (delayMs === 0) client.write(chunk)
      else last = Promise.all([last, pause(delayMs)]).then(() => client.destroyed || client.write(chunk))
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
    cutAfter(bytes) {
      limits.cut = bytes
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
