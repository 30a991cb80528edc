// Processes for heavy work: the daemon's own event loop belongs to revocations (law 3).
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { KeyturnError } from '../../model/errors.ts'
import { SECOND } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { Logger } from '../../model/ports.ts'
import type { Settings } from '../../model/settings.ts'
import { inTime } from '../../queue/patience.ts'
import { beatEvery, listen, patienceWith } from './heartbeat.ts'

export type Task = 'pass' | 'changes'

/** What the daemon tells a child. Settings hold references to secrets, never secrets (law 11). */
export type ToChild =
  /**
   * `sources`: feeds to be read as a whole, and when that was noticed; `work`: plan whoever is marked afterwards, or only read.
   * `down`: platforms that are known not to answer.
   */
  | {
      readonly say: 'begin'
      readonly work: 'plan' | 'read'
      readonly settings: Settings
      readonly sources: Readonly<Record<string, Instant>>
      readonly down: readonly string[]
    }
  | { readonly say: 'look' }
  | { readonly say: 'stop' }

/** What a child tells the daemon. */
type FromChild =
  /** Its event loop turns. */
  { readonly say: 'alive' } | FromPass

export type FromPass =
  /** The feeds are read, and the ledger knows whom they changed: of each the digest of what was read, accepted or refused. */
  | { readonly say: 'read'; readonly read: Readonly<Record<string, string>> }
  /** New work is in the ledger. */
  | { readonly say: 'admitted' }
  /** A pass is over. */
  | { readonly say: 'passed'; readonly report: PassReport }

export interface PassReport {
  /** Somebody is still to be looked at: a platform or the ledger was in the way, or people changed meanwhile. */
  readonly again: boolean
  /** The last mark that it looked at; null: nobody was marked. */
  readonly upTo: number | null
  readonly admitted: number
  readonly withheld: number
  readonly unread: readonly string[]
  /** Of those, the platforms that were asked: they did not answer. */
  readonly silent: readonly string[]
}

export interface Child {
  readonly task: Task
  readonly pid: number
  tell(message: ToChild): void
  /** Asks it to end, and ends it after `patience` (ms). */
  stop(patience: number): Promise<void>
  /** How it ended: an exit code, or the name of a signal. */
  readonly ended: Promise<number | string>
}

/**
 * Starts a process of this program. It ends by itself when this one dies in whatever way: its channel closes. One that is
 * silent for too long is killed, which `ended` tells like every other end.
 */
export function startChild(task: Task, logger: Pick<Logger, 'error'>, onMessage: (message: FromPass) => void): Child {
  const child: ChildProcess = fork(process.argv[1] ?? '', ['task', task], {
    execArgv: process.execArgv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // A process group of its own: Ctrl-C is the daemon's to hear, which then asks its children.
    detached: true,
  })
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
    child.once('error', (error) => resolve(error.message))
  })
  const ear = listen(patienceWith[task], (silent) => {
    logger.error('a process of the daemon is silent; it is killed', { task, pid: child.pid, silent })
    // Not to be asked: one that is stopped hears nothing else.
    child.kill('SIGKILL')
  })
  void ended.then(() => ear.close())
  child.on('message', (told) => {
    ear.heard()
    const message = told as FromChild
    if (message.say !== 'alive') onMessage(message)
  })
  const tell = (message: ToChild) => {
    // Whoever has ended hears nothing any more; `ended` tells that.
    if (child.connected) child.send(message, () => undefined)
  }
  return {
    task,
    pid: child.pid ?? 0,
    tell,
    ended,
    async stop(patience) {
      tell({ say: 'stop' })
      if ((await inTime(ended, patience)) === 'late') child.kill('SIGKILL')
      await ended
    },
  }
}

/**
 * Lets this process have the processor only where nobody else wants it much: who must be shut is planned in another one, and a
 * plan over a hundred thousand people takes a core for seconds (setpriority(2): lower is always allowed, higher is not).
 * Where even that is refused, it works as before.
 */
export function standBack({ pid }: Pick<Child, 'pid'>): void {
  // One that could not be started has none, and 0 would mean the daemon itself.
  if (pid === 0) return
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended already, or a system call filter is stricter than ours.
  }
}

export type Begin = Extract<ToChild, { say: 'begin' }>

/** The other end: in a child. */
export interface Daemon {
  /** The next `begin`. Throws KeyturnError `stopped` once the signal is aborted. */
  next(): Promise<Begin>
  tell(message: FromPass): void
  /** Aborted when the daemon asks to stop or is gone. */
  readonly signal: AbortSignal
}

/** Hears the daemon; says from now on that this process is alive. */
export function hearDaemon(onLook: () => void): Daemon {
  const stop = new AbortController()
  let coming = Promise.withResolvers<Begin>()
  const end = () => {
    stop.abort(new KeyturnError('stopped', 'the daemon asked to stop, or is gone'))
    coming.promise.catch(() => undefined)
    coming.reject(stop.signal.reason)
  }
  process.once('disconnect', end)
  process.on('message', (message: ToChild) => {
    if (message.say === 'begin') coming.resolve(message)
    else if (message.say === 'look') onLook()
    else end()
  })
  const tell = (message: FromChild) => {
    if (process.connected) process.send?.(message, () => undefined)
  }
  // At once as well: who is stopped before the first beat would be waited for as for one that still loads its program.
  tell({ say: 'alive' })
  setInterval(() => tell({ say: 'alive' }), beatEvery).unref()
  return {
    async next() {
      stop.signal.throwIfAborted()
      const begin = await coming.promise
      coming = Promise.withResolvers<Begin>()
      return begin
    },
    tell,
    signal: stop.signal,
  }
}

/** Between restarts of a child that crashes: grows while it crashes at once, ms. Work goes on within five seconds in any case. */
export function restartPause(crashes: number): number {
  return Math.min(100 * 2 ** Math.min(crashes, 10), 3 * SECOND)
}
