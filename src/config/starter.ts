import { readdirSync, readFileSync } from 'node:fs'

/** One file of the starter configuration; the path is relative to the folder that holds keyturn.yaml. */
export interface StarterFile {
  readonly path: string
  readonly text: string
}

const folder = new URL('../../config/', import.meta.url)

/** What `keyturn init` writes: the commented example configuration, and the schemas by which editors complete it. */
export function starterFiles(): readonly StarterFile[] {
  return ['', 'roles/', 'schema/'].flatMap((under) =>
    readdirSync(new URL(under, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(?:yaml|json)$/.test(entry.name))
      .map((entry) => `${under}${entry.name}`)
      .map((path) => ({ path, text: readFileSync(new URL(path, folder), 'utf8') })),
  )
}
