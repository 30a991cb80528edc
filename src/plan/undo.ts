import type { Plan } from '../model/change.ts'
import type { IdentityId } from '../model/identity.ts'

/** A membership that somebody had. */
interface Membership {
  readonly platform: string
  readonly entitlement: string
}

/**
 * Of the memberships that an offboarding took from a person, those that the plan for the return does not give back: no
 * role gives them, so only a person can. What is granted but withheld is told by the plan itself and is not among them.
 */
export function notGivenBack(
  identity: IdentityId,
  taken: readonly Membership[],
  { changes, withheld }: Pick<Plan, 'changes' | 'withheld'>,
): readonly Membership[] {
  const given = new Set(
    [...changes, ...withheld.map(({ change }) => change)].flatMap((change) =>
      change.kind === 'grant' && change.identity === identity ? [keyOf(change)] : [],
    ),
  )
  return taken.filter((one) => !given.has(keyOf(one)))
}

function keyOf({ platform, entitlement }: Membership): string {
  return `${platform}\n${entitlement}`
}
