import { constants } from 'node:fs'
import { chmod, type FileHandle, open, rm, stat } from 'node:fs/promises'

/**
 * A file of lines whose space is taken in advance, so that a disk that is full later does not matter: lines overwrite zeros.
 * (A file system that copies on write, such as Btrfs or ZFS, needs free space for that all the same.)
 */
export interface SpoolFile {
  /** Durable when it resolves. Throws what the file system says. */
  append(text: string): Promise<void>
  /** Forgets all lines; the space stays taken. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** Enough for some hundred leavers. */
const reserved = 1024 * 1024

/** Opens or makes the file, readable by this user only; lines that are there already stay. */
export async function openSpoolFile(path: string): Promise<SpoolFile> {
  const isNew = (await stat(path).catch(() => null)) === null
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    await chmod(path, 0o600)
    const found = await handle.readFile()
    let end = textOf(found).length
    // Zeros that are written take space; a file that is only made longer has holes.
    if (found.length < reserved) await writeAll(handle, Buffer.alloc(reserved - found.length), found.length)
    await handle.datasync()
    return {
      async append(text) {
        const bytes = Buffer.from(text)
        await writeAll(handle, bytes, end)
        await handle.datasync()
        end += bytes.length
      },
      async reset() {
        await writeAll(handle, Buffer.alloc(end), 0)
        await handle.datasync()
        end = 0
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    // What little was left of a full disk others can use.
    if (isNew) await removeSpoolFile(path)
    throw error
  }
}

/** The whole lines of such a file; a line that was not written to its end is not among them. */
export async function readSpoolFile(path: string): Promise<readonly string[]> {
  const handle = await open(path, 'r')
  try {
    return textOf(await handle.readFile())
      .toString()
      .split('\n')
      .filter((line) => line !== '')
  } finally {
    await handle.close()
  }
}

export async function removeSpoolFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

/** Up to the last line ending before the zeros. */
function textOf(bytes: Buffer): Buffer {
  const zero = bytes.indexOf(0)
  const written = zero < 0 ? bytes : bytes.subarray(0, zero)
  return written.subarray(0, written.lastIndexOf('\n') + 1)
}

async function writeAll(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}
