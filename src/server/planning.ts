import { createHash } from 'node:crypto'
import type { HeldRole } from '../model/account.ts'
import type { Plan } from '../model/change.ts'
import type { KeyturnError } from '../model/errors.ts'
import type { IdentityId } from '../model/identity.ts'
import { makePlan } from '../plan/index.ts'
import type { PlanInput } from '../plan/index.ts'
import type { Keyturn } from './context.ts'
import { readPeople } from './people.ts'
import type { People } from './people.ts'
import { remember, surveyPlatforms } from './survey.ts'

/** A plan over everybody and every platform that could be read as a whole, and what it was made from. */
export interface Planning {
  readonly plan: Plan
  readonly people: People
  /** Platforms that could not be read: nothing is planned there. */
  readonly unread: readonly { readonly platform: string; readonly error: KeyturnError }[]
  /** Roles with `linger` as they are now. */
  readonly heldRoles: readonly HeldRole[]
}

export type Stage = 'sources' | 'platforms' | 'plan'

export interface PlanningOptions {
  /** A person has seen this plan: creations and updates pass their limits (never removals). */
  readonly confirmed: boolean
  readonly signal: AbortSignal
  readonly onStage?: (stage: Stage) => void
}

/** Reads sources and platforms and makes the plan. Writes nothing by itself. Throws when it is asked to stop meanwhile. */
export async function makePlanning(keyturn: Keyturn, options: PlanningOptions): Promise<Planning> {
  options.onStage?.('sources')
  const people = await readPeople(keyturn, options.signal)
  options.signal.throwIfAborted()
  options.onStage?.('platforms')
  const surveys = await surveyPlatforms(keyturn, options.signal)
  options.signal.throwIfAborted()
  options.onStage?.('plan')
  const unread = surveys.flatMap((survey) => ('error' in survey ? [survey] : []))
  const { desired, heldRoles } = await desires(keyturn, people)
  const sights = surveys.flatMap((survey) => ('sight' in survey ? [survey.sight] : []))
  const platforms = await Promise.all(sights.map((sight) => remember(keyturn, sight, desired(sight.settings.id))))
  const plan = makePlan({
    now: keyturn.clock(),
    policyVersion: keyturn.settings.policyVersion,
    safety: keyturn.settings.safety,
    desired,
    platforms,
    digest: (text) => createHash('sha256').update(text).digest('hex'),
    confirmed: options.confirmed,
  })
  return { plan, people, unread, heldRoles }
}

async function desires(
  keyturn: Keyturn,
  people: People,
): Promise<{ desired: PlanInput['desired']; heldRoles: readonly HeldRole[] }> {
  const now = keyturn.clock()
  const before = groupHeld(await keyturn.ledger.heldRoles())
  const heldRoles = people.identities.flatMap((identity) =>
    keyturn.policy.heldRoles(identity, before.get(identity.id) ?? [], now),
  )
  const held = groupHeld(heldRoles)
  return {
    heldRoles,
    desired: function* (platform, wanted = () => true) {
      for (const identity of people.identities) {
        if (wanted(identity.id)) yield keyturn.policy.desire(identity, platform, held.get(identity.id) ?? [], now)
      }
    },
  }
}

export function groupHeld(roles: readonly HeldRole[]): ReadonlyMap<IdentityId, readonly HeldRole[]> {
  return Map.groupBy(roles, (role) => role.identity)
}
