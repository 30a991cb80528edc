// Questions about an expression's form, answered from its syntax tree without evaluating it.
import { ParseError } from '@marcbachmann/cel-js'
import type { ASTNode } from '@marcbachmann/cel-js'
import { KeyturnError } from '../model/errors.ts'
import { showPlace } from '../model/place.ts'
import type { Expression } from '../model/settings.ts'
import { syntax } from './environment.ts'

/** Several stages ask about the same expression. */
const trees = new WeakMap<Expression, ASTNode>()

/** The syntax tree. Throws KeyturnError `config-invalid` for text that is no CEL (`checkExpression` reports it kindly). */
export function treeOf(expression: Expression): ASTNode {
  const known = trees.get(expression)
  if (known !== undefined) return known
  try {
    const tree = syntax.parse(expression.text).ast
    trees.set(expression, tree)
    return tree
  } catch (error) {
    const summary = error instanceof ParseError ? error.summary : String(error)
    throw new KeyturnError('config-invalid', `${showPlace(expression.place)}: this is not CEL: ${summary}`, {
      cause: error,
    })
  }
}

/** Every node of a tree, the outer ones first. */
export function* nodesOf(node: ASTNode): Generator<ASTNode> {
  yield node
  for (const part of parts(node.args)) yield* nodesOf(part)
}

function parts(value: unknown): readonly ASTNode[] {
  if (Array.isArray(value)) return value.flatMap(parts)
  return isNode(value) ? [value] : []
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value
}

/** `department` for the node of `person.department` or `person["department"]`; null for any other node. */
export function attributeOf(node: ASTNode): string | null {
  if (node.op === '.' && isPerson(node.args[0])) return node.args[1]
  if (node.op !== '[]' || !isPerson(node.args[0])) return null
  return textOf(node.args[1])
}

/** The text of a text literal; null for any other node. */
export function textOf(node: ASTNode): string | null {
  return node.op === 'value' && typeof node.args === 'string' ? node.args : null
}

export function isPerson(node: ASTNode): boolean {
  return node.op === 'id' && node.args === 'person'
}

/**
 * What must hold besides everything else: the conjuncts of the form `person.x == "text"` (either way round) that stand
 * at the top level of `&&`. A person who differs in one of them cannot satisfy the expression: what an index needs.
 */
export function equalities(expression: Expression): { attribute: string; value: string }[] {
  return conjuncts(treeOf(expression)).flatMap((node) => {
    if (node.op !== '==') return []
    const [left, right] = node.args
    const attribute = attributeOf(left) ?? attributeOf(right)
    const value = textOf(right) ?? textOf(left)
    return attribute === null || value === null ? [] : [{ attribute, value }]
  })
}

function conjuncts(node: ASTNode): readonly ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(conjuncts) : [node]
}

/** Does the expression use the counter `n`? */
export function usesCounter(expression: Expression): boolean {
  return nodesOf(treeOf(expression)).some((node) => node.op === 'id' && node.args === 'n')
}

/** `manager` when the whole expression is `person.manager`; else null. */
export function referencesOnly(expression: Expression): string | null {
  return attributeOf(treeOf(expression))
}

/** Names of the attributes that the expression reads, each once, in the order of the text. */
export function attributesUsed(expression: Expression): readonly string[] {
  const names = nodesOf(treeOf(expression)).map(attributeOf)
  return [...new Set(names.filter((name) => name !== null))]
}
