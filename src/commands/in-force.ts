import colours from 'picocolors'
import { KeyturnError } from '../model/errors.ts'
import { settingsInForce } from '../server/accepted.ts'
import { openKeyturn } from '../server/context.ts'
import type { Keyturn } from '../server/context.ts'
import { forgetting } from '../server/forgetting.ts'
import type { Invocation } from './command.ts'

interface InForceOptions {
  readonly readOnly: boolean
  readonly orReading?: boolean
  /** What is said of the files that are not in force. */
  readonly onRefused?: (why: string) => void
}

/**
 * For commands that must work at three in the morning, whatever somebody did to the files in the evening: by the files where
 * they are right, else by the configuration that was last in force, which is said. With `orReading` also where the ledger can
 * only be read.
 */
export async function openInForce(
  invocation: Invocation,
  { readOnly, orReading = false, onRefused }: InForceOptions,
): Promise<Keyturn> {
  const { settings, refused, forgets } = await settingsInForce(invocation.config)
  if (forgets !== null) process.stderr.write(`${colours.yellow('keyturn:')} ${forgetting(forgets).message}\n\n`)
  if (refused !== null) {
    onRefused?.(refused)
    process.stderr.write(
      `${colours.yellow('keyturn:')} this works by the configuration that was last in force, because ${refused}\n\n`,
    )
  }
  try {
    return await openKeyturn({ config: settings, readOnly })
  } catch (error) {
    const isLedger = error instanceof KeyturnError && error.code === 'ledger-unavailable'
    if (readOnly || !orReading || !isLedger) throw error
    // Throws the same where it cannot be read either.
    const keyturn = await openKeyturn({ config: settings, readOnly: true })
    process.stderr.write(`${colours.yellow('keyturn:')} ${error.message}\nThis works by what can be read of it.\n\n`)
    return keyturn
  }
}
