import type { DesiredAccount } from '../model/account.ts'
import { holdable } from '../model/change.ts'
import type { Change } from '../model/change.ts'
import { Context } from './context.ts'
import { matchAccounts } from './matching.ts'
import { NameAllocator } from './naming.ts'
import { lookAt } from './person.ts'
import { follow, judgeAccount } from './safety.ts'
import { IndexedView } from './view.ts'
import type { PlatformView } from './view.ts'

const nobody = () => false

/**
 * What a few people need now, by the same code as the plan: for a worker, who executes of it only what was admitted.
 * Limits, modes and approvals were asked at admission and are not asked again; what the facts forbid is left out.
 *
 * `view` may show those people's accounts only. So no new name is chosen (each name that the ledger has claimed for a
 * person counts), and a reference to an account that is not seen counts as needed.
 */
export function neededChanges(view: PlatformView, people: readonly DesiredAccount[]): readonly Change[] {
  const index = new IndexedView(view)
  const context = new Context(index, matchAccounts(index, people), new NameAllocator(index, true, nobody), true)
  return people.flatMap((desired) => {
    const { sheet } = lookAt(context, desired)
    if (sheet === null) return []
    judgeAccount(view, sheet, nobody)
    const forbidden = sheet.drafts.filter(({ verdict }) => verdict !== null && !holdable.has(verdict.why))
    for (const draft of sheet.drafts) if (!forbidden.includes(draft)) draft.verdict = null
    follow(sheet)
    sheet.sort()
    return sheet.drafts.flatMap(({ change, verdict }) => (verdict === null ? [change] : []))
  })
}
