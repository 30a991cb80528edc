import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyturnError } from '../model/errors.ts'
import type { Instant } from '../model/instant.ts'

const chunkSize = 64 * 1024

/**
 * A file that was written to less than this many milliseconds ago may still be written to: it is looked at once more
 * when they have passed. Costs that much once after each change of the feed.
 */
const quiet = 500

/** An open feed file that can tell whether it stayed the same. */
export interface FeedFile extends AsyncDisposable {
  readonly modifiedAt: Instant
  chunks(): AsyncIterable<Uint8Array>
  /** What became different since it was opened, or null. */
  changed(): Promise<string | null>
}

/** Opens a feed for reading. Throws KeyturnError `source-unreadable` where there is no readable file. */
export async function openFeedFile(path: string, signal: AbortSignal): Promise<FeedFile> {
  if (signal.aborted) throw stopped(path)
  const handle = await openRegular(path)
  const before = await handle.stat({ bigint: true })
  let bytes = 0n
  return {
    modifiedAt: Number(before.mtimeMs),
    async *chunks() {
      for await (const chunk of handle.createReadStream({ highWaterMark: chunkSize, autoClose: false })) {
        if (signal.aborted) throw stopped(path)
        const piece = chunk as Buffer
        bytes += BigInt(piece.length)
        yield piece
      }
    },
    changed: () => difference(path, before, bytes, signal),
    [Symbol.asyncDispose]: () => handle.close(),
  }
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

async function difference(
  path: string,
  before: BigIntStats,
  bytes: bigint,
  signal: AbortSignal,
): Promise<string | null> {
  if (bytes !== before.size) return `it had ${before.size} bytes and gave ${bytes}`
  const age = Date.now() - Number(before.mtimeMs)
  if (age < quiet) await sleep(Math.min(quiet, quiet - age), undefined, { signal })
  const now = await stat(path, { bigint: true })
  if (now.ino !== before.ino || now.dev !== before.dev) return 'another file took its place'
  if (now.size !== before.size) return `it grew from ${before.size} to ${now.size} bytes`
  return now.mtimeNs === before.mtimeNs ? null : 'it was written to'
}
