import { createHash } from 'node:crypto'
import type { HeldRole } from '../model/account.ts'
import type { Plan } from '../model/change.ts'
import type { KeyturnError } from '../model/errors.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { Admission } from '../model/ledger.ts'
import type { LookAgain } from '../model/running.ts'
import { makePlan } from '../plan/index.ts'
import type { PlanInput } from '../plan/index.ts'
import type { Keyturn } from './context.ts'
import { refuseToForget } from './forgetting.ts'
import { readPeople } from './people.ts'
import type { People } from './people.ts'
import { reconciling, withEvidence } from './restored.ts'
import { remember, surveyPlatforms } from './survey.ts'

/** A plan over everybody and every platform that could be read as a whole, and what it was made from. */
export interface Planning {
  readonly plan: Plan
  readonly people: People
  /** Platforms that could not be read: nothing is planned there. */
  readonly unread: readonly { readonly platform: string; readonly error: KeyturnError }[]
  /** Roles with `linger` as they are now. */
  readonly heldRoles: readonly HeldRole[]
  /** Set where this plan is the reconciliation that a restored ledger waits for. */
  readonly reconciles?: NonNullable<Admission['reconciles']>
  /** Who was marked to be looked at before this plan began: it looks at everybody. */
  readonly marks: readonly LookAgain[]
}

export type Stage = 'sources' | 'platforms' | 'plan'

export interface PlanningOptions {
  /** A person has seen this plan: creations and updates pass their limits (never removals). */
  readonly confirmed: boolean
  readonly signal: AbortSignal
  /** Platforms that are known not to answer: nothing is asked of them, and they are unread. */
  readonly down?: ReadonlySet<string>
  readonly onStage?: (stage: Stage) => void
}

/**
 * Reads sources and platforms and makes the plan. Writes nothing by itself. Throws when it is asked to stop meanwhile, and KeyturnError
 * `config-invalid` where the configuration forgets somebody.
 */
export async function makePlanning(keyturn: Keyturn, options: PlanningOptions): Promise<Planning> {
  options.onStage?.('sources')
  await refuseToForget(keyturn.ledger, keyturn.settings)
  const marks = await keyturn.ledger.marked(Number.MAX_SAFE_INTEGER)
  const people = await readPeople(keyturn, options.signal)
  options.signal.throwIfAborted()
  return { ...(await planPeople(keyturn, people.identities, options)), people, marks }
}

/** A plan for these people over every platform, each read as a whole. They come in the order of their ids. */
export async function planPeople(
  keyturn: Keyturn,
  identities: readonly Identity[],
  options: PlanningOptions,
): Promise<Omit<Planning, 'people' | 'marks'>> {
  options.onStage?.('platforms')
  const restored = await keyturn.ledger.restored()
  const surveys = await surveyPlatforms(keyturn, options)
  options.signal.throwIfAborted()
  options.onStage?.('plan')
  const unread = surveys.flatMap((survey) => ('error' in survey ? [survey] : []))
  const { desired, heldRoles } = await desires(keyturn, identities)
  const sights = surveys.flatMap((survey) => ('sight' in survey ? [survey.sight] : []))
  const platforms = await Promise.all(
    sights.map(async (sight) => {
      const view = await remember(keyturn, sight, desired(sight.settings.id))
      if (restored === null) return view
      return withEvidence(keyturn, view, [...desired(sight.settings.id)], restored, options.signal)
    }),
  )
  const plan = planOf(keyturn, { desired, platforms, confirmed: options.confirmed })
  return { plan, unread, heldRoles, ...reconciling(keyturn, restored, unread) }
}

/** The plan over what was seen, by the policy in force and with safety on the whole. */
export function planOf(
  { clock, settings }: Keyturn,
  seen: Pick<PlanInput, 'desired' | 'platforms' | 'confirmed'>,
): Plan {
  return makePlan({
    ...seen,
    now: clock(),
    policyVersion: settings.policyVersion,
    safety: settings.safety,
    digest: (text) => createHash('sha256').update(text).digest('hex'),
  })
}

/** What each of these people should have, and the roles with `linger` that follow. */
export async function desires(
  keyturn: Keyturn,
  identities: readonly Identity[],
  only?: readonly IdentityId[],
): Promise<{ desired: PlanInput['desired']; heldRoles: readonly HeldRole[] }> {
  const now = keyturn.clock()
  const before = groupHeld(await keyturn.ledger.heldRoles(only))
  const heldRoles = identities.flatMap((identity) =>
    keyturn.policy.heldRoles(identity, before.get(identity.id) ?? [], now),
  )
  const held = groupHeld(heldRoles)
  return {
    heldRoles,
    desired: function* (platform, wanted = () => true) {
      for (const identity of identities) {
        if (wanted(identity.id)) yield keyturn.policy.desire(identity, platform, held.get(identity.id) ?? [], now)
      }
    },
  }
}

export function groupHeld(roles: readonly HeldRole[]): ReadonlyMap<IdentityId, readonly HeldRole[]> {
  return Map.groupBy(roles, (role) => role.identity)
}
