import { ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js'
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Place, Problem } from '../model/place.ts'
import type { Expression } from '../model/settings.ts'
import { environmentOf, methodNames } from './environment.ts'
import { attributeOf, nodesOf, textOf } from './form.ts'
import { didYouMean, nearest } from './near.ts'
import type { ExpressionScope } from './scope.ts'

/** Where an expression stands, for those who know more than its first character. */
export interface Whereabouts {
  /** The problem's path inside the file. */
  readonly path?: string
  /** Place of an offset in the expression's text; the default counts on from its first character. */
  readonly locate?: (offset: number) => Place
}

interface Finding {
  readonly offset: number
  readonly message: string
  readonly hint?: string
}

const words: Readonly<Record<string, string>> = { string: 'text', bool: 'true or false', int: 'a number' }

/**
 * Everything wrong with an expression: what is no CEL, names that nobody declared, types that do not fit, a result that
 * is not `returns`. Each with the place of the offending part. Nothing is evaluated.
 */
export function checkExpression(
  expression: Expression,
  scope: ExpressionScope,
  returns: 'string' | 'bool',
  { path = '', locate = countingFrom(expression) }: Whereabouts = {},
): Problem[] {
  return findings(expression.text, scope, returns).map(({ offset, message, hint }) => ({
    severity: 'error',
    place: locate(offset),
    path,
    message,
    ...(hint === undefined ? {} : { hint }),
  }))
}

function findings(text: string, scope: ExpressionScope, returns: 'string' | 'bool'): readonly Finding[] {
  let tree: ASTNode
  try {
    tree = environmentOf(scope).parse(text).ast
  } catch (error) {
    return [parseFinding(text, error)]
  }
  const own = nodesOf(tree)
    .flatMap((node) => nodeFindings(node, scope))
    .toArray()
  if (own.length > 0) return own
  const { valid, type, error } = environmentOf(scope).check(text)
  if (!valid) return [typeFinding(text, scope, error)]
  if (type === returns || type === 'dyn') return []
  const hint = returns === 'string' ? { hint: `Write string(${text}).` } : {}
  const message = `gives ${words[type ?? ''] ?? type}, but ${words[returns]} is needed`
  return [{ offset: 0, message, ...(type === 'int' ? hint : {}) }]
}

/** What the library's own check would pass, or report only one at a time. */
function nodeFindings(node: ASTNode, scope: ExpressionScope): readonly Finding[] {
  const attribute = attributeOf(node)
  if (attribute !== null && !scope.person.includes(attribute)) {
    const message = `person has no attribute "${attribute}"; declared are ${list(scope.person)}`
    return [{ offset: memberOffset(node), message, ...didYouMean(attribute, scope.person) }]
  }
  if (node.op === 'call' && node.args[0] === 'has') {
    const asked = node.args[1].map(attributeOf).find((name) => name !== null)
    if (asked === undefined) return []
    const message = 'has() is always true of an attribute: one that is missing is ""'
    return [{ offset: node.start, message, hint: `Write person.${asked} != "".` }]
  }
  return node.op === 'rcall' && node.args[0] === 'matches' ? patternFindings(node.args[2][0]) : []
}

/** For `person.x` where x begins; for `person["x"]` where the text begins. */
function memberOffset(node: ASTNode): number {
  if (node.op === '[]') return node.args[1].start
  return node.pos
}

function patternFindings(pattern: ASTNode | undefined): readonly Finding[] {
  const text = pattern === undefined ? null : textOf(pattern)
  if (pattern === undefined || text === null) return []
  try {
    RegExp(text)
    return []
  } catch (error) {
    const message = `"${text}" is no regular expression: ${error instanceof Error ? error.message : String(error)}`
    return [{ offset: pattern.start, message }]
  }
}

function parseFinding(text: string, error: unknown): Finding {
  if (!(error instanceof ParseError)) throw error
  const offset = error.range?.start ?? 0
  const finding = { offset, message: `this is not CEL: ${parseSummary(text, offset, error)}` }
  const column = /\brow\.(\w+( \w+)+)/.exec(text)?.[1]
  if (column !== undefined) return { ...finding, hint: `A column with a space in its name: row["${column}"].` }
  return /["'=.()+]/.test(text) ? finding : { ...finding, hint: fixedText(text) }
}

/** The library names the last character of an unexpected word, or an end of file. */
function parseSummary(text: string, offset: number, error: ParseError): string {
  if (offset >= text.trimEnd().length) return 'it ends too early'
  return error.code === 'unexpected_character'
    ? `unexpected "${/^(\w+|.)/.exec(text.slice(offset))?.[0] ?? ''}"`
    : error.summary
}

const fixedText = (text: string): string => `For fixed text write '"${text}"'.`

function typeFinding(text: string, scope: ExpressionScope, error: unknown): Finding {
  if (!(error instanceof CelTypeError || error instanceof ParseError)) throw error
  const finding = { offset: error.range?.start ?? 0, message: error.summary }
  const unknown = /^Unknown variable: (.*)$/.exec(error.summary)?.[1]
  if (unknown !== undefined) return { ...finding, ...unknownName(unknown, text, scope) }
  const method = /^found no matching overload for '(?:.*\.)?(\w+)\(/.exec(error.summary)?.[1]
  if (method !== undefined) return { ...finding, ...unknownMethod(method, error.summary) }
  if (/^no such overload: string \+ int|int \+ string/.test(error.summary)) {
    return { ...finding, message: 'text and a number cannot be joined with +', hint: 'Write string(n).' }
  }
  const different = /^no such overload: (\w+) (==|!=) (\w+)$/.exec(error.summary)
  if (different === null) return finding
  const [, left = '', , right = ''] = different
  return { ...finding, message: `${words[left] ?? left} is compared with ${words[right] ?? right}` }
}

function unknownName(name: string, text: string, scope: ExpressionScope): { message: string; hint?: string } {
  const allowed = ['person', ...scope.variables]
  const message = `unknown name "${name}"; allowed here are ${list(allowed)}`
  const attribute = nearest(name, scope.person)
  if (attribute !== undefined) return { message, hint: `Did you mean "person.${attribute}"?` }
  const near = didYouMean(name, allowed)
  return { message, ...(near.hint === undefined && name === text ? { hint: fixedText(text) } : near) }
}

function unknownMethod(name: string, summary: string): { message: string; hint?: string } {
  const methods = methodNames()
  if (!methods.includes(name)) return { message: `unknown function "${name}"`, ...didYouMean(name, methods) }
  return { message: summary.replace('found no matching overload for', 'these types do not fit:') }
}

const list = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '))

function countingFrom({ text, place }: Expression): (offset: number) => Place {
  return (offset) => {
    const lines = text.slice(0, offset).split('\n')
    const last = lines.at(-1)?.length ?? 0
    const line = place.line + lines.length - 1
    return { file: place.file, line, column: lines.length === 1 ? (place.column ?? 1) + last : last + 1 }
  }
}
