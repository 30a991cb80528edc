// A running daemon: started as its users start it, watched through its log, stopped, killed, frozen.
import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Company } from './keyturn.ts'
import { processes, redisServersBelow } from './traces.ts'

/** One line of the log. */
export interface LogLine {
  readonly level: number
  readonly time: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** How long anything may take that the tests wait for, on a busy machine as well; nothing is measured by it. */
const patience = 100_000

export class Daemon implements AsyncDisposable {
  readonly process: ChildProcess
  readonly log: LogLine[] = []
  /** What it has printed for people on standard output. */
  printed = ''
  readonly #exited: Promise<number | string>
  readonly #closed: Promise<unknown>
  #rest = ''

  private constructor(process: ChildProcess) {
    this.process = process
    this.#exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
    })
    this.#closed = new Promise((resolve) => process.once('close', resolve))
    process.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear(text))
    process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.printed += text))
  }

  /** Starts `keyturn run` and waits until it is ready. */
  static async start(company: Company, ...args: string[]): Promise<Daemon> {
    const daemon = new Daemon(company.start('run', '--debug', ...args))
    await daemon.says('ready')
    return daemon
  }

  get pid(): number {
    return this.process.pid ?? 0
  }

  /** Waits until a line with this message has come, after the first `from` lines. */
  async says(message: string, { from = 0 }: { readonly from?: number } = {}): Promise<LogLine> {
    return this.until(`the daemon says "${message}"`, async () => {
      const hasEnded = this.process.exitCode !== null
      if (hasEnded) await this.#closed
      const line = this.log.slice(from).find(({ msg }) => msg === message)
      if (line === undefined && hasEnded) throw new Error(`it ended\n${this.tail()}`)
      return line
    })
  }

  /** Waits until something is the case, and shows the last lines where it never is. */
  until<T>(what: string, look: () => Promise<T | undefined | false | null>, ms = patience): Promise<T> {
    return eventually(what, look, () => this.tail(), ms)
  }

  /** The last lines, for a test that fails. */
  tail(count = 60): string {
    return this.log
      .slice(-count)
      .map((line) => JSON.stringify(line))
      .join('\n')
  }

  /** Asks it to stop and waits for its end. */
  async stop(): Promise<number | string> {
    this.process.kill('SIGTERM')
    return this.ended()
  }

  /** Waits until it has ended by itself, and all that it said is in the log. */
  async ended(): Promise<number | string> {
    await this.#closed
    return this.#exited
  }

  /** kill -9, of this process only. Its children end by themselves. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.#exited
  }

  /** Processes of this daemon, by what they do; the daemon itself is not among them. */
  async children(task?: 'pass' | 'changes'): Promise<number[]> {
    const found: number[] = []
    // Asking every process of the machine for its parent takes seconds on a busy one (proc(5)).
    const children = await readFile(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').catch(() => '')
    for (const pid of children.split(' ').filter((one) => one !== '')) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      if (task === undefined || line.includes(`task\0${task}`)) found.push(Number(pid))
    }
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL')
    await this.#exited
  }

  #hear(text: string): void {
    const lines = `${this.#rest}${text}`.split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      try {
        this.log.push(JSON.parse(line) as LogLine)
      } catch {
        this.log.push({ level: 0, time: '', msg: line })
      }
    }
  }
}

/** Asks again and again until something is the case. Throws with `why` when patience ends. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false | null>,
  why: () => string = () => '',
  ms = patience,
): Promise<T> {
  for (const deadline = performance.now() + ms; ; ) {
    const begun = performance.now()
    const found = await look()
    if (found !== undefined && found !== false && found !== null) return found
    if (performance.now() > deadline) throw new Error(`within ${ms / 1000} s it was not so that ${what}\n${why()}`)
    // Whoever looks at thousands of people leaves the processor to those who are looked at.
    await sleep(Math.min(1_000, Math.max(40, 5 * (performance.now() - begun))))
  }
}

/** Process ids of the embedded Redis of this company, without the shell that holds it. */
export async function embeddedRedis(company: Company): Promise<number[]> {
  const below = new Set(await redisServersBelow(company.folder))
  const all = await processes()
  return all.filter((one) => below.has(one.id) && one.arguments.startsWith('redis-server')).map((one) => one.id)
}

/** Ends or stops processes by their ids; those that have ended are no error. */
export function signal(pids: readonly number[], name: 'KILL' | 'STOP' | 'CONT'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, `SIG${name}`)
    } catch {
      // It has ended.
    }
  }
}
