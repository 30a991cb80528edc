// A real redis-server in a temporary folder on a free loopback port, with a password, as a shared Redis would be.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, listening } from './ports.ts'

const program = 'redis-server'

export interface RedisServer extends AsyncDisposable {
  readonly folder: string
  readonly port: number
  readonly password: string
  readonly url: string
  /** Ends the process at once, as a power cut would; nothing is kept. */
  kill(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  /** Stops the process where it stands (SIGSTOP): its port still accepts, and nothing answers. */
  freeze(): void
  thaw(): void
  /** FLUSHALL: everything that it holds is gone, while it goes on. */
  flush(): Promise<void>
}

export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-redis-'))
  const port = await freePort()
  const password = 'redis-of-tests'
  const file = join(folder, 'redis.conf')
  await writeFile(
    file,
    `port ${port}\nbind 127.0.0.1\nrequirepass ${password}\nsave ""\nappendonly no\ndir ${folder}\n`,
  )
  let child: ChildProcess | null = null
  const kill = async () => {
    const running = child
    child = null
    if (running === null || running.exitCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGKILL')
    await ended
  }
  const start = async () => {
    const started = spawn(program, [file], { stdio: 'ignore' })
    let ended: string | null = null
    started.once('error', (error) => {
      ended = error.message
    })
    started.once('exit', (code) => {
      ended = `exit code ${code}`
    })
    child = started
    await listening(port, () => ended).catch(async (error: unknown) => {
      await kill()
      throw error
    })
  }
  await start()
  return {
    folder,
    port,
    password,
    url: `redis://:${password}@127.0.0.1:${port}`,
    kill,
    start,
    async restart() {
      await kill()
      await start()
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    flush: () => flush(port, password),
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Inline commands (redis.io, protocol specification, "Inline commands"): no client library would stand between. */
async function flush(port: number, password: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.end(`AUTH ${password}\r\nFLUSHALL\r\nQUIT\r\n`)
  let said = ''
  for await (const chunk of socket) said += String(chunk)
  if (!said.startsWith('+OK\r\n+OK\r\n')) throw new Error(`Redis refused to flush: ${said}`)
}
