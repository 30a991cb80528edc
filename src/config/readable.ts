import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Problem } from '../model/place.ts'
import { Cursor } from './cursor.ts'
import type { TextFile } from './interpret.ts'
import { YamlFile } from './yaml.ts'

/** A warning for each file with a secret that every user of this machine may read. A missing one is found by doctor. */
export async function readableSecrets({ name, text }: TextFile, folder: string): Promise<readonly Problem[]> {
  const found = await Promise.all(
    references(Cursor.of(new YamlFile(name, text))).map(async (at): Promise<readonly Problem[]> => {
      if (at.text?.startsWith('file:') !== true) return []
      const path = resolve(folder, at.text.slice('file:'.length))
      const mode = await stat(path).then(
        (one) => one.mode,
        () => 0,
      )
      if ((mode & 0o007) === 0) return []
      return [at.warning(`every user of this machine may read ${path}`, { hint: `chmod 600 ${path}` })]
    }),
  )
  return found.flat()
}

/** Wherever the file may say where a secret is. */
function references(main: Cursor): readonly Cursor[] {
  const notifications = main.get('notifications')
  return [
    main.get('state', 'ledger'),
    main.get('state', 'redis'),
    ...main
      .get('platforms')
      .entries()
      .map(([, platform]) => platform.get('bind', 'password')),
    notifications.get('mail', 'password'),
    ...notifications
      .get('webhooks')
      .items()
      .flatMap((one) => [one.get('url'), one.get('secret')]),
  ]
}
