import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Document, Node, ParsedNode } from 'yaml'
import type { Place, Problem } from '../model/place.ts'
import { sourceOffset } from './offset.ts'
import { showPath } from './path.ts'
import type { Path } from './path.ts'
import { secretLines } from './secret-lines.ts'
import { plainValue } from './syntax.ts'

/** What may be said of a problem besides its path and message. */
export interface ProblemDetail {
  readonly hint?: string
  /** Points at the key instead of the value. */
  readonly at?: 'key'
  /** Points somewhere else inside the file. */
  readonly place?: Place
}

const styles = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_FOLDED: 'block',
  BLOCK_LITERAL: 'block',
} as const

/** One YAML file: its value, and where each part of it stands. */
export class YamlFile {
  /** As it is shown to people. */
  readonly name: string
  /** Plain JavaScript; null where the file is not intact. */
  readonly value: unknown
  /** Mistakes of YAML itself. */
  readonly problems: readonly Problem[]
  readonly #source: string
  readonly #document: Document.Parsed
  readonly #counter = new LineCounter()
  readonly #hidden: ReadonlySet<number>

  constructor(name: string, text: string) {
    this.name = name
    this.#source = text.replace(/^\uFEFF/, '')
    this.#document = parseDocument(this.#source, {
      lineCounter: this.#counter,
      prettyErrors: false,
      uniqueKeys: false,
      merge: true,
      logLevel: 'error',
    })
    this.#hidden = secretLines(this.#source, this.#document, this.#counter)
    const { value, mistakes } = plainValue(this.#document)
    this.problems = mistakes.map(({ offset, path, message, hint }) =>
      this.problem('error', path, message, { place: this.#at(offset), ...(hint === undefined ? {} : { hint }) }),
    )
    this.value = value
  }

  /** False when the file has mistakes of YAML itself: then nothing can be said about what it holds. */
  get intact(): boolean {
    return this.problems.length === 0
  }

  /** Where the value (or its key) at a path begins; for a path that is not there, the nearest mapping around it. */
  place(path: Path, part: 'key' | 'value' = 'value'): Place {
    const found = this.#find(path)
    if (found === undefined) return path.length === 0 ? this.#at(0) : this.place(path.slice(0, -1), 'key')
    const node = part === 'key' ? (found.key ?? found.value) : (found.value ?? found.key)
    return this.#at(node?.range?.[0] ?? 0)
  }

  /** Turns an offset in the text of the scalar at a path into its place in the file, through quotes and folds. */
  locator(path: Path): (offset: number) => Place {
    const node = this.#find(path)?.value
    if (!isScalar(node) || !node.range) return () => this.place(path)
    const [start, end] = node.range
    const source = this.#source.slice(start, end)
    const style = styles[node.type as keyof typeof styles] ?? 'plain'
    return (offset) => this.#at(start + sourceOffset(source, String(node.value), offset, style))
  }

  /** A problem with its place and, unless the line may hold a secret, its excerpt. */
  problem(severity: Problem['severity'], path: Path, message: string, detail: ProblemDetail = {}): Problem {
    const place = detail.place ?? this.place(path, detail.at)
    const hint = detail.hint === undefined ? {} : { hint: detail.hint }
    return { severity, place, path: showPath(path), message, ...hint, ...this.#excerpt(place.line) }
  }

  /** The line as it stands; nothing for a line that may hold a secret. */
  #excerpt(line: number): { readonly excerpt?: string } {
    if (this.#hidden.has(line)) return {}
    const excerpt = this.#source.split(/\r?\n/)[line - 1]?.trimEnd() ?? ''
    return excerpt === '' ? {} : { excerpt }
  }

  #at(offset: number): Place {
    const { line, col } = this.#counter.linePos(offset)
    return { file: this.name, line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  /** The nodes of a path's value and of its key; an alias stays an alias at the end of the path only. */
  #find(path: Path): { readonly key: Node | null; readonly value: Node | null } | undefined {
    let found: { key: Node | null; value: Node | null } = { key: null, value: this.#document.contents }
    for (const step of path) {
      const next = child(this.#resolve(found.value), step, (node) => this.#resolve(node))
      if (next === undefined) return undefined
      found = next
    }
    return found
  }

  #resolve(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : node
  }
}

type Resolve = (node: Node | null) => Node | null

/** One step down: a list's item, or a mapping's pair, also one that was merged in with `<<`. */
function child(
  node: Node | null,
  step: string | number,
  resolve: Resolve,
): { key: Node | null; value: Node | null } | undefined {
  if (isSeq<ParsedNode>(node)) {
    const item = node.items[Number(step)]
    return item === undefined ? undefined : { key: null, value: item }
  }
  if (!isMap<ParsedNode, ParsedNode | null>(node)) return undefined
  const pair = node.items.find(({ key }) => isScalar(key) && keyText(key.value) === step)
  if (pair !== undefined) return { key: pair.key, value: pair.value }
  for (const { key, value } of node.items) {
    if (!isScalar(key) || !isMergeKey(key.value)) continue
    const merged = resolve(value)
    const sources = isSeq<ParsedNode>(merged) ? merged.items.map(resolve) : [merged]
    for (const source of sources) {
      const inherited = child(source, step, resolve)
      if (inherited !== undefined) return inherited
    }
  }
  return undefined
}

/** `<<`, which the parser may have turned into a symbol. */
function isMergeKey(value: unknown): boolean {
  return value === '<<' || typeof value === 'symbol'
}

/** As a key of a JavaScript object reads. */
function keyText(value: unknown): string {
  if (value === null) return ''
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
