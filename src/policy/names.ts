import { compileExpression, usesCounter } from '../expression/index.ts'
import type { ExpressionScope, ExpressionVariables } from '../expression/index.ts'
import type { Expression } from '../model/settings.ts'
import { spell } from './spelling.ts'
import type { Parts, Spelling } from './spelling.ts'

type Evaluate = (variables: ExpressionVariables) => string

/** The counter begins at 2: the first of two people of one name has none. */
const first = 2
const most = 1_000

/**
 * Makes a function that gives a person's candidate names, in order: legal on the platform, never empty, all different,
 * at most 1,000 of each expression. They throw KeyturnError `expression-failed` when they are asked for.
 */
export function compileNames(
  expressions: readonly Expression[],
  scope: ExpressionScope,
  spelling: Spelling,
): (variables: ExpressionVariables) => Iterable<string> {
  const makers = expressions.map((expression) => {
    const evaluate = compileExpression(expression, scope, 'string')
    return usesCounter(expression) ? counting(evaluate) : once(evaluate)
  })
  return function* names(variables) {
    const given = new Set<string>()
    for (const maker of makers) {
      for (const parts of maker(variables)) {
        const name = spell(parts, variables.key, spelling)
        if (given.has(name)) continue
        given.add(name)
        yield name
      }
    }
  }
}

function once(evaluate: Evaluate): (variables: ExpressionVariables) => Iterable<Parts> {
  return (variables) => [{ before: evaluate(variables), digits: '', after: '' }]
}

function counting(evaluate: Evaluate): (variables: ExpressionVariables) => Iterable<Parts> {
  return function* count(variables) {
    const at = counterAt(evaluate({ ...variables, n: first }), evaluate({ ...variables, n: first + 1 }))
    for (let n = first; n < first + most; n += 1) yield split(evaluate({ ...variables, n }), at, `${n}`)
  }
}

/** Where the number stands: the first letter in which two numbers' texts differ. */
function counterAt(one: string, other: string): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at += 1
  return at
}

/** Where the expression calculates with `n`, the number is not found and the text is taken as it is. */
function split(text: string, at: number, digits: string): Parts {
  if (!text.startsWith(digits, at)) return { before: text, digits: '', after: '' }
  return { before: text.slice(0, at), digits, after: text.slice(at + digits.length) }
}
