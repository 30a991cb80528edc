import { stat } from 'node:fs/promises'
import { summarise } from '../../model/errors.ts'
import { SECOND } from '../../model/instant.ts'
import type { Logger } from '../../model/ports.ts'
import { every } from '../every.ts'

const lookEvery = 2 * SECOND

/**
 * Calls back when one of these files, or the list of files in a folder among them, is another one. It asks the file system
 * every two seconds: a handful of small files, some of them links that are swapped, some on network file systems that tell nobody.
 */
export function watchConfig(files: () => readonly string[], onChange: () => void, logger: Logger): Disposable {
  let known: string | null = null
  let busy = false
  return every(lookEvery, () => {
    if (busy) return
    busy = true
    void stampOf(files())
      .then((stamp) => {
        // At first as well: nobody has watched since the files were read.
        if (stamp !== known) onChange()
        known = stamp
      })
      .catch((error: unknown) => logger.warn('the configuration cannot be watched', summarise(error)))
      .finally(() => {
        busy = false
      })
  })
}

async function stampOf(files: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    files.map((file) =>
      stat(file, { bigint: true }).then(
        ({ ino, size, ctimeNs }) => `${file} ${ino} ${size} ${ctimeNs}`,
        () => `${file} -`,
      ),
    ),
  )
  return stamps.join('\n')
}
