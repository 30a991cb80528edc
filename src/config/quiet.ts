import { stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { configFiles, loadConfig } from './load.ts'
import type { Loaded } from './load.ts'

/**
 * `loadConfig` for files that may just be written: it is believed when nothing has changed around it for `quiet`
 * milliseconds. The first half of a role file is legal YAML as often as not, some editors remove a file before they write
 * it anew, and a checkout writes one file after the other. Waits as long as that takes; throws the reason of `signal`.
 */
export async function loadWhenQuiet(file: string, quiet: number, signal: AbortSignal): Promise<Loaded> {
  let last = ''
  for (;;) {
    const before = await fingerprint(file)
    if (before === last) {
      const loaded = await loadConfig(file)
      if ((await fingerprint(file)) === before) return loaded
    }
    last = before
    await pause(quiet, signal)
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(milliseconds, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

/** Which files these are and when each was last touched: ctime, because an editor or a copy may set mtime. */
async function fingerprint(file: string): Promise<string> {
  const files = await configFiles(file)
  const states = await Promise.all(
    files.map((one) =>
      stat(one, { bigint: true }).then(
        ({ ino, size, ctimeNs }) => `${one} ${ino} ${size} ${ctimeNs}`,
        () => `${one} none`,
      ),
    ),
  )
  return states.join('\n')
}
