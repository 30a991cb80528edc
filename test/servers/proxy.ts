import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** Connections that were opened through it so far. */
  readonly opened: number
  /** From now on every connection is cut once it has carried this many bytes from the server; undefined: never. */
  cutAfter(bytes: number | undefined): void
  /** Cuts what is open now. */
  cut(): void
}

/** Stands between a client and a server on this machine, to cut connections in the middle or to delay answers. */
export async function startProxy(
  target: number,
  options: { readonly delayMs?: number; readonly host?: string } = {},
): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let limit: number | undefined
  let opened = 0
  const server = createServer((client) => {
    opened++
    const upstream = connect({ port: target, host: options.host ?? '127.0.0.1' })
    let carried = 0
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.once('close', () => {
        sockets.delete(socket)
        end()
      })
      socket.on('error', end)
    }
    client.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk) => {
      carried += chunk.length
      if (limit !== undefined && carried > limit) {
        client.end(chunk.subarray(0, Math.max(0, chunk.length - (carried - limit))), end)
        return
      }
      if (options.delayMs === undefined) client.write(chunk)
      else void pause(options.delayMs).then(() => client.write(chunk))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get opened() {
      return opened
    },
    cutAfter(bytes) {
      limit = bytes
    },
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
