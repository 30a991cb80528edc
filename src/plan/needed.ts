import type { DesiredAccount } from '../model/account.ts'
import { holdable } from '../model/change.ts'
import type { Change } from '../model/change.ts'
import type { SafetySettings } from '../model/settings.ts'
import { Context } from './context.ts'
import { matchAccounts } from './matching.ts'
import { NameAllocator } from './naming.ts'
import { lookAt } from './person.ts'
import { restoredVerdict } from './restored.ts'
import { follow, globs, judgeAccount, modeVerdict, rejectedVerdict } from './safety.ts'
import type { Verdict } from './sheet.ts'
import { IndexedView } from './view.ts'
import type { PlatformView } from './view.ts'

/**
 * What a few people need now, by the same code as the plan: for a worker, who executes of it only what was admitted.
 * Limits and approvals were asked at admission and are not asked again. What the facts forbid is left out, what a person has
 * rejected since, and what the configuration forbids by now: an account that has become protected, a platform that is only
 * observed.
 *
 * `view` may show those people's accounts only. So no new name is chosen (each name that the ledger has claimed for a
 * person counts), and a reference to an account that is not seen counts as needed.
 */
export function neededChanges(
  view: PlatformView,
  people: readonly DesiredAccount[],
  safety: Pick<SafetySettings, 'protected'>,
): readonly Change[] {
  const isProtected = globs(safety.protected)
  const index = new IndexedView(view)
  const rules = { admittedOnly: true, doubts: null, isProtected }
  const context = new Context(index, matchAccounts(index, people), new NameAllocator(index, rules), rules)
  return people.flatMap((desired) => {
    const { sheet } = lookAt(context, desired)
    if (sheet === null) return []
    judgeAccount(view, sheet, isProtected)
    for (const draft of sheet.drafts) {
      const forbidden = modeVerdict(view, draft) ?? restoredVerdict(view, draft) ?? rejectedVerdict(view, sheet, draft)
      draft.verdict = forbidden ?? standing(draft.verdict)
    }
    follow(sheet)
    sheet.sort()
    return sheet.drafts.flatMap(({ change, verdict }) => (verdict === null ? [change] : []))
  })
}

/** What still speaks against a change that was admitted once. */
function standing(verdict: Verdict | null): Verdict | null {
  return verdict !== null && (verdict.why === 'protected' || !holdable.has(verdict.why)) ? verdict : null
}
