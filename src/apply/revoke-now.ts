import type { Change } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { ClaimedObligation } from '../model/ledger.ts'
import type { SettledObligation, SettlePorts, WorkerView } from './ports.ts'
import { settleClaimed } from './settle.ts'
import type { StandbyLedger } from './standby-ledger.ts'

/** Who asked for it, for the record. */
export interface Asked {
  readonly correlation: string
  readonly operator: string
  /** When access should have ended, per person, where a date applies. */
  readonly effectiveAt: ReadonlyMap<IdentityId, Instant>
}

/**
 * Shuts accounts of a plan that could not even be admitted, because the ledger cannot be written (law 3). Of the changes only
 * the disabling counts. It is settle's own cycle: observed, written, read back and proven; recorded in the spool. Nothing
 * remembers what it could not do: while it says `retry`, call it again.
 *
 * @param changes of the platform of these ports
 */
export async function revokeNow<View extends WorkerView>(
  changes: readonly Change[],
  asked: Asked,
  standby: StandbyLedger,
  ports: SettlePorts<View>,
): Promise<readonly SettledObligation[]> {
  const disables = changes.filter(({ kind, platform }) => kind === 'disable' && platform === ports.platform)
  const people = Map.groupBy(disables, ({ identity }) => identity)
  const owed = [...people].map(([identity, some]) => obligationOf(identity, some, asked, ports))
  // What the ledger says of these people is older than the plan: the plan says what is needed.
  const needed: typeof ports.needed = (_view, claimed) =>
    new Map(claimed.map(({ identity }) => [identity, people.get(identity) ?? []]))
  const report = await settleClaimed(standby.hold(owed), { ...alone(ports), ledger: standby, needed })
  return report.obligations
}

/** Only accounts are shut: there is nothing that could wait for others. */
function alone<View extends WorkerView>({ shutFirst: _, ...own }: SettlePorts<View>): SettlePorts<View> {
  return own
}

function obligationOf(
  identity: IdentityId,
  changes: readonly Change[],
  { correlation, operator, effectiveAt }: Asked,
  { platform, clock }: SettlePorts,
): ClaimedObligation {
  return {
    identity,
    platform,
    lane: 'revoke',
    number: 0,
    token: crypto.randomUUID(),
    changes: changes.map((change, index) => ({ id: index + 1, change })),
    tries: 0,
    admittedAt: clock(),
    effectiveAt: effectiveAt.get(identity) ?? null,
    correlation,
    operator,
    planId: '',
    stepsDone: [],
    openIntents: [],
  }
}
