// The ledger's file: made whole or not at all, readable by its owner only, and looked at before SQLite opens it, because SQLite
// takes an empty or very short file for a new database.
import { chmodSync, closeSync, linkSync, mkdirSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { KeyturnError } from '../model/errors.ts'

const headerSize = 100

/**
 * Is there a ledger? Refuses what cannot be one.
 * Throws KeyturnError `ledger-unavailable` for a file that is empty, cut, or no SQLite database.
 */
export function ledgerExists(path: string): boolean {
  const size = sizeOf(path)
  const journal = sizeOf(`${path}-wal`) ?? 0
  if (size === null) {
    if (journal === 0) return false
    throw damaged(path, `is missing, but ${path}-wal is still there`)
  }
  if (size < headerSize) throw damaged(path, size === 0 ? 'is empty' : `has only ${size} bytes`)
  // https://www.sqlite.org/fileformat.html, section 1.3. A crash in the middle of a checkpoint may leave a short file, but
  // never without its write-ahead log.
  const header = readHeader(path)
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0') throw damaged(path, 'is not an SQLite database')
  const stated = header.readUInt16BE(16)
  const whole = (stated === 1 ? 65_536 : stated) * header.readUInt32BE(28)
  if (size < whole && journal === 0) throw damaged(path, `was cut: it has ${size} of ${whole} bytes`)
  return true
}

/** Makes the folder (0700) and, through `fill`, a complete ledger (0600) that appears under its name in one step. */
export async function createLedger(path: string, fill: (path: string) => Promise<void>): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}-${Math.random().toString(36).slice(2)}`)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(draft, 'wx', 0o600))
    await fill(draft)
    linkSync(draft, path)
  } catch (error) {
    // Another process was faster: its ledger is as good.
    if (codeOf(error) !== 'EEXIST') throw unavailable(path, error)
  } finally {
    for (const ending of ['', '-wal', '-shm', '-journal']) rmSync(draft + ending, { force: true })
  }
}

/** Takes away what group and others may do with the ledger; SQLite makes its own files beside it with the same mode. */
export function closeToOthers(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
    } catch (error) {
      // Beside the ledger there may be nothing; a file of another owner is for that owner to close.
      if (!['ENOENT', 'EPERM'].includes(codeOf(error))) throw unavailable(path, error)
    }
  }
}

function sizeOf(path: string): number | null {
  try {
    const found = statSync(path)
    if (found.isFile()) return found.size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw unavailable(path, error)
  }
  throw damaged(path, 'is not a file')
}

function readHeader(path: string): Buffer {
  try {
    const file = openSync(path, 'r')
    const header = Buffer.alloc(headerSize)
    readSync(file, header, 0, headerSize, 0)
    closeSync(file)
    return header
  } catch (error) {
    throw unavailable(path, error)
  }
}

function damaged(path: string, what: string): KeyturnError {
  return new KeyturnError('ledger-unavailable', `The ledger ${path} ${what}.`, {
    hint: 'Restore it from a backup. To begin with an empty ledger, move the file and its -wal and -shm away.',
  })
}

function unavailable(path: string, error: unknown): KeyturnError {
  if (error instanceof KeyturnError) return error
  const what = error instanceof Error ? error.message : String(error)
  return new KeyturnError('ledger-unavailable', `The ledger ${path} cannot be opened: ${what}.`, {
    cause: error,
    hint: 'Check that the folder exists and that this user may read and write it.',
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
