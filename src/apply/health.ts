import { isPlatformDown } from '../model/errors.ts'
import type { ErrorSummary } from '../model/errors.ts'
import type { SettleReport } from './ports.ts'
import { isPlatformWide } from './retry.ts'

/** What a cycle of work tells about its platform. `nothing`: the platform was not asked, or our own ledger was in trouble. */
export type PlatformHealth = 'fine' | 'nothing' | { readonly outage: ErrorSummary }

/** One answer about one person is enough to know that the platform is there. */
export function healthOf({ obligations }: SettleReport): PlatformHealth {
  const results = obligations.flatMap((obligation) => obligation.results)
  const answered = ({ status, error }: (typeof results)[number]) =>
    status !== 'retry' || error === undefined || !isPlatformWide(error.code)
  if (results.some(answered)) return 'fine'
  const outage = results.find(({ error }) => error !== undefined && isPlatformDown(error.code))?.error
  return outage === undefined ? 'nothing' : { outage }
}
