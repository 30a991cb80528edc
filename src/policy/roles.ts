import { attributesUsed, compileExpression, equalities } from '../expression/index.ts'
import type { ExpressionVariables } from '../expression/index.ts'
import type { Identity } from '../model/identity.ts'
import type { Reason } from '../model/place.ts'
import type { Expression, RoleSettings, Settings } from '../model/settings.ts'
import { variablesOf } from './vocabulary.ts'
import type { Vocabulary } from './vocabulary.ts'

/** A role ready to be asked about a person. */
export interface Role {
  readonly settings: RoleSettings
  /** Itself and everything that it includes, each once, with the reason why it is held. */
  readonly brings: readonly Brought[]
}

export interface Brought {
  readonly role: RoleSettings
  readonly reason: Reason
}

interface Rule extends Role {
  /** Place among the roles: the order in which reasons are looked for. */
  readonly order: number
  readonly applies: (variables: ExpressionVariables) => boolean
}

/** Bounds what is remembered: far more than there are kinds of people, far less than there are people. */
const mostRemembered = 10_000

/**
 * Finds the roles of a person fast: only rules are asked whose equality condition (`person.department == "Sales"`) fits,
 * and people who agree in every attribute that any rule reads share one answer.
 */
export class RoleBook {
  readonly roles: ReadonlyMap<string, Role>
  readonly #unindexed: readonly Rule[]
  readonly #index: ReadonlyMap<string, ReadonlyMap<string, readonly Rule[]>>
  /** Null when a rule reads more than declared attributes of its own text, such as `key`: then nobody shares an answer. */
  readonly #read: readonly string[] | null
  readonly #remembered = new Map<string, readonly Role[]>()
  readonly #combinations = new Map<string, readonly Role[]>()

  constructor(settings: Settings, vocabulary: Vocabulary) {
    const rules = Object.values(settings.roles).map((role, order) => compileRule(role, order, settings, vocabulary))
    this.roles = new Map(rules.map((rule) => [rule.settings.name, rule]))
    this.#unindexed = rules.filter((rule) => indexedBy(rule) === undefined)
    this.#index = indexRules(rules)
    const conditions = rules.flatMap(({ settings: { when } }) => (when === null ? [] : [when]))
    this.#read = conditions.every(readsAttributesOnly) ? [...new Set(conditions.flatMap(attributesUsed))] : null
  }

  /**
   * Roles whose rule applies to the person, in the order of the configuration. The same roles are the same array, so
   * that what follows from them can be remembered by it. Throws KeyturnError `expression-failed`.
   */
  rolesOf(identity: Identity): readonly Role[] {
    if (this.#read === null) return this.#ask(identity)
    let kind = ''
    for (const attribute of this.#read) {
      const value = valueOf(identity, attribute)
      // With its length, so that no two people's values can run together into the same text.
      kind += `${value.length}:${value}`
    }
    const known = this.#remembered.get(kind)
    if (known !== undefined) return known
    return remember(this.#remembered, kind, this.#ask(identity))
  }

  #ask(identity: Identity): readonly Role[] {
    const variables = variablesOf(identity)
    const candidates = [...this.#unindexed]
    for (const [attribute, rules] of this.#index) candidates.push(...(rules.get(valueOf(identity, attribute)) ?? []))
    const roles = candidates.filter((rule) => rule.applies(variables)).toSorted((a, b) => a.order - b.order)
    const combination = roles.map(({ order }) => order).join()
    return this.#combinations.get(combination) ?? remember(this.#combinations, combination, roles)
  }
}

function remember<T>(memory: Map<string, T>, name: string, value: T): T {
  if (memory.size >= mostRemembered) memory.clear()
  memory.set(name, value)
  return value
}

function compileRule(role: RoleSettings, order: number, settings: Settings, vocabulary: Vocabulary): Rule {
  const { when } = role
  const applies = when === null ? () => true : compileExpression(when, vocabulary.rule, 'bool')
  return { settings: role, order, applies, brings: bringsOf(role, settings) }
}

/** Itself first, then what it includes, and what that includes; a loop (which `check` reports) ends by itself. */
function bringsOf(role: RoleSettings, settings: Settings): readonly Brought[] {
  const found = new Map<string, Brought>()
  found.set(role.name, { role, reason: { kind: 'rule', text: `role ${role.name}`, place: role.place } })
  for (const { role: holder } of found.values()) {
    for (const { role: name, place } of holder.includes) {
      const included = settings.roles[name]
      if (included === undefined || found.has(name)) continue
      const text = `role ${name}, included by ${holder.name}`
      found.set(name, { role: included, reason: { kind: 'rule', text, place } })
    }
  }
  return [...found.values()]
}

function indexedBy({ settings: { when } }: Rule): { attribute: string; value: string } | undefined {
  return when === null ? undefined : equalities(when)[0]
}

function indexRules(rules: readonly Rule[]): ReadonlyMap<string, ReadonlyMap<string, readonly Rule[]>> {
  const index = new Map<string, Map<string, Rule[]>>()
  for (const rule of rules) {
    const equality = indexedBy(rule)
    if (equality === undefined) continue
    const values = index.get(equality.attribute) ?? new Map<string, Rule[]>()
    index.set(equality.attribute, values)
    values.set(equality.value, [...(values.get(equality.value) ?? []), rule])
  }
  return index
}

/** Cautious: whatever is no plain `person.attribute`, even inside a text, makes the answer personal. */
function readsAttributesOnly({ text }: Expression): boolean {
  return !/\b(person|key)\b/.test(text.replaceAll(/\bperson\.\w+/g, ''))
}

function valueOf({ attributes, references }: Identity, name: string): string {
  return attributes[name] ?? references[name] ?? ''
}
