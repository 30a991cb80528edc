import colours from 'picocolors'
import { settingsInForce } from '../server/accepted.ts'
import { openKeyturn } from '../server/context.ts'
import type { Keyturn } from '../server/context.ts'
import type { Invocation } from './command.ts'

/**
 * For commands that must work at three in the morning, whatever somebody did to the files in the evening: by the files where
 * they are right, else by the configuration that was last in force, which is said.
 */
export async function openInForce(
  invocation: Invocation,
  { readOnly }: { readonly readOnly: boolean },
): Promise<Keyturn> {
  const { settings, refused } = await settingsInForce(invocation.config)
  if (refused !== null) {
    process.stderr.write(
      `${colours.yellow('keyturn:')} this works by the configuration that was last in force, because ${refused}\n\n`,
    )
  }
  return openKeyturn({ config: settings, readOnly })
}
