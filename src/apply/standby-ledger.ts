import type { RevocationStep } from '../model/connector.ts'
import { KeyturnError } from '../model/errors.ts'
import type { ClaimedObligation, Ledger, ObligationKey, Settlement } from '../model/ledger.ts'
import type { RunningLedger } from '../model/running.ts'
import { begun } from './context.ts'
import type { SettleLedger } from './ports.ts'
import type { Spool } from './spool.ts'
import { nativeIdOf } from './work.ts'

/** Reading is all that is asked of the ledger. */
export type ReadableLedger = Pick<RunningLedger, 'peek'> & Pick<Ledger, 'links'>

/** A SettleLedger for while the ledger cannot be written (law 3): claims are held in memory, the record goes to the spool. */
export interface StandbyLedger extends SettleLedger {
  /** Takes obligations that stand in no ledger; they are claimed with it. */
  hold(obligations: readonly ClaimedObligation[]): readonly ClaimedObligation[]
}

interface Held {
  readonly obligation: ClaimedObligation
  until: number
}

/**
 * Only accounts are shut with it: what opens gets no intent, and of what was admitted only the disabling is handed out. What
 * is owed stays owed in the ledger, whose own workers look again as soon as it can be written.
 */
export function openStandby(ledger: ReadableLedger, spool: Pick<Spool, 'note'>): StandbyLedger {
  const held = new Map<string, Held>()
  // Steps by person, so that a later try of this process goes on where it was.
  const steps = new Map<string, RevocationStep[]>()
  const stepsOf = (key: ObligationKey) => steps.get(keyOf(key)) ?? []
  const nobodys = (key: ObligationKey, now: number) => (held.get(keyOf(key))?.until ?? -Infinity) <= now
  const take = (obligation: ClaimedObligation, until: number): ClaimedObligation => {
    const mine = { ...obligation, stepsDone: [...obligation.stepsDone, ...stepsOf(obligation)] }
    held.set(keyOf(obligation), { obligation: mine, until })
    return mine
  }
  const byToken = (token: string) => held.values().find(({ obligation }) => obligation.token === token)
  return {
    hold: (obligations) => obligations.map((obligation) => take(obligation, Infinity)),
    async claim(pointers, _worker, leaseMs, now) {
      const urgent = pointers.filter((pointer) => pointer.lane === 'revoke' && nobodys(pointer, now))
      const found = await ledger.peek(urgent, now)
      return found.flatMap((obligation) => {
        const changes = obligation.changes.filter(({ change }) => change.kind === 'disable')
        if (changes.length === 0) return []
        return [take({ ...obligation, changes, token: crypto.randomUUID() }, now + leaseMs)]
      })
    },
    async renew(tokens, leaseMs, now) {
      const mine = tokens.flatMap((token) => byToken(token) ?? [])
      for (const one of mine) one.until = now + leaseMs
      return new Set(mine.map(({ obligation }) => obligation.token))
    },
    async release(tokens) {
      for (const token of tokens) letGo(held, byToken(token))
    },
    intend: async () => new Set(),
    async stepsDone(done) {
      const lost = done.map(({ token }) => token).filter((token) => byToken(token) === undefined)
      const counting = done.flatMap(({ token, step, counts }) => {
        const obligation = byToken(token)?.obligation
        return counts && obligation !== undefined ? [{ obligation, step }] : []
      })
      for (const { obligation, step } of counting) steps.set(keyOf(obligation), [...stepsOf(obligation), step])
      await spool.note([...counting.flatMap(shutIn), ...done.map(({ audit }) => ({ audit }))])
      return new Set(lost)
    },
    audit: (records) => spool.note(records.map((audit) => ({ audit }))),
    async settle(settlements) {
      await spool.note(settlements.flatMap(({ audit }) => audit.map((record) => ({ audit: record }))))
      for (const settlement of settlements) {
        if (isOver(settlement)) steps.delete(keyOf(settlement.obligation))
        letGo(held, byToken(settlement.obligation.token))
      }
      return { refused: [] }
    },
    links: (platform, identities) => ledger.links(platform, identities),
    // Found again by the second look, when the ledger can be written.
    adopt: async () => undefined,
    // Nothing was opened, and draining the spool marks all of these people.
    lookAgain: async () => undefined,
    allocate: () =>
      Promise.reject(new KeyturnError('ledger-unavailable', 'no number can be given: only accounts are shut')),
  }
}

function keyOf({ identity, platform }: ObligationKey): string {
  return `${platform}\n${identity}`
}

function letGo(held: Map<string, Held>, one: Held | undefined): void {
  if (one !== undefined) held.delete(keyOf(one.obligation))
}

function isOver({ nextTryAt }: Settlement): boolean {
  return nextTryAt === null
}

/** The account that this step shows was open when we came; none where it was on its way when that was admitted. */
export function shutIn({
  obligation,
  step,
}: {
  readonly obligation: ClaimedObligation
  readonly step: RevocationStep
}) {
  if (step.step !== begun) return []
  const { identity, platform, changes } = obligation
  const nativeId = changes.map(({ change }) => nativeIdOf(change)).find((id) => id !== null)
  return nativeId === undefined ? [] : [{ shut: { identity, platform, nativeId } }]
}
