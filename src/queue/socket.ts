import { chmod, link, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { KeyturnError } from '../model/errors.ts'

/** sun_path has 108 bytes on Linux and 104 on macOS, with the closing zero (unix(7)). */
const longest = 100

/**
 * Where the embedded Redis listens: in the state folder, or where that path is too long for a socket, in a private folder
 * of the temporary directory, which is remembered in the state folder so that all processes find it.
 */
export async function socketPath(folder: string): Promise<string> {
  const near = join(folder, 'redis.sock')
  if (Buffer.byteLength(near) <= longest) return near
  const note = join(folder, 'redis.socket')
  const noted = await readFile(note, 'utf8').catch(() => '')
  if (noted !== '') return noted
  const path = join(await mkdtemp(join(tmpdir(), 'keyturn-')), 'redis.sock')
  const draft = `${note}.${process.pid}`
  await writeFile(draft, path, { mode: 0o600 })
  try {
    // Whole, and only where there is none: the first one wins, also for those who came at the same time.
    await link(draft, note)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(draft, { force: true })
  }
  return await readFile(note, 'utf8')
}

/** Makes sure that nobody else can put a socket in our place: the folder is ours alone. */
export async function secureFolder(path: string): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { uid, mode } = await stat(folder)
  if (process.getuid !== undefined && uid !== process.getuid()) {
    throw new KeyturnError('redis-unavailable', `the folder ${folder} of the embedded Redis belongs to another user`, {
      hint: 'Run Keyturn as one user, or give every user a state folder of their own.',
    })
  }
  // On a file system that became read-only nothing can be changed, and mostly nothing has to be.
  if ((mode & 0o777) !== 0o700) await chmod(folder, 0o700)
}
