// Tells when a feed's file is another. docs/decisions/030-watching-feeds.md has the reasons and the figures.
import { basename } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { watch } from 'chokidar'
import type { FSWatcher } from 'chokidar'
import { summarise } from '../model/errors.ts'
import type { Clock, Instant } from '../model/instant.ts'
import type { Arrival, Logger } from '../model/ports.ts'
import { difference, markAt } from './file.ts'
import type { FileMark } from './file.ts'
import { trailOf } from './trail.ts'
import type { Trail } from './trail.ts'

export interface FileToWatch {
  /** Absolute. It need not exist, and neither need its folders. */
  readonly path: string
  /** How long it must be quiet after it was written in place, ms. */
  readonly settle: number
}

export interface WatchOptions {
  /**
   * A file is another than it was. It is told at once where another was renamed over its path (or a symbolic link on the
   * way now leads elsewhere), else when it has been quiet for `settle`. `noticedAt` is when the change was first seen.
   * Never called for one path again before the promise is settled: what happens meanwhile is told once, after it. What it
   * throws is logged.
   */
  onChange(path: string, how: Arrival, noticedAt: Instant): void | Promise<void>
  readonly logger: Logger
  readonly clock?: Clock
}

export interface FileWatch extends AsyncDisposable {
  /** Everything that happens from here on is seen. */
  readonly ready: Promise<void>
}

/**
 * Watches files from now on: what they are at this moment is not told, and neither is that one vanishes (there is nothing
 * to read). Of a path that is given twice, the longer `settle` counts. Throws nothing: where the system cannot watch, that
 * is logged, and the source's schedule finds the changes, as it does those that a network file system does not report.
 */
export function watchFiles(files: readonly FileToWatch[], options: WatchOptions): FileWatch {
  const paths = Map.groupBy(files, ({ path }) => path)
  const watched = [...paths].map(([path, some]) => {
    return new WatchedFile(path, Math.max(...some.map(({ settle }) => settle)), options)
  })
  return {
    ready: Promise.all(watched.map((file) => file.start())).then(() => undefined),
    async [Symbol.asyncDispose]() {
      await Promise.all(watched.map((file) => file.close()))
    },
  }
}

/**
 * What the system said last about one of the names that matter. `rename`: the name came, went or means another file.
 * `change`: its file was written to.
 */
type Sign = 'rename' | 'change'

/** File systems count modification times in ticks: within one, a file may change and look the same. */
const tick = 100

interface WatchedFolder {
  readonly watcher: FSWatcher
  readonly ready: Promise<void>
  /** Another folder under the same name needs another watcher. */
  readonly identity: string
}

/** One path: looked at whenever something happens near it, one look after the other. */
class WatchedFile {
  readonly #path: string
  readonly #settle: number
  readonly #options: WatchOptions
  readonly #folders = new Map<string, WatchedFolder>()
  #trail: Trail = { names: new Map(), folders: new Map(), isWhole: true }
  /** The state that was told last, and when. */
  #told: { readonly mark: FileMark; readonly at: number } | null = null
  #sign: Sign | null = null
  /** When it was last written to, as far as the system says (monotonic). */
  #writtenAt = Number.NEGATIVE_INFINITY
  /** Was it written to since it was told? */
  #isTouched = false
  #noticedAt: Instant | null = null
  /** Counts what was heard: what is heard during a look is not done with by it. */
  #heard = 0
  #again = false
  #looking: Promise<void> | null = null
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(path: string, settle: number, options: WatchOptions) {
    this.#path = path
    this.#settle = settle
    this.#options = options
  }

  async start(): Promise<void> {
    const mark = await markAt(this.#path)
    this.#told = mark === null ? null : { mark, at: Date.now() }
    await this.#follow()
    await Promise.all([...this.#folders.values()].map(({ ready }) => ready))
    this.#look()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#looking
    await Promise.all([...this.#folders.values()].map(({ watcher }) => watcher.close()))
  }

  #saw(sign: Sign): void {
    this.#heard++
    this.#sign = sign
    if (sign === 'change') {
      this.#isTouched = true
      this.#writtenAt = performance.now()
    }
  }

  #look(): void {
    if (this.#closed) return
    this.#noticedAt ??= (this.#options.clock ?? Date.now)()
    this.#again = true
    this.#looking ??= this.#run().finally(() => {
      this.#looking = null
    })
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      try {
        await this.#lookOnce()
      } catch (error) {
        this.#options.logger.error('a changed feed could not be handled', { path: this.#path, ...summarise(error) })
      }
    }
  }

  async #lookOnce(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#follow()
    const heard = this.#heard
    const mark = await markAt(this.#path)
    // What the system said about writes before the file was looked at is heard after two turns of the event loop at the latest.
    await turn()
    await turn()
    if (mark === null) this.#told = null
    if (mark === null || this.#isTold(mark)) {
      this.#forget(heard)
      return
    }
    // A file that is created in place comes empty, and is written to afterwards.
    const isWhole = this.#sign === 'rename' && mark.size > 0n
    const left = isWhole ? 0 : this.#settle - this.#quietFor(mark)
    if (left <= 0) await this.#tell(mark, isWhole ? 'renamed' : 'written', heard)
    else this.#timer = setTimeout(() => this.#look(), Math.ceil(left))
  }

  #isTold(mark: FileMark): boolean {
    if (this.#told === null || difference(this.#told.mark, mark) !== null) return false
    const isSure = this.#told.at - timeOf(mark) > tick
    return isSure || !this.#isTouched
  }

  #quietFor(mark: FileMark): number {
    const byEvents = performance.now() - this.#writtenAt
    const byTime = Date.now() - timeOf(mark)
    // A time that is still to come is another machine's: only events count.
    return byTime < 0 ? byEvents : Math.min(byEvents, byTime)
  }

  async #tell(mark: FileMark, how: Arrival, heard: number): Promise<void> {
    const noticedAt = this.#noticedAt ?? (this.#options.clock ?? Date.now)()
    this.#told = { mark, at: Date.now() }
    this.#forget(heard)
    await this.#options.onChange(this.#path, how, noticedAt)
  }

  #forget(heard: number): void {
    if (this.#heard !== heard) return
    this.#noticedAt = null
    this.#sign = null
    this.#isTouched = false
  }

  /** Watches the folders that matter now. */
  async #follow(): Promise<void> {
    const trail = await trailOf(this.#path)
    const before = this.#trail
    this.#trail = trail
    if (this.#closed) return
    for (const [folder, { watcher, identity }] of this.#folders) {
      if (trail.folders.get(folder) === identity) continue
      void watcher.close()
      this.#folders.delete(folder)
    }
    const fresh = [...trail.folders].filter(([folder]) => !this.#folders.has(folder))
    for (const [folder, identity] of fresh) this.#watch(folder, identity)
    // Nobody saw what was written in a folder that was not there yet.
    if (fresh.length > 0 && !before.isWhole) this.#saw('change')
  }

  #watch(folder: string, identity: string): void {
    const watcher = watch(folder, {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      // Both would hold back what is told: what they are for is decided here.
      atomic: false,
      awaitWriteFinish: false,
      // A folder with thousands of files costs nothing more.
      ignored: (path) => path !== folder && this.#trail.names.get(folder)?.has(basename(path)) !== true,
    })
    watcher.on('raw', (event, name) => this.#hear(folder, event, typeof name === 'string' ? name : null))
    watcher.on('all', () => this.#look())
    watcher.on('error', (error) => {
      const fields = { folder, ...summarise(error) }
      this.#options.logger.warn('a folder cannot be watched; its feeds are read by schedule only', fields)
    })
    const ready = new Promise<void>((resolve) => {
      watcher.once('ready', resolve)
      watcher.once('error', () => resolve())
    })
    void ready.then(() => this.#look())
    this.#folders.set(folder, { watcher, ready, identity })
  }

  #hear(folder: string, event: string, name: string | null): void {
    const matters = name === null || this.#trail.names.get(folder)?.has(name) === true
    if (matters && (event === 'rename' || event === 'change')) this.#saw(event)
    // What happens to the folder itself bears its own name.
    if (matters || name === basename(folder)) this.#look()
  }
}

function timeOf({ mtimeNs }: FileMark): number {
  return Number(mtimeNs / 1_000_000n)
}
