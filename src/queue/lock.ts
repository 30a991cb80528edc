import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** A lock of the operating system on a file: it is gone when it is let go, or when its process dies in whatever way. */
export interface FileLock extends Disposable {
  release(): void
}

/**
 * Takes the lock or returns null where another process (or another part of this one) has it. SQLite's exclusive lock is such
 * a lock without native code: POSIX advisory locks, which the kernel drops with the process (sqlite.org/lockingv3.html).
 */
export function tryLock(path: string): FileLock | null {
  closeToOthers(path)
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (isBusy(error)) return null
    throw error
  }
  const release = () => {
    if (database.isOpen) database.close()
  }
  return { release, [Symbol.dispose]: release }
}

/**
 * SQLite makes its journal with the mode of the file. A file that is there is not opened for that: to close it again would drop
 * a lock that this process has on it.
 */
function closeToOthers(path: string): void {
  try {
    if (existsSync(path)) chmodSync(path, 0o600)
    else writeFileSync(path, '', { flag: 'wx', mode: 0o600 })
  } catch {
    // Another process has just made it, or owns it; one that cannot be made is told by SQLite.
  }
}

/** SQLITE_BUSY is 5, whatever its extension (sqlite.org/rescode.html). */
function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5
  )
}
