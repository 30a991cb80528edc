import { scopes } from '../expression/index.ts'
import type { ExpressionScope, ExpressionVariables } from '../expression/index.ts'
import type { Identity, IdentityId } from '../model/identity.ts'
import type { Settings } from '../model/settings.ts'

/** What expressions may speak of: everything that any source declares of a person. */
export interface Vocabulary {
  readonly references: ReadonlySet<string>
  readonly rule: ExpressionScope
  readonly name: ExpressionScope
  readonly account: ExpressionScope
}

export function vocabularyOf(settings: Settings): Vocabulary {
  const attributes = new Set<string>()
  const references = new Set<string>()
  for (const { identity } of Object.values(settings.sources)) {
    for (const name of Object.keys(identity.attributes)) attributes.add(name)
    for (const name of Object.keys(identity.references)) references.add(name)
  }
  const all = [...attributes.union(references)]
  return { references, rule: scopes.rule(all), name: scopes.name(all), account: scopes.account(all) }
}

/** A person as expressions see them; a reference reads as the id of whom it means, or "" for nobody. */
export function variablesOf(identity: Identity): ExpressionVariables {
  const { attributes, references, key } = identity
  const found = Object.entries(references).filter((entry): entry is [string, IdentityId] => entry[1] !== null)
  return { person: found.length === 0 ? attributes : { ...attributes, ...Object.fromEntries(found) }, key }
}
