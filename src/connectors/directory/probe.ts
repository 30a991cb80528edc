import { KeyturnError } from '../../model/errors.ts'
import { SECOND } from '../../model/instant.ts'
import { LdapResultError, directoryError } from './errors.ts'
import { signIn } from './pool.ts'
import type { DirectoryAccess } from './pool.ts'
import { readEntry } from './search.ts'

/** Longer than any healthy server needs; a probe comes again anyway. */
const longest = 5 * SECOND

/**
 * Signs in on a connection of its own and asks for one entry, the base: a server whose database is gone does not pass. The pool
 * is not touched, so a server that hangs leaves nothing behind. All of it takes `timeouts.request` at most, and 5 s at most.
 * @throws KeyturnError what stands in the way, as `Pool.use`; the reason of the signal
 */
export async function probe(access: DirectoryAccess, signal: AbortSignal): Promise<void> {
  const { settings } = access
  const limit = Math.min(settings.timeouts.request, longest)
  const late = AbortSignal.timeout(limit)
  try {
    await using connection = await signIn(access, AbortSignal.any([signal, late]))
    await readEntry(connection, settings.base, ['1.1'])
  } catch (error) {
    signal.throwIfAborted()
    if (late.aborted) {
      const text = `${settings.id}: ${settings.url} did not answer a sign-in and a look at ${settings.base} within ${limit} ms.`
      throw new KeyturnError('platform-unreachable', text, { cause: error })
    }
    throw error instanceof LdapResultError
      ? directoryError(error, { platform: settings.id, doing: `looking at ${settings.base}` })
      : error
  }
}
