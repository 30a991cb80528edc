import type { Assignment, DesiredAccount, HeldRole } from '../model/account.ts'
import { KeyturnError } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { Settings } from '../model/settings.ts'
import { compileAccount } from './account.ts'
import { Desire } from './desire.ts'
import { Holdings, noRoles } from './holding.ts'
import type { Holding } from './holding.ts'
import { nextChange } from './next.ts'
import type { NextChange } from './next.ts'
import { RoleBook } from './roles.ts'
import { vocabularyOf } from './vocabulary.ts'

export { overruled } from './override.ts'
export type { NextChange } from './next.ts'

/** The role mapping, compiled: what people should have. Pure; `held` are one person's lingering roles, as they are stored. */
export interface Policy {
  /**
   * The roles that somebody holds and why, lingering ones with their end. Throws KeyturnError `expression-failed` when a
   * rule gives no answer for this person.
   */
  assignments(identity: Identity, held: readonly HeldRole[], now: Instant): readonly Assignment[]
  /** The person's roles with `linger`, as they are to be stored now. Never throws for one person. */
  heldRoles(identity: Identity, held: readonly HeldRole[], now: Instant): readonly HeldRole[]
  /**
   * What somebody should have on a platform. A person for whom a rule gives no answer is held, with the reason. Throws
   * KeyturnError `not-found` for a platform that is not configured; `names`, `container` and `attributes` of the answer
   * throw `expression-failed` when they are asked for.
   */
  desire(identity: Identity, platform: string, held: readonly HeldRole[], now: Instant): DesiredAccount
  /**
   * When the clock alone changes something for this person next, always after `now`; null: never. Until then every
   * `desire` stays as it is. `held` as they are to be stored; operators' words are laid over already. Never throws for
   * one person.
   */
  nextAt(
    identity: Identity,
    held: readonly HeldRole[],
    now: Instant,
    isLinked?: (platform: string) => boolean,
    shutAt?: (platform: string) => Instant | null,
  ): NextChange | null
}

/** Compiles a checked configuration once, for any number of people. Throws KeyturnError `config-invalid` for what is no CEL. */
export function compilePolicy(settings: Settings): Policy {
  const vocabulary = vocabularyOf(settings)
  const holdings = new Holdings(new RoleBook(settings, vocabulary))
  const accounts = new Map(
    Object.values(settings.platforms).map((platform) => [platform.id, compileAccount(platform, vocabulary)]),
  )
  return {
    assignments: (identity, held, now) => holdings.of(identity, held, now).assignments,
    heldRoles: (identity, held, now) => answerOr(held, () => holdings.heldRoles(identity, held, now)),
    desire(identity, platform, held, now) {
      const rules = accounts.get(platform)
      if (rules === undefined) {
        const known = [...accounts.keys()].join(', ')
        throw new KeyturnError('not-found', `platform "${platform}" is not configured; configured are: ${known}`)
      }
      let failure: string | null = null
      const holding = answerOr<Holding>(
        noRoles,
        () => holdings.of(identity, held, now),
        (message) => (failure = message),
      )
      return new Desire(rules, identity, holding, identity.held ?? failure, now)
    },
    nextAt(identity, held, now, isLinked, shutAt) {
      const { assignments } = answerOr<Holding>(noRoles, () => holdings.of(identity, held, now))
      return nextChange(identity, assignments, now, settings, isLinked, shutAt)
    },
  }
}

/** A rule that fails for one person (text that it cannot take apart, for instance) must not fail everybody else. */
function answerOr<T>(otherwise: T, ask: () => T, onFailure: (message: string) => void = () => {}): T {
  try {
    return ask()
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error
    onFailure(error.message)
    return otherwise
  }
}
