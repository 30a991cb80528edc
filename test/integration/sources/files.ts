// Feeds in a temporary folder of their own.
import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SourceSettings } from '../../../src/model/settings.ts'

export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'keyturn-sources-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Writes under another name and renames, as a good export does. */
export async function replace(path: string, content: string | Buffer): Promise<void> {
  await writeFile(`${path}.new`, content)
  await rename(`${path}.new`, path)
}

/** Writes a feed that has been quiet for a minute, as an export of last night has. */
export async function writeQuiet(path: string, content: string | Buffer): Promise<void> {
  await writeFile(path, content)
  const minuteAgo = new Date(Date.now() - 60_000)
  await utimes(path, minuteAgo, minuteAgo)
}

export function settingsOf(path: string, some: Partial<SourceSettings> = {}): SourceSettings {
  return {
    id: 'hr',
    kind: 'csv',
    path,
    key: 'Id',
    content: 'full',
    csv: { finalNewline: 'required' },
    settle: 400,
    ...some,
  } as SourceSettings
}
