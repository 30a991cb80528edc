import { isMap, isNode, isScalar, visit } from 'yaml'
import type { Document, Node, ParsedNode, YAMLMap } from 'yaml'
import type { Path } from './path.ts'

/** A mistake of YAML itself, at an offset of the file. Its message repeats nothing of the file that may be a secret. */
export interface SyntaxMistake {
  readonly offset: number
  readonly path: Path
  readonly message: string
  readonly hint?: string
}

const hints: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Indent with spaces.',
  BAD_SCALAR_START: 'Put quotes around the text.',
  BLOCK_AS_IMPLICIT_KEY: 'Put quotes around text that holds ": ", or check the indentation.',
  MULTIPLE_DOCS: 'Remove the line "---".',
}

/** A file as plain JavaScript, or everything that keeps it from being one YAML value with unique keys. */
export function plainValue(document: Document.Parsed): { value: unknown; mistakes: readonly SyntaxMistake[] } {
  const mistakes = syntaxMistakes(document)
  if (mistakes.length > 0) return { value: null, mistakes }
  try {
    return { value: document.toJS() as unknown, mistakes }
  } catch {
    // The one thing left that the parser refuses: aliases of aliases that would fill the memory.
    return { value: null, mistakes: [{ offset: 0, path: [], message: 'the aliases of this file repeat too much' }] }
  }
}

function syntaxMistakes(document: Document.Parsed): readonly SyntaxMistake[] {
  const parsed = [...document.errors, ...document.warnings].map((error): SyntaxMistake => {
    const hint = hints[error.code]
    return {
      offset: error.pos[0],
      path: [],
      message: `this is not YAML: ${plainMessage(error.code, error.message)}`,
      ...(hint === undefined ? {} : { hint }),
    }
  })
  // A tab moves everything behind it, so that what else is found is its consequence.
  const tabs = parsed.filter(({ hint }) => hint === hints['TAB_AS_INDENT'])
  if (tabs.length > 0) return tabs
  // The same is true of everything behind the text that belongs to nothing.
  const lost = parsed.findIndex(({ message }) => message === nowhere)
  if (parsed.length > 0) return lost === -1 ? parsed : parsed.slice(0, lost + 1)
  return [...keyMistakes(document), ...aliasMistakes(document)]
}

const lostText = 'from here on the text belongs to nothing; the lines before it are not what they seem'
const nowhere = `this is not YAML: ${lostText}`

/** The parser quotes tokens and tags behind a colon; a token may be part of a secret. */
function plainMessage(code: string, message: string): string {
  if (message.includes('in YAML stream')) return lostText
  if (code === 'MULTIPLE_DOCS') return 'the file holds more than one document'
  return message.replace(/:? .?["!].*$/s, '').replace(/^./, (first) => first.toLowerCase())
}

/** Keys that stand twice in one mapping, and keys that are no plain words. */
function keyMistakes(document: Document.Parsed): readonly SyntaxMistake[] {
  const mistakes: SyntaxMistake[] = []
  visit(document, {
    Map(_, map, ancestors) {
      const path = pathOf([...ancestors, map].filter(isNode))
      mistakes.push(...mistakesOfMap(map, path))
    },
  })
  return mistakes
}

function mistakesOfMap(map: YAMLMap, path: Path): readonly SyntaxMistake[] {
  const seen = new Set<string>()
  return map.items.flatMap(({ key }): SyntaxMistake[] => {
    if (!isScalar(key)) {
      const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0
      return [{ offset, path, message: 'a key must be a plain word, not a list, a mapping or an alias' }]
    }
    const text = String(key.value)
    const offset = key.range?.[0] ?? 0
    if (text === '__proto__') return [{ offset, path, message: 'the key "__proto__" is not allowed' }]
    if (seen.has(text)) {
      return [{ offset, path: [...path, text], message: 'this key stands twice in the same mapping; one is allowed' }]
    }
    seen.add(text)
    return []
  })
}

function aliasMistakes(document: Document.Parsed): readonly SyntaxMistake[] {
  const mistakes: SyntaxMistake[] = []
  visit(document, {
    Alias(_, alias, ancestors) {
      const target = alias.resolve(document)
      const offset = alias.range?.[0] ?? 0
      const path: Path = []
      if (target === undefined) {
        mistakes.push({ offset, path, message: 'this alias names no anchor that stands before it' })
      } else if (ancestors.includes(target)) {
        mistakes.push({ offset, path, message: 'this alias stands inside the very value that it repeats' })
      }
    },
  })
  return mistakes
}

/** The keys and positions that lead from the outermost of these nested nodes to the innermost. */
function pathOf(nodes: readonly Node[]): Path {
  return nodes.slice(1).flatMap((node, index): Path => {
    const parent = nodes[index]
    if (isMap<ParsedNode, ParsedNode | null>(parent)) {
      const pair = parent.items.find((one) => one.value === node)
      return pair !== undefined && isScalar(pair.key) ? [String(pair.key.value)] : []
    }
    return parent !== undefined && 'items' in parent ? [parent.items.indexOf(node as never)] : []
  })
}
