import type { ExpressionVariables } from '../expression/index.ts'
import type { DesiredAccount, DesiredAttribute } from '../model/account.ts'
import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { AccountRules } from './account.ts'
import type { Holding } from './holding.ts'
import { cleanupOf, expiryOf, hasLeft, isAnnounced, isBacklog, matchable, standingOf } from './lifecycle.ts'
import { variablesOf } from './vocabulary.ts'

/** What one person should have on one platform; names, container and attributes are worked out when asked for. */
export class Desire implements DesiredAccount {
  readonly identity: DesiredAccount['identity']
  readonly key: string
  readonly platform: string
  readonly lifecycle: DesiredAccount['lifecycle']
  readonly state: DesiredAccount['state']
  readonly create: boolean
  readonly matches: DesiredAccount['matches']
  readonly entitlements: DesiredAccount['entitlements']
  readonly cleanup: DesiredAccount['cleanup']
  readonly expiresAt: Instant | null
  readonly backlog: boolean
  readonly announced: boolean
  readonly held: string | null
  readonly frozen?: string
  readonly emergency?: boolean
  readonly reason: DesiredAccount['reason']
  readonly #rules: AccountRules
  readonly #person: Identity
  #variables: ExpressionVariables | undefined

  constructor(rules: AccountRules, person: Identity, holding: Holding, held: string | null, now: Instant) {
    const { platform } = rules
    const given = holding.accountOn(platform)
    const { state, create, reason } = standingOf(person, platform, given)
    this.identity = person.id
    this.key = person.key
    this.platform = platform
    this.lifecycle = person.state
    this.state = state
    this.create = create
    this.matches = matchable(person, given) ? rules.matches(person) : none
    this.entitlements = state === 'shut' ? none : holding.entitlementsOn(platform)
    this.cleanup = cleanupOf(person, state, rules.leaver, now)
    this.expiresAt = expiryOf(person, state, now)
    this.backlog = isBacklog(person)
    this.announced = isAnnounced(person, now)
    this.held = held
    const freeze = person.override?.words.find(({ kind }) => kind === 'freeze')
    if (freeze !== undefined) this.frozen = freeze.text
    if (person.override?.emergency === true && hasLeft(person)) this.emergency = true
    this.reason = reason
    this.#rules = rules
    this.#person = person
  }

  names(): Iterable<string> {
    return this.#rules.names(this.#asVariables())
  }

  container(name: string): string {
    return this.#rules.container(this.#asVariables(), name)
  }

  attributes(name: string): readonly DesiredAttribute[] {
    return this.#rules.attributes(this.#person, this.#asVariables(), name)
  }

  #asVariables(): ExpressionVariables {
    this.#variables ??= variablesOf(this.#person)
    return this.#variables
  }
}

const none: readonly never[] = []
