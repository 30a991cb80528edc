// What processes have spooled that ended before the ledger could be written again.
import { isSpoolLeft, openSpool } from '../apply/spool.ts'
import type { Keyturn } from './context.ts'

/** Hands it to the ledger, for commands that work without a daemon. Throws KeyturnError `ledger-unavailable` or `ledger-busy`. */
export async function takeSpooled({ settings, ledger, clock, logger, correlation }: Keyturn): Promise<void> {
  const { folder } = settings.state
  if (!(await isSpoolLeft(folder, clock))) return
  await using spool = await openSpool(folder, clock, logger)
  const spooled = await spool.drain()
  if (spooled !== null) await ledger.unspool(spooled, clock(), correlation)
  await spool.clear()
  if (spooled === null) return
  logger.warn('the ledger has taken what was spooled', { records: spooled.audit.length, accounts: spooled.shut.length })
}
