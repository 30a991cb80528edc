type VariableName = 'row' | 'key' | 'name' | 'n'

/** Which names an expression may use. Keep and reuse the object: what is compiled for it is remembered by it. */
export interface ExpressionScope {
  /** Attributes (and references) that stand behind `person.`; every one is text, and "" where it is missing. */
  readonly person: readonly string[]
  /** The other variables: `row` the feed's columns, `key` the source key, `name` the account's name, `n` the counter. */
  readonly variables: readonly VariableName[]
}

/** What an expression is evaluated with; only what its scope names is looked at. */
export interface ExpressionVariables {
  readonly person: Readonly<Record<string, string>>
  readonly key: string
  readonly row?: Readonly<Record<string, string>>
  readonly name?: string
  /** A whole number. */
  readonly n?: number
}

/** The scopes of the configuration, one for each sort of place where an expression may stand. */
export const scopes = {
  /** `identity.*.expr` of a source: attributes without references, which are found only after all rows are read. */
  mapping: (attributes: readonly string[]): ExpressionScope => ({ person: attributes, variables: ['row', 'key'] }),
  /** `when` of a role. */
  rule: (attributes: readonly string[]): ExpressionScope => ({ person: attributes, variables: ['key'] }),
  /** `accounts.name`. */
  name: (attributes: readonly string[]): ExpressionScope => ({ person: attributes, variables: ['key', 'n'] }),
  /** `accounts.container` and `accounts.attributes`. */
  account: (attributes: readonly string[]): ExpressionScope => ({ person: attributes, variables: ['key', 'name'] }),
}
