import { randomBytes } from 'node:crypto'
import { readdir, rename, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { summarise } from '../model/errors.ts'
import { type Clock, HOUR } from '../model/instant.ts'
import type { AuditRecord, Link } from '../model/ledger.ts'
import type { Logger } from '../model/ports.ts'
import type { NewOverride, Spooled, SpooledLeaver, Trouble } from '../model/running.ts'
import { openSpoolFile, readSpoolFile, removeSpoolFile, type SpoolFile } from './spool-file.ts'

type Shut = Pick<Link, 'identity' | 'platform' | 'nativeId'>
export type Entry =
  | { readonly audit: AuditRecord }
  | { readonly shut: Shut }
  | { readonly left: SpooledLeaver }
  | { readonly override: NewOverride }
  /** This process could not write the ledger: for `status`, which cannot learn it from there. */
  | { readonly trouble: Trouble }

/** What revocations did while the ledger could not be written, on disk beside it. */
export interface Spool extends AsyncDisposable {
  /** Durable when it resolves. Never throws: what the disk does not take stays in memory, loudly. */
  note(entries: readonly Entry[]): Promise<void>
  /** Entries that no file holds: they end with this process. */
  readonly unkept: number
  /** Has a process of this folder ended and left something? */
  isLeft(): Promise<boolean>
  /** Takes the space for the next process that finds the disk full. Never throws. */
  keepSpare(): Promise<void>
  /** Everything noted by this process, and by processes of this folder that ended; null where there is nothing. */
  drain(): Promise<Spooled | null>
  /**
   * The ledger has taken what was drained last. A crash before that only gives doubled audit records, told apart by nothing.
   * False where more was noted since: then all of it stays, for the next drain.
   */
  clear(): Promise<boolean>
}

const ending = '.spool'
const spareOf = (folder: string) => join(folder, `${hostname()}.spare`)

/** In the place of a process id: whoever looks may take it. */
const nobody = 0

/** One process may have two at a time: while another configuration takes over from the one before. */
function nameOf(pid: number): string {
  return `${hostname()}.${pid}-${randomBytes(4).toString('hex')}${ending}`
}

/**
 * Opens this process's spool in the state folder and takes its space; on a full disk the space that a process which ended has
 * left, or the spare. Never throws: without a file it is kept in memory, and the log says so.
 */
export async function openSpool(folder: string, clock: Clock, logger: Logger): Promise<Spool> {
  const own = nameOf(process.pid)
  const file = await openSpoolFile(join(folder, own)).catch(async (error: unknown) => {
    const taken = await openTaken(folder, own, clock)
    if (taken !== null) return taken
    logger.error('the spool beside the ledger cannot be opened: it is kept in memory', { folder, ...summarise(error) })
    return null
  })
  return new FolderSpool(folder, own, file, clock, logger)
}

/** Has a process left its spool in this folder when it ended? */
export async function isSpoolLeft(folder: string, clock: Clock, own = ''): Promise<boolean> {
  return (await abandoned(folder, own, clock)).length > 0
}

/** Space that is taken already, with the lines that are in it; renaming gives it to one process only. */
async function openTaken(folder: string, own: string, clock: Clock): Promise<SpoolFile | null> {
  const left = (await abandoned(folder, own, clock)).map((name) => join(folder, name))
  for (const path of [...left, spareOf(folder)]) {
    try {
      await rename(path, join(folder, own))
      return await openSpoolFile(join(folder, own))
    } catch {
      // Another process was faster, or its space is not whole.
    }
  }
  return null
}

class FolderSpool implements Spool {
  /** What the file does not hold. */
  private memory: Entry[] = []
  private noted = 0
  private drained: { readonly count: number; readonly others: readonly string[] } | null = null
  private busy: Promise<unknown> = Promise.resolve()
  private readonly folder: string
  private readonly own: string
  private readonly file: SpoolFile | null
  private readonly clock: Clock
  private readonly logger: Logger

  constructor(folder: string, own: string, file: SpoolFile | null, clock: Clock, logger: Logger) {
    this.folder = folder
    this.own = own
    this.file = file
    this.clock = clock
    this.logger = logger
  }

  get unkept(): number {
    return this.memory.length
  }

  isLeft(): Promise<boolean> {
    return isSpoolLeft(this.folder, this.clock, this.own)
  }

  async keepSpare(): Promise<void> {
    const spare = spareOf(this.folder)
    if ((await stat(spare).catch(() => null)) !== null) return
    const file = await openSpoolFile(spare).catch(() => null)
    await file?.close()
  }

  note(entries: readonly Entry[]): Promise<void> {
    return this.next(async () => {
      this.noted += entries.length
      try {
        if (this.file === null) throw new Error('there is no file')
        await this.file.append(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
      } catch (error) {
        this.memory.push(...entries)
        this.logger.error('the spool cannot be written: until the ledger can be, this is kept in memory only', {
          folder: this.folder,
          records: this.memory.length,
          ...summarise(error),
        })
      }
    })
  }

  drain(): Promise<Spooled | null> {
    return this.next(async () => {
      const left = await abandoned(this.folder, this.own, this.clock)
      const own = this.file === null ? [] : ((await this.read(this.own)) ?? [])
      const read = await Promise.all(left.map(async (name) => ({ name, entries: await this.read(name) })))
      // One that this user cannot read stays where it is.
      const others = read.flatMap(({ name, entries }) => (entries === null ? [] : [{ name, entries }]))
      this.drained = { count: this.noted, others: others.map(({ name }) => name) }
      const all = [...own, ...others.flatMap(({ entries }) => entries), ...this.memory]
      const entries = all.filter((one) => !('trouble' in one))
      if (entries.length === 0) return null
      const shut = new Map(entries.flatMap((one) => ('shut' in one ? [[JSON.stringify(one.shut), one.shut]] : [])))
      const leavers = entries.flatMap((one) => ('left' in one ? [one.left] : []))
      const overrides = entries.flatMap((one) => ('override' in one ? [one.override] : []))
      return {
        audit: entries.flatMap((one) => ('audit' in one ? [one.audit] : [])),
        shut: [...shut.values()],
        ...(leavers.length > 0 ? { left: leavers } : {}),
        ...(overrides.length > 0 ? { overrides } : {}),
      }
    })
  }

  clear(): Promise<boolean> {
    return this.next(async () => {
      if (this.drained === null) return true
      const { count, others } = this.drained
      this.drained = null
      for (const name of others) await removeSpoolFile(join(this.folder, name))
      // What was noted since then is drained once more, with the rest: doubled records are better than lost ones.
      if (count !== this.noted) return false
      this.memory = []
      await this.file?.reset()
      return true
    })
  }

  /** One after the other. */
  private next<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.busy.then(act)
    this.busy = turn.catch(() => undefined)
    return turn
  }

  /** Null where it cannot be read. */
  private async read(name: string): Promise<readonly Entry[] | null> {
    try {
      return (await readSpoolFile(join(this.folder, name))).flatMap((line) => this.parse(name, line))
    } catch (error) {
      this.logger.error('a spool cannot be read', { file: name, ...summarise(error) })
      return null
    }
  }

  private parse(name: string, line: string): readonly Entry[] {
    try {
      return [JSON.parse(line) as Entry]
    } catch {
      this.logger.error('a line of a spool is damaged and left out', { file: name })
      return []
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.busy
    await this.file?.close()
    const left = this.file === null ? [] : await this.read(this.own)
    const path = join(this.folder, this.own)
    if (left?.length === 0) await removeSpoolFile(path)
    // Nobody's any more, though this process may live on with another one.
    else await rename(path, join(this.folder, nameOf(nobody))).catch(() => undefined)
  }
}

/** Of processes of this machine that ended, and of machines that have written nothing for an hour. */
async function abandoned(folder: string, own: string, clock: Clock): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => [])
  const some = await Promise.all(
    names
      .filter((name) => isSpool(name) && name !== own)
      .map(async (name) => ((await isAbandoned(folder, name, clock)) ? [name] : [])),
  )
  return some.flat()
}

export function isSpool(name: string): boolean {
  return name.endsWith(ending)
}

/** Its process has ended, as far as can be told. */
export async function isAbandoned(folder: string, name: string, clock: Clock): Promise<boolean> {
  const [, host, pid] = /^(.*)\.(\d+)(?:-[0-9a-f]+)?\.spool$/.exec(name) ?? []
  if (host === hostname()) return Number(pid) === nobody || !isAlive(Number(pid))
  const written = await stat(join(folder, name)).catch(() => null)
  return written !== null && written.mtimeMs < clock() - HOUR
}

/** Is there a process of this id, whosever it is? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
