import type { Change, Plan } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'
import { applyPlanning } from './applying.ts'
import type { ApplyOptions, ApplyReport } from './applying.ts'
import { keyOf } from './board.ts'
import type { Keyturn } from './context.ts'
import { makePlanning } from './planning.ts'
import type { Planning } from './planning.ts'

/**
 * Applies a plan, and then lets those follow who refer to an account that has got another address by it, such as the
 * reports of a manager who moved to the leavers: a consequence of the plan, not a decision of its own. Active Directory
 * keeps such references right by itself (MS-ADTS, section 3.1.1.1.6); LDAP directories without refint do not.
 */
export async function applyAndFollow(
  keyturn: Keyturn,
  planning: Planning,
  options: ApplyOptions,
): Promise<ApplyReport> {
  const first = await applyPlanning(keyturn, planning, options)
  const moved = movedIn(keyturn, first)
  if (moved.size === 0 || options.signal.aborted) return first
  const again = await makePlanning(keyturn, { confirmed: false, signal: options.signal })
  const changes = again.plan.changes.filter((change) => follows(change, moved))
  if (changes.length === 0) return first
  const second = await applyPlanning(keyturn, { ...again, plan: onlyThese(again.plan, changes), marks: [] }, options)
  return together(first, second)
}

function movedIn(keyturn: Keyturn, report: ApplyReport): ReadonlySet<IdentityId> {
  return new Set(
    report.settled
      .filter(({ platform }) => keyturn.settings.platforms[platform]?.kind === 'ldap')
      .filter(({ results }) => results.some(({ status, change }) => status === 'done' && isMove(change)))
      .map(({ identity }) => identity),
  )
}

function isMove({ kind }: Change): boolean {
  return kind === 'move' || kind === 'rename'
}

function follows(change: Change, moved: ReadonlySet<IdentityId>): boolean {
  return change.kind === 'update' && 'accountOf' in change.field.to && moved.has(change.field.to.accountOf)
}

/** Without situations it is no whole plan: it says nothing about holds and approvals. */
function onlyThese({ id, madeAt, policyVersion, population }: Plan, changes: readonly Change[]): Plan {
  return { id, madeAt, policyVersion, population, changes, withheld: [], situations: {}, notes: [] }
}

/** The report of the plan, with what followed from it; of an obligation that both had, the last word counts. */
function together(first: ApplyReport, second: ApplyReport): ApplyReport {
  const obligations = new Map([...first.obligations, ...second.obligations].map((one) => [keyOf(one), one]))
  return {
    ...first,
    obligations: [...obligations.values()],
    settled: [...first.settled, ...second.settled],
    endedAt: second.endedAt,
  }
}
