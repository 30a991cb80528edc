// The witness: a small file beside the ledger, or in the state folder where the ledger is on a server, that says which ledger it is and how far it had come. A backup of the ledger that is
// put back is behind it. It also says which file, so that the write-ahead log of one file is never replayed into another.
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { KeyturnError } from '../model/errors.ts'
import type { Standing } from './self.ts'

export interface Witness extends Standing {
  /** Device and inode of the ledger's file, and of its write-ahead log where there was one. */
  readonly file: string
  readonly log: string | null
}

/** `unclear`: something is there that is no witness; then the ledger counts as restored, which harms nothing for long. */
export type Testimony = Witness | 'none' | 'unclear'

const explanation =
  'Keyturn compares its ledger with this file to notice that a backup was put back. Leave it out of backups of the ledger.'

/** Where a ledger is, as far as it must be known to keep its witness. */
export interface Place {
  /** The ledger, as messages call it. */
  readonly name: string
  /** The witness's own path. */
  readonly witness: string
  /** A file or folder whose owner shall own the witness. */
  readonly owner: string
  /** Which file the ledger is in, and which its write-ahead log; null: it is not there. A server's ledger is always in the same. */
  readonly file: () => Promise<string | null>
  readonly log: () => Promise<string | null>
}

export function placeOfFile(path: string): Place {
  return {
    name: path,
    witness: `${path}.witness`,
    owner: path,
    file: () => fileAt(path),
    log: () => fileAt(`${path}-wal`),
  }
}

/** Each machine keeps a witness of its own: they all compare the same ledger with what they have seen of it. */
export function placeOnServer(name: string, folder: string): Place {
  return {
    name,
    witness: join(folder, 'ledger.witness'),
    owner: folder,
    file: async () => 'server',
    log: async () => null,
  }
}

/** Throws what the file system says, unless the file is not there. */
export async function readWitness({ witness }: Pick<Place, 'witness'>): Promise<Testimony> {
  let text: string
  try {
    text = await readFile(witness, 'utf8')
  } catch (error) {
    if (isMissing(error)) return 'none'
    throw error
  }
  return parse(text)
}

export function parse(text: string): Testimony {
  try {
    const { ledger, beat, file, log } = JSON.parse(text) as Record<string, unknown>
    const isWhole = typeof ledger === 'string' && Number.isSafeInteger(beat) && typeof file === 'string'
    if (!isWhole || !(typeof log === 'string' || log === null)) return 'unclear'
    return { ledger, beat: beat as number, file, log }
  } catch {
    return 'unclear'
  }
}

/** Whole or not at all, also after a power cut; readable by its owner only. */
export async function writeWitness({ witness: path, owner }: Place, witness: Witness): Promise<void> {
  const draft = `${path}.${process.pid}-${Math.random().toString(36).slice(2)}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify({ ...witness, explanation })}\n`)
      await handToOwner(file, owner)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
}

/** What root writes belongs to whom the ledger belongs to, as SQLite does it with its own files: else the daemon could not read it. */
async function handToOwner(file: FileHandle, owner: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(owner)
  await file.chown(uid, gid)
}

/** Is the ledger another one than the witness knew, or older? */
export function isBehind({ ledger, beat }: Standing, witness: Testimony): boolean {
  if (witness === 'none') return false
  return witness === 'unclear' || witness.ledger !== ledger || witness.beat > beat
}

/** Device and inode; null where there is no file. Never opens it: closing a file would end SQLite's locks on it. */
async function fileAt(path: string): Promise<string | null> {
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/**
 * Puts the write-ahead log of another file aside: whoever replaces the ledger while a process has it open, or after a crash,
 * leaves that log behind, and SQLite would replay it into the file that is there now and ruin it
 * (https://www.sqlite.org/howtocorrupt.html, section 1.4). Throws KeyturnError `ledger-unavailable`.
 */
export async function separateLog(path: string): Promise<void> {
  const witness = await readWitness(placeOfFile(path)).catch(() => 'none' as const)
  if (witness === 'none' || witness === 'unclear' || witness.log === null) return
  const [file, log] = await Promise.all([fileAt(path), fileAt(`${path}-wal`)])
  if (file === null || file === witness.file || log !== witness.log) return
  const aside = `${path}-wal.of-another-ledger-${new Date().toISOString().replaceAll(':', '')}`
  try {
    await rename(`${path}-wal`, aside)
    await rm(`${path}-shm`, { force: true })
  } catch (error) {
    if (isMissing(error)) return
    throw new KeyturnError('ledger-unavailable', `The ledger ${path} was replaced, and ${path}-wal is not its own.`, {
      cause: error,
      hint: `Move ${path}-wal and ${path}-shm away: replayed into this ledger they would ruin it.`,
    })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
