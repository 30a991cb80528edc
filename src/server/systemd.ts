import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { SECOND } from '../model/instant.ts'
import type { Logger } from '../model/ports.ts'

/** Tells systemd how the service does (sd_notify(3)). Where nobody listens, nothing happens. Never throws. */
export interface Systemd extends Disposable {
  /** The start, or a reload, is over. */
  ready(status: string): Promise<void>
  /** A reload begins; `ready` ends it. */
  reloading(): Promise<void>
  /** The end begins. */
  stopping(status: string): Promise<void>
  /** One line for `systemctl status`. */
  status(text: string): Promise<void>
}

type Environment = Record<string, string | undefined>

/** Longer than the five seconds that systemd-notify itself waits for the manager. */
const patience = 10 * SECOND

const ours = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const

/**
 * Takes NOTIFY_SOCKET and the watchdog's variables out of the environment, so that children do not speak for us, and keeps
 * the watchdog content (WATCHDOG=1 at half of its time) for as long as the event loop turns and nobody disposes of this.
 */
export function openSystemd({
  logger,
  environment = process.env,
}: {
  readonly logger: Logger
  readonly environment?: Environment
}): Systemd {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: limit, WATCHDOG_PID: watched } = environment
  for (const name of ours) delete environment[name]
  const send = socket === undefined || socket === '' ? async () => {} : sender(socket, logger)
  const half = Math.floor(Number(limit ?? 0) / 2_000)
  const isWatched = half > 0 && (watched === undefined || Number(watched) === process.pid)
  const watchdog = isWatched ? setInterval(() => void send('WATCHDOG=1'), half).unref() : undefined
  return {
    ready: (status) => send('READY=1', statusOf(status)),
    // The time is asked for by Type=notify-reload (systemd 253).
    reloading: () => send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`),
    stopping: (status) => send('STOPPING=1', statusOf(status)),
    status: (text) => send(statusOf(text)),
    [Symbol.dispose]: () => clearInterval(watchdog),
  }
}

/** A line end would begin another variable. */
function statusOf(text: string): string {
  return `STATUS=${text.replaceAll(/\s+/g, ' ').trim()}`
}

/**
 * Node has no datagram sockets of the file system, so systemd-notify(1) says it: one after the other, so that READY=1 does
 * not overtake RELOADING=1. `--pid` names this process as the main one, although a launcher may have started it.
 */
function sender(socket: string, logger: Logger): (...variables: string[]) => Promise<void> {
  const run = promisify(execFile)
  const env = { PATH: process.env['PATH'], NOTIFY_SOCKET: socket }
  let last: Promise<unknown> = Promise.resolve()
  let hasFailed = false
  return async (...variables) => {
    const mine = last.then(() =>
      run('systemd-notify', [`--pid=${process.pid}`, ...variables], { env, timeout: patience }),
    )
    last = mine.catch(() => {})
    try {
      await mine
      hasFailed = false
    } catch (error) {
      // The watchdog would say the same again and again.
      if (!hasFailed) logger.warn('systemd was not told', { error: error instanceof Error ? error.message : '' })
      hasFailed = true
    }
  }
}
