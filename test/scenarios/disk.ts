// A file system of its own for the state of a company, so small that it can be filled. Needs Linux and root.
import { execFile } from 'node:child_process'
import { mkdir, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const size = '8m'
const page = 4_096

export class SmallDisk implements AsyncDisposable {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Mounts it at this folder, which is made where it is missing. */
  static async at(folder: string): Promise<SmallDisk> {
    await mkdir(folder, { recursive: true })
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder])
    return new SmallDisk(folder)
  }

  /** Takes the last page that is free. */
  async fill(): Promise<void> {
    const file = await open(join(this.folder, 'big'), 'a')
    try {
      for (;;) await file.write(Buffer.alloc(page, 1))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    } finally {
      await file.close()
    }
  }

  async free(): Promise<void> {
    await rm(join(this.folder, 'big'))
  }

  async remount(mode: 'ro' | 'rw'): Promise<void> {
    await run('mount', ['-o', `remount,${mode}`, this.folder])
  }

  /** Free space, bytes. */
  async left(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder)
    return bavail * bsize
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Lazily: a process that is being killed may have a file open still.
    await run('umount', ['--lazy', this.folder])
  }
}
