import { KeyturnError } from '../model/errors.ts'
import type { ObligationPointer } from '../model/ledger.ts'
import type { SettlePorts, SettleReport, WorkerView } from './ports.ts'
import { settle } from './settle.ts'
import type { StandbyLedger } from './standby-ledger.ts'

/** `settle` for revocations: where the ledger cannot be written, accounts are shut all the same (law 3). */
export async function settleUrgently<View extends WorkerView>(
  pointers: readonly ObligationPointer[],
  standby: StandbyLedger,
  ports: SettlePorts<View>,
): Promise<SettleReport> {
  try {
    return await settle(pointers, ports)
  } catch (error) {
    if (!isLedgersTrouble(error)) throw error
    const { platform, logger } = ports
    logger.error('the ledger cannot be written: accounts are shut without it', { platform, code: error.code })
    return await settle(pointers, { ...ports, ledger: standby })
  }
}

function isLedgersTrouble(error: unknown): error is KeyturnError {
  return error instanceof KeyturnError && (error.code === 'ledger-unavailable' || error.code === 'ledger-busy')
}
