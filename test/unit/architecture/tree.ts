import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SourceFile } from './source.ts'

const root = join(import.meta.dirname, '../../..')

/** Every TypeScript file of src: the one place where a unit test reads files. */
export function sourceTree(): SourceFile[] {
  if (!existsSync(join(root, 'src'))) return []
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[mc]?[jt]sx?$/.test(name))
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}
