import { EvaluationError } from '@marcbachmann/cel-js'
import type { ASTNode } from '@marcbachmann/cel-js'
import { KeyturnError } from '../model/errors.ts'
import { showPlace } from '../model/place.ts'
import type { Expression } from '../model/settings.ts'
import { environmentOf } from './environment.ts'
import { attributeOf, isPerson, nodesOf, textOf, treeOf } from './form.ts'
import type { ExpressionScope, ExpressionVariables } from './scope.ts'

/** What an expression gives, by the word that the caller asks with. */
interface Results {
  readonly string: string
  readonly bool: boolean
}

/**
 * Makes a fast function of an expression that `checkExpression` has passed. An attribute that the person lacks is "".
 * The function throws KeyturnError `expression-failed`, with the place, when the values do not allow an answer, such as
 * a column that the feed does not have. Throws KeyturnError `config-invalid` for text that is no CEL.
 */
export function compileExpression<R extends keyof Results>(
  expression: Expression,
  scope: ExpressionScope,
  returns: R,
): (variables: ExpressionVariables) => Results[R]
export function compileExpression(
  expression: Expression,
  scope: ExpressionScope,
  returns: keyof Results,
): (variables: ExpressionVariables) => string | boolean {
  const tree = treeOf(expression)
  const short = returns === 'string' ? shortcut(tree) : comparison(tree)
  if (short !== undefined) return short
  const run = environmentOf(scope).parse(expression.text)
  const withDefaults = personOf(tree, scope)
  return (variables) => {
    const context = {
      ...variables,
      person: withDefaults(variables.person),
      n: BigInt(variables.n ?? 0),
    }
    const result = attempt(() => run(context), expression)
    if (typeof result === 'string' || typeof result === 'boolean') {
      if (typeof result === wanted[returns]) return result
    }
    throw failure(expression, `it gave neither ${wantedWords[returns]}`)
  }
}

const wanted = { string: 'string', bool: 'boolean' } as const
const wantedWords = { string: 'text nor anything that could be used as text', bool: 'true nor false' } as const

/** The most frequent forms need no CEL at all: `person.x`, `key`, `name` and text. */
function shortcut(tree: ASTNode): ((variables: ExpressionVariables) => string) | undefined {
  const attribute = attributeOf(tree)
  if (attribute !== null) return ({ person }) => person[attribute] ?? ''
  const text = textOf(tree)
  if (text !== null) return () => text
  if (tree.op === 'id' && tree.args === 'key') return ({ key }) => key
  if (tree.op === 'id' && tree.args === 'name') return ({ name }) => name ?? ''
  return undefined
}

/** The most frequent rule: `person.x == "text"`, either way round. */
function comparison(tree: ASTNode): ((variables: ExpressionVariables) => boolean) | undefined {
  if (tree.op !== '==') return undefined
  const [left, right] = tree.args
  const attribute = attributeOf(left) ?? attributeOf(right)
  const text = textOf(left) ?? textOf(right)
  return attribute === null || text === null ? undefined : ({ person }) => (person[attribute] ?? '') === text
}

/** Completes a person with "" for what the expression reads and the person lacks; most need no copy. */
function personOf(
  tree: ASTNode,
  scope: ExpressionScope,
): (person: Readonly<Record<string, string>>) => Readonly<Record<string, string>> {
  const read = attributesRead(tree) ?? scope.person
  if (read.length === 0) return (person) => person
  const empty = Object.fromEntries(read.map((attribute) => [attribute, '']))
  return (person) => (read.every((attribute) => person[attribute] !== undefined) ? person : { ...empty, ...person })
}

/** null when an attribute's name is computed, such as `person[key]`: then it may be any. */
function attributesRead(tree: ASTNode): readonly string[] | null {
  const nodes = [...nodesOf(tree)]
  const names = nodes.map(attributeOf).filter((name) => name !== null)
  return nodes.filter(isPerson).length === names.length ? [...new Set(names)] : null
}

function attempt(run: () => unknown, expression: Expression): unknown {
  try {
    return run()
  } catch (error) {
    throw failure(expression, explain(error), error)
  }
}

function failure(expression: Expression, what: string, cause?: unknown): KeyturnError {
  const message = `${showPlace(expression.place)}: the expression ${expression.text} failed: ${what}`
  return new KeyturnError('expression-failed', message, cause === undefined ? {} : { cause })
}

/** What went wrong, without the values that it went wrong with: they are personal data. */
function explain(error: unknown): string {
  if (!(error instanceof EvaluationError)) return error instanceof Error ? error.message : String(error)
  const column = /^No such key: (?!index)(.*)$/.exec(error.summary)?.[1]
  if (error.code === 'no_such_key' && column !== undefined) return `the feed has no column "${column}"`
  const index = /index (-?\d+) >= size (\d+)/.exec(error.summary)
  if (index !== null) return `item [${index[1]}] was asked of a list of ${index[2]}`
  return error.summary.replaceAll(/"[^"]*"/g, '"…"')
}
