import type { IdentityId } from '../model/identity.ts'
import type { ChangeResult, Settlement } from '../model/ledger.ts'
import type { SettledObligation, SettledState, SettlePorts, SettleReport } from './ports.ts'
import { isPlatformWide } from './retry.ts'

/** What the caller learns, and what the log is told on the way. */
export function reportOf(
  settlements: readonly Settlement[],
  lost: ReadonlySet<IdentityId>,
  ports: SettlePorts,
): SettleReport {
  const obligations = settlements.map((settlement) => settled(settlement, lost))
  for (const obligation of obligations) tell(obligation, ports)
  tellLater(obligations.filter(triedLater), ports)
  return { obligations }
}

function settled(
  { obligation, results, proof, nextTryAt }: Settlement,
  lost: ReadonlySet<IdentityId>,
): SettledObligation {
  const { identity, platform, lane, correlation } = obligation
  return {
    identity,
    platform,
    lane,
    state: lost.has(identity) ? 'lost' : stateOf(results),
    moved: results.some(({ status }) => status === 'moved'),
    results,
    proof,
    error: results.find(({ error }) => error !== undefined)?.error ?? null,
    nextTryAt,
    correlation,
  }
}

function stateOf(results: readonly ChangeResult[]): SettledState {
  const statuses = new Set(results.map(({ status }) => status))
  if (statuses.has('retry')) return 'retry'
  if (statuses.has('waiting')) return 'waiting'
  return statuses.has('failed') ? 'failed' : 'settled'
}

function tell(
  { identity, platform, lane, state, results, proof, error, nextTryAt, correlation }: SettledObligation,
  ports: SettlePorts,
) {
  const who = { identity, platform, lane, correlation }
  const fields = { ...who, ...(error === null ? {} : error), nextTryAt }
  const done = results.filter(({ status }) => status === 'done').map(({ change }) => change.kind)
  if (done.length > 0) ports.logger.change('account changed', { ...who, kinds: done })
  if (proof?.grade === 'not-proven') ports.logger.error('a revocation is not proven and stays owed', fields)
  else if (state === 'retry' && lane === 'revoke') {
    // An outage is told once, by whoever watches the platform, and not for everybody and every try.
    const level = error !== null && isPlatformWide(error.code) ? 'debug' : 'error'
    ports.logger[level]('a revocation stays owed', fields)
  }
  if (state === 'failed') ports.logger.error('changes failed for good', fields)
}

function triedLater({ state, lane, proof }: SettledObligation): boolean {
  return state === 'retry' && lane === 'change' && proof?.grade !== 'not-proven'
}

/** One line for all who wait for the same reason: a platform that is down concerns everybody. */
function tellLater(later: readonly SettledObligation[], { platform, logger }: SettlePorts): void {
  const causes = Map.groupBy(later, ({ error }) => `${error?.code}\n${error?.message}`)
  for (const same of causes.values()) {
    const identities = same.map(({ identity }) => identity)
    logger.warn('changes are tried again later', { platform, people: identities.length, ...same[0]?.error, identities })
  }
}
