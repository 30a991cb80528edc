import { connect, createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * A port of 127.0.0.1 that nobody uses, below those that the kernel gives to clients (Linux: from 32,768): a server that is
 * killed and started again must find its port free, whoever has connected to wherever meanwhile.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) return port
  }
  throw new Error('none of a hundred ports is free')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Waits until something listens there. `ended` says why it never will. */
export async function listening(port: number, ended: () => string | null): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await pause(20)) {
    if (await accepts(port)) return
    const why = ended()
    if (why !== null) throw new Error(`the server ended at once: ${why}`)
  }
  throw new Error(`nothing listens on port ${port} after 20 s`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
