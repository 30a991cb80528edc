import { lstat, readlink, stat } from 'node:fs/promises'
import { isAbsolute, join, parse, sep } from 'node:path'

/** More symbolic links than this on one path are a circle, as the kernel has it. */
const mostLinks = 40

/** Which names in which folders decide what file a path means. */
export interface Trail {
  /** Real folders, each with the names in it that matter: links on the way, and at last the file. */
  readonly names: ReadonlyMap<string, ReadonlySet<string>>
  /** The same folders, each with what tells it from another of the same name. */
  readonly folders: ReadonlyMap<string, string>
  /** Does every folder on the way exist? (The file itself may not.) */
  readonly isWhole: boolean
}

/**
 * Follows a path from the root through all symbolic links. Where a part does not exist (yet), the trail ends with its name
 * in the folder that should hold it.
 */
export async function trailOf(path: string): Promise<Trail> {
  const { names, isWhole } = await followed(path)
  const folders = new Map<string, string>()
  for (const folder of names.keys()) {
    const status = await stat(folder, { bigint: true }).catch(() => null)
    // A number of an inode is given out again: the time of birth is not.
    if (status !== null) folders.set(folder, `${status.dev}:${status.ino}:${status.birthtimeNs}`)
  }
  return { names, folders, isWhole }
}

async function followed(path: string): Promise<Pick<Trail, 'names' | 'isWhole'>> {
  const names = new Map<string, Set<string>>()
  let folder = parse(path).root
  let links = 0
  const ahead = partsOf(path)
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    const isLast = ahead.length === 0
    const there = join(folder, name)
    const status = await lstat(there).catch(() => null)
    const isLink = status?.isSymbolicLink() === true
    if (isLast || isLink || status === null) add(names, folder, name)
    if (status === null) return { names, isWhole: isLast }
    if (isLink && ++links > mostLinks) return { names, isWhole: false }
    const target = isLink ? await readlink(there).catch(() => null) : null
    if (target === null) {
      folder = there
      continue
    }
    const base = isAbsolute(target) ? target : join(folder, target)
    ahead.unshift(...partsOf(base))
    folder = parse(base).root
  }
  return { names, isWhole: true }
}

function partsOf(path: string): string[] {
  return path
    .slice(parse(path).root.length)
    .split(sep)
    .filter((part) => part !== '')
}

function add(names: Map<string, Set<string>>, folder: string, name: string): void {
  const there = names.get(folder)
  if (there === undefined) names.set(folder, new Set([name]))
  else there.add(name)
}
