// Which lines of a file may hold a secret that was written where only a reference is allowed. Such a line is never shown,
// whatever is wrong with it; a line too many costs nothing but an excerpt.
import { isAlias, isCollection, isMap, isPair, isScalar, visit } from 'yaml'
import type { Document, LineCounter, Node } from 'yaml'
import type { Path } from './path.ts'

/** A `full-pass` of the daemon is none. */
const word = /(?<!full-)pass|pwd|secret|token|credential|kennwort|private/i
/**
 * A secret whatever its key is called: in an address, or the private half of an age key. Whoever knows the web address
 * of a webhook may write there, and its path is what makes it so.
 */
const revealing =
  /:\/\/[^\s/@]*:[^\s/@]*@|postgres(?:ql)?:[^\s'"]*(?::[^\s'"]*@|[?&]password=)|age-secret-key|https?:\/\/[^\s/'"]+\/[^\s'"]/i
/** Of a webhook everything may be a part of its address, but for these. */
const hook = /^web-?hooks?$/i
const reference = /^["']?(?:env|file):\S/

/** May the value at this path be repeated in a message? */
export function mayBeShown(path: Path, value: unknown): boolean {
  if (typeof value === 'string' && revealing.test(value)) return false
  const names = path.filter((step) => typeof step === 'string')
  const inBind = names.indexOf('bind')
  const inHook = names.findIndex((name) => hook.test(name))
  return (
    !word.test(names.at(-1) ?? '') &&
    (inBind === -1 || names[inBind + 1] === 'dn') &&
    (inHook === -1 || names[inHook + 1] === 'shape')
  )
}

/** Numbers, from 1, of the lines that may hold a secret. A file that is not even YAML is judged by its text alone. */
export function secretLines(text: string, document: Document, counter: LineCounter): ReadonlySet<number> {
  const lines = text.split('\n')
  const hidden = new Set(document.errors.length === 0 ? linesOfYaml(lines) : linesOfText(lines))
  for (const node of secretNodes(document)) {
    const [start, end] = node.range ?? [0, 0]
    for (let line = counter.linePos(start).line; line <= counter.linePos(end).line; line += 1) hidden.add(line)
  }
  return hidden
}

/** What the nodes do not tell: comments, and addresses with a password. */
function linesOfYaml(lines: readonly string[]): readonly number[] {
  return lines.flatMap((line, index) =>
    revealing.test(line) || word.test(/#.*/.exec(line)?.[0] ?? '') ? [index + 1] : [],
  )
}

/** Lines that speak of secrets, what is indented below them, and the two lines behind: a break may have moved them there. */
function* linesOfText(lines: readonly string[]): Generator<number> {
  let below = Number.POSITIVE_INFINITY
  let until = -1
  for (const [index, line] of lines.entries()) {
    const indent = line.search(/\S/)
    const speaks = word.test(line) || revealing.test(line) || /\b(?:bind|web-?hooks?)\b/i.test(line)
    if (speaks && !reference.test(/:\s*(.*)$/.exec(line)?.[1] ?? '')) {
      below = Math.min(below, indent)
      until = index + 2
    } else if (index > until && indent !== -1 && indent <= below) below = Number.POSITIVE_INFINITY
    if (index <= until || indent > below) yield index + 1
  }
}

/** What stands below keys that speak of secrets, and everything in `bind` besides the name; through anchors too. */
function secretNodes(document: Document): readonly Node[] {
  const found: Node[] = []
  visit(document, {
    Pair(_, pair, ancestors) {
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      const parent = ancestors.findLast(isPair)
      const inBind = isScalar(parent?.key) && parent.key.value === 'bind' && key !== 'dn'
      if (word.test(key) || hook.test(key) || inBind) found.push(...leavesOf(pair.value, document))
      else if (key === 'bind' && !isMap(pair.value)) found.push(...leavesOf(pair.value, document))
      if (inBind && pair.value === null && isScalar(pair.key)) found.push(pair.key)
    },
  })
  return found.filter(
    (node) => !isScalar(node) || (typeof node.value !== 'boolean' && !reference.test(String(node.value))),
  )
}

/** Deeper nesting than this is no configuration; an alias may even stand inside itself. */
const deepest = 10

/** The scalars of a value; keys too where they have no value, and aliases that mean nothing: both may be a secret. */
function leavesOf(value: unknown, document: Document, depth = 0): readonly Node[] {
  const node = isAlias(value) ? (value.resolve(document) ?? value) : value
  if (isScalar(node) || isAlias(node)) return [node]
  if (!isCollection(node) || depth === deepest) return []
  return node.items.flatMap((item) => {
    if (!isPair(item)) return leavesOf(item, document, depth + 1)
    return isSetting(item.key) ? [] : leavesOf(item.value ?? item.key, document, depth + 1)
  })
}

/** The settings of `password:` in a platform say how passwords are made, and `shape:` what a webhook's message looks like. */
function isSetting(key: unknown): boolean {
  return isScalar(key) && /^(?:dn|shape|length|classes|readable|must-change)$/.test(String(key.value))
}
