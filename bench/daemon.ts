// A daemon under measurement: started as its users start it, its log read line by line.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../bin/keyturn', import.meta.url))

export interface LogLine {
  /** ms since 1970, from the line's own time. */
  readonly at: number
  readonly msg: string
  readonly [field: string]: unknown
}

export interface RunningDaemon extends AsyncDisposable {
  readonly process: ChildProcess
  readonly log: readonly LogLine[]
  /** Resolves with the first such line of this message after the first `from` lines. Throws when the daemon ends. */
  says(message: string, from?: number, is?: (line: LogLine) => boolean): Promise<LogLine>
  /** The daemon and everything below it. */
  pids(): Promise<readonly number[]>
  /** How many processes for heavy work there are below it. */
  tasks(): Promise<number>
  /** kill -9 of the daemon and of everything below it, at once. */
  kill(): Promise<void>
}

/** `KEYTURN_BENCH_PROFILE=FOLDER`: every process of the daemon writes a CPU profile there when it ends. */
const profile = process.env['KEYTURN_BENCH_PROFILE']
const profiling = profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` }

/** Starts `keyturn run --debug` in this folder and waits until it is ready. */
export async function startDaemon(
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningDaemon> {
  const child = spawn(program, ['--config', join(folder, 'keyturn.yaml'), 'run', '--debug'], {
    cwd: folder,
    env: { ...process.env, ...profiling, ...environment, NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const log: LogLine[] = []
  const said: string[] = []
  let rest = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('{')) {
        said.push(line)
        continue
      }
      const parsed = JSON.parse(line) as { readonly time: string; readonly msg: string }
      log.push({ ...parsed, at: Date.parse(parsed.time) })
    }
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const daemon: RunningDaemon = {
    process: child,
    log,
    async says(message, from = 0, is = () => true) {
      for (;;) {
        const line = log.slice(from).find((one) => one.msg === message && is(one))
        if (line !== undefined) return line
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`the daemon ended: ${said.join('\n')} ${JSON.stringify(log.slice(-5))}`)
        await sleep(5)
      }
    },
    pids: () => treeOf(child.pid ?? 0),
    async tasks() {
      const lines = (await treeOf(child.pid ?? 0)).map((pid) =>
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      )
      return (await Promise.all(lines)).filter((line) => line.includes('\0task\0')).length
    },
    async kill() {
      for (const pid of await treeOf(child.pid ?? 0)) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended meanwhile.
        }
      }
      await ended
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const slow = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(slow)
    },
  }
  await daemon.says('ready')
  return daemon
}

async function treeOf(root: number): Promise<readonly number[]> {
  const parents = new Map<number, number>()
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const status = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')
    if (status !== '') parents.set(Number(entry), Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const tree = [root]
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child)
  return tree
}

/** The share of the values that is at most this, by the nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
