import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyturnError } from '../model/errors.ts'
import type { Instant } from '../model/instant.ts'
import type { Arrival } from '../model/ports.ts'

/** What tells one file, and one state of it, from another. */
export interface FileMark {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** How a feed is opened. */
export interface Opening {
  /** How long a file that may have been written in place must be quiet, ms. */
  readonly settle: number
  /** How it came to be as it is, where somebody saw it. */
  readonly arrival?: Arrival
  /** What was read before. */
  readonly before?: FileMark | null
  /** Bytes of one chunk. */
  readonly chunkSize?: number
}

/** An open feed file that can tell whether it stayed the same. */
export interface FeedFile extends AsyncDisposable {
  readonly modifiedAt: Instant
  readonly mark: FileMark
  chunks(): AsyncIterable<Uint8Array>
  /** SHA-256 of all chunks in hexadecimal digits; once, after the last of them. */
  digest(): string
  /** What became different since it was opened, or null. Waits until a file that may still be written to was quiet. */
  changed(): Promise<string | null>
}

/** Opens a feed for reading. Throws KeyturnError `source-unreadable` where there is no readable file. */
export async function openFeedFile(path: string, signal: AbortSignal, opening: Opening): Promise<FeedFile> {
  if (signal.aborted) throw stopped(path)
  const handle = await openRegular(path)
  const status = await handle.stat({ bigint: true })
  const mark = markOf(status)
  const sha256 = createHash('sha256')
  const highWaterMark = opening.chunkSize ?? 64 * 1024
  let bytes = 0n
  return {
    modifiedAt: Number(status.mtimeMs),
    mark,
    async *chunks() {
      for await (const chunk of handle.createReadStream({ highWaterMark, autoClose: false })) {
        if (signal.aborted) throw stopped(path)
        const piece = chunk as Buffer
        bytes += BigInt(piece.length)
        sha256.update(piece)
        yield piece
      }
    },
    digest: () => sha256.digest('hex'),
    changed: async () => {
      if (bytes !== mark.size) return `it had ${mark.size} bytes and gave ${bytes}`
      await quiet(mark, opening, signal)
      return difference(mark, markOf(await stat(path, { bigint: true })))
    },
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

/** The state of the file under a path now, or null where there is none that can be asked. */
export async function markAt(path: string): Promise<FileMark | null> {
  const status = await stat(path, { bigint: true }).catch(() => null)
  return status === null ? null : markOf(status)
}

function isSameFile(a: FileMark, b: FileMark): boolean {
  return a.dev === b.dev && a.ino === b.ino
}

/** Is nothing about it different, so that its bytes must be the same? */
export function isSameState(a: FileMark, b: FileMark): boolean {
  return isSameFile(a, b) && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

function markOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): FileMark {
  return { dev, ino, size, mtimeNs, ctimeNs }
}

async function openRegular(path: string): Promise<FileHandle> {
  try {
    // Asked before opening: opening a named pipe would wait for a writer for ever.
    const status = await stat(path)
    if (!status.isFile()) throw unreadable(path, status.isDirectory() ? 'is a folder' : 'is not a regular file')
    return await open(path, 'r')
  } catch (error) {
    if (error instanceof KeyturnError) throw error
    throw unreadable(path, reasons[codeOf(error)] ?? `cannot be opened (${codeOf(error)})`, error)
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of the path is no folder',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

function unreadable(path: string, what: string, cause?: unknown): KeyturnError {
  return new KeyturnError('source-unreadable', `${path} ${what}`, {
    cause,
    hint: 'Nothing was changed. Check the path of the source, its rights, and whether the export has run.',
  })
}

function stopped(path: string): KeyturnError {
  return new KeyturnError('source-incomplete', `${path} was not read to its end: Keyturn was asked to stop`, {
    hint: 'Nothing was changed. Run it again.',
  })
}

/**
 * A file that was renamed into place is whole at once: whoever writes under another name renames when it is done. Any other
 * may be in the middle of being written, until nobody has written to it for `settle`.
 *
 * Another inode alone does not prove a rename: `rm feed.csv; export > feed.csv` makes one, too, and is still being written.
 * But a rename touches the change time and not the modification time, and a write touches both, so a new inode whose
 * change time is the later one was renamed (or had its rights set) after its last write. Both come from the same coarse
 * clock: after a write and a rename within the same few milliseconds they are equal, and only a caller who saw the rename
 * can save the wait.
 *
 * What can still go wrong: somebody renames a file that they go on writing to. Then its modification time changes later,
 * which is another event and another read. Meanwhile the contract, the final line ending and the comparison of the
 * file before and after the reading protect, as they do against any cut file.
 */
async function quiet(mark: FileMark, { settle, arrival, before }: Opening, signal: AbortSignal): Promise<void> {
  if (arrival === 'renamed') return
  if (before !== undefined && before !== null && wasRenamed(before, mark)) return
  const age = Date.now() - Number(mark.mtimeNs / 1_000_000n)
  if (age < settle) await sleep(Math.min(settle, settle - age), undefined, { signal })
}

function wasRenamed(before: FileMark, mark: FileMark): boolean {
  return !isSameFile(before, mark) && mark.ctimeNs > mark.mtimeNs
}

/** What is different between two states, apart from names and rights; null: nothing is. */
export function difference(before: FileMark, now: FileMark): string | null {
  if (!isSameFile(before, now)) return 'another file took its place'
  if (now.size !== before.size) return `it grew from ${before.size} to ${now.size} bytes`
  return now.mtimeNs === before.mtimeNs ? null : 'it was written to'
}
