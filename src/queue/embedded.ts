import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { KeyturnError } from '../model/errors.ts'
import type { Logger } from '../model/ports.ts'

/** A redis-server child on a Unix socket, without persistence, that ends with this process. */
export interface RedisChild {
  /** Resolves when the server has ended, with what it said last. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

const startTime = 10_000

/**
 * The shell holds the read end of a pipe whose write end is ours. When we end, by whatever way, the pipe closes and the shell
 * ends the server; when the server ends, so does the shell. Only paths are in the arguments, never a secret. `--hz 1`: its
 * housekeeping, of which it has next to none here, wakes it up once a second and not ten times.
 */
const script = `
command -v redis-server >/dev/null 2>&1 || exit 127
exec 3<&0
redis-server --port 0 --unixsocket "$1" --unixsocketperm 700 --save "" --appendonly no --hz 1 --dir "$2" </dev/null 2>&1 &
server=$!
(cat <&3 >/dev/null; kill -9 $server 2>/dev/null) &
wait $server
`

/** Nothing of our own environment besides PATH: passwords (`env:NAME`) are no business of Redis. */
function environment(): { readonly PATH: string } {
  return { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin` }
}

/** The version of the redis-server that would be started; null where none is installed. */
export async function redisVersion(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('redis-server', ['--version'], { env: environment() })
    return /v=([\d.]+)/.exec(stdout)?.[1] ?? 'of unknown version'
  } catch {
    return null
  }
}

/** Throws KeyturnError `redis-unavailable` where redis-server is not installed or does not start. */
export async function startRedis(path: string, logger: Logger): Promise<RedisChild> {
  await rm(path, { force: true })
  const child = spawn('/bin/sh', ['-c', script, 'keyturn-redis', path, dirname(path)], {
    // A process group of its own: Ctrl-C in the terminal must not end Redis before the work is closed.
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: environment(),
  })
  // A pipe that breaks is told by `ended`.
  child.stdin.on('error', () => undefined)
  const ended = endOf(child)
  const early = await Promise.race([ended, untilAnswering(path, ended)])
  if (early !== undefined) throw notStarted(early, child.exitCode)
  logger.debug('the embedded Redis is started', { pid: child.pid })
  return {
    ended,
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}

function endOf(child: ChildProcess): Promise<string> {
  let last = ''
  child.stdout?.on('data', (data: Buffer) => {
    last = (last + data.toString()).slice(-500)
  })
  return new Promise((resolve) => {
    const end = () => {
      killGroup(child)
      resolve(last.trim())
    }
    child.once('error', end)
    child.once('exit', end)
  })
}

/** The shell's `cat` would wait for ever. */
function killGroup({ pid, stdin }: ChildProcess): void {
  stdin?.destroy()
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group is gone already.
  }
}

/** Resolves with undefined when the server answers; with a text when it did not in time. */
async function untilAnswering(path: string, ended: Promise<string>): Promise<string | undefined> {
  const state = { over: false }
  void ended.then(() => {
    state.over = true
  })
  for (const deadline = Date.now() + startTime; Date.now() < deadline && !state.over; ) {
    if (await answers(path)) return undefined
    await sleep(10)
  }
  return 'it did not answer in time'
}

/** Is there a Redis behind this socket? */
export async function answers(path: string): Promise<boolean> {
  const redis = new Redis({
    path,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 1_000,
    enableReadyCheck: false,
  })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}

function notStarted(said: string, code: number | null): KeyturnError {
  if (code === 127) return notInstalled()
  return new KeyturnError('redis-unavailable', `the embedded redis-server did not start: ${said}`)
}

export function notInstalled(): KeyturnError {
  return new KeyturnError('redis-unavailable', 'state.redis is "embedded", but redis-server is not installed', {
    hint: 'Debian and Ubuntu: apt-get install redis-server. Fedora: dnf install redis. macOS: brew install redis. Or state the URL of a Redis as state.redis.',
  })
}
