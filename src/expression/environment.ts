import { Environment } from '@marcbachmann/cel-js'
import type { ExpressionScope } from './scope.ts'

/** Bounds on what a configuration may ask of the parser; far above any rule that a person can still read. */
const limits = { maxAstNodes: 5_000, maxDepth: 100 }

// The library brings most of the CEL strings extension (https://pkg.go.dev/github.com/google/cel-go/ext#Strings);
// these are the missing ones, under the names and with the meanings given there.
const withStrings = new Environment({ limits })
  .registerFunction('string.charAt(int): string', (text: string, index: bigint) => charAt(text, index))
  .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
    text.replaceAll(from, () => to),
  )
  .registerFunction('string.replace(string, string, int): string', replaceFirst)

const types = {
  row: 'map<string, string>',
  key: 'string',
  name: 'string',
  n: 'int',
} as const satisfies Record<ExpressionScope['variables'][number], string>

const known = new WeakMap<ExpressionScope, Environment>()

/** The CEL environment of a scope; made once per scope object. */
export function environmentOf(scope: ExpressionScope): Environment {
  const before = known.get(scope)
  if (before !== undefined) return before
  const environment = withStrings.clone({ limits })
  const schema = Object.fromEntries(scope.person.map((attribute) => [attribute, 'string']))
  environment.registerVariable({ name: 'person', schema })
  for (const variable of scope.variables) environment.registerVariable(variable, types[variable])
  known.set(scope, environment)
  return environment
}

/** Names of everything that can be called on text, for near misses. */
export function methodNames(): readonly string[] {
  const { functions } = withStrings.getDefinitions()
  return [...new Set(functions.filter((one) => one.receiverType !== null).map((one) => one.name))]
}

/** Parses without any scope: for questions about an expression's form. */
export const syntax = withStrings

function charAt(text: string, index: bigint): string {
  if (index < 0n || index > BigInt(text.length)) throw new Error(`charAt(${index}): the index is out of range`)
  return text.charAt(Number(index))
}

/** Replaces the first `count` occurrences, or all of them when it is negative. */
function replaceFirst(text: string, from: string, to: string, count: bigint): string {
  if (count < 0n) return text.replaceAll(from, () => to)
  let left = count
  return text.replaceAll(from, (found) => (left-- > 0n ? to : found))
}
