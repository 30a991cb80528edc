// A slow network between Keyturn and a server: a proxy in a process of its own, so that it shares no event loop with what is
// measured. Started as a program, it is that process. Arguments: port of the server, delay of every answer in ms.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startProxy } from '../test/servers/proxy.ts'

export interface Delay extends AsyncDisposable {
  readonly url: string
}

/** Stands before this server (ldap://host:port) until it is disposed. */
export async function startDelay(server: string, ms: number): Promise<Delay> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), new URL(server).port, String(ms)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    url: `ldap://127.0.0.1:${port.toString().trim()}`,
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}

if (import.meta.main) {
  const [port = '', ms = ''] = process.argv.slice(2)
  const proxy = await startProxy(Number(port), { delayMs: Number(ms) })
  process.stdout.write(`${proxy.port}\n`)
  // It ends with the process that started it, however that ends.
  process.stdin.on('end', () => process.exit(0)).resume()
}
