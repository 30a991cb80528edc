// What a command leaves behind on this machine: files, processes, sockets.
import { readFile, readdir, readlink, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** Paths of all files below a folder, relative to it. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name))).toSorted()
}

/** Those files that hold a text in UTF-8 or UTF-16. */
export async function filesWith(folder: string, text: string): Promise<string[]> {
  const needles = [Buffer.from(text), Buffer.from(text, 'utf16le')]
  const found: string[] = []
  for (const file of await filesBelow(folder)) {
    const content = await readFile(join(folder, file))
    if (needles.some((needle) => content.includes(needle))) found.push(file)
  }
  return found
}

export async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

/** Sockets below a folder: where its private Redis listens. */
export async function socketsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isSocket()).map((entry) => join(entry.parentPath, entry.name))
}

interface Process {
  readonly id: number
  readonly arguments: string
  readonly folder: string
}

export async function processes(): Promise<Process[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return Promise.all(
    ids.map(async (id) => ({
      id: Number(id),
      arguments: await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => ''),
      folder: await readlink(`/proc/${id}/cwd`).catch(() => ''),
    })),
  )
}

/** Process ids of the private Redis servers whose arguments or working folder lie below this folder. */
export async function redisServersBelow(folder: string): Promise<number[]> {
  const servers = (await processes()).filter((one) => one.arguments.includes('redis-server'))
  return servers.filter((one) => one.arguments.includes(folder) || one.folder.startsWith(folder)).map((one) => one.id)
}
