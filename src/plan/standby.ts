import type { DesiredAccount } from '../model/account.ts'
import type { Change } from '../model/change.ts'
import type { Looked } from './person.ts'
import { judge } from './safety.ts'
import type { SafetyRules } from './safety.ts'
import { Sheet } from './sheet.ts'
import type { PlatformView } from './view.ts'

/**
 * The shutting that nothing seen here calls for, of a person who shall not be let in: null where the plan shuts or makes
 * an account anyway, or where safety would not let it pass. What is still on its way to the person cannot be seen.
 */
export function standbyFor(
  view: PlatformView,
  desired: DesiredAccount,
  { standing, sheet }: Looked,
  rules: SafetyRules,
): Change | null {
  if (desired.state === 'open') return null
  if (sheet?.drafts.some(({ change: { kind } }) => kind === 'disable' || kind === 'create') === true) return null
  const account = standing === 'disputed' ? null : (sheet?.account ?? null)
  const link = sheet?.link ?? null
  const scratch = new Sheet(desired, link, account === null ? { name: link?.name ?? desired.key } : { account })
  const protocol = desired.state === 'shut' ? 'leaver' : 'suspend'
  scratch.need({ kind: 'disable', protocol }, 'revoke', desired.reason)
  judge(view, scratch, rules)
  const [draft] = scratch.drafts
  return draft?.verdict === null ? draft.change : null
}
