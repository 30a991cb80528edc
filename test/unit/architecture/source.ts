// What the rules of architecture look at in one source file, taken from its syntax tree.
import { parseSync, Visitor } from 'oxc-parser'
import type { Argument, Expression, ImportExpression, Node, TSImportType } from 'oxc-parser'

export interface SourceFile {
  /** From the root of the project, with slashes: `src/plan/diff.ts`. */
  readonly path: string
  readonly text: string
}

export interface Violation {
  readonly where: string
  readonly what: string
}

export interface SourceFacts {
  /** `import type`, re-exports, `import()`, type imports and files named for workers count too; null: not a constant. */
  readonly imports: readonly { readonly specifier: string | null; readonly line: number }[]
  readonly functions: readonly { readonly line: number; readonly lines: number }[]
  /** Lines that use process.exit. */
  readonly exits: readonly number[]
  readonly lines: number
}

export function factsOf({ path, text }: SourceFile): SourceFacts {
  const { program, errors } = parseSync(path, text)
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`)
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length
  const imports: { specifier: string | null; line: number }[] = []
  const functions: { line: number; lines: number }[] = []
  const exits: number[] = []

  const addImport = (node: Node, source: Node | null | undefined): void => {
    const specifier = source?.type === 'Literal' && typeof source.value === 'string' ? source.value : null
    imports.push({ specifier, line: lineAt(node.start) })
  }
  const addFunction = (node: Node): void => {
    const line = lineAt(node.start)
    functions.push({ line, lines: lineAt(node.end) - line + 1 })
  }

  new Visitor({
    ImportDeclaration: (node) => {
      addImport(node, node.source)
      const takesExit = node.specifiers.some((one) => one.type === 'ImportSpecifier' && nameOf(one.imported) === 'exit')
      if (/^(node:)?process$/.test(node.source.value) && takesExit) exits.push(lineAt(node.start))
    },
    ExportAllDeclaration: (node) => addImport(node, node.source),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) addImport(node, node.source)
    },
    ImportExpression: (node: ImportExpression) => addImport(node, node.source),
    TSImportType: (node: TSImportType) => addImport(node, node.source),
    CallExpression: (node) => {
      if (isName(node.callee, 'require')) addImport(node, node.arguments[0])
    },
    NewExpression: (node) => {
      const [file, base] = node.arguments
      if (isName(node.callee, 'URL') && isImportMetaUrl(base) && isTypeScript(file)) addImport(node, file)
    },
    MemberExpression: (node) => {
      if (isName(node.object, 'process') && nameOf(node.property) === 'exit') exits.push(lineAt(node.start))
    },
    FunctionDeclaration: addFunction,
    FunctionExpression: addFunction,
    ArrowFunctionExpression: addFunction,
  }).visit(program)

  return { imports, functions, exits, lines: text.replace(/\n$/, '').split('\n').length }
}

function nameOf(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined
}

function isName(node: Expression, name: string): boolean {
  return node.type === 'Identifier' && node.name === name
}

function isImportMetaUrl(node: Argument | undefined): boolean {
  return node?.type === 'MemberExpression' && node.object.type === 'MetaProperty' && nameOf(node.property) === 'url'
}

function isTypeScript(node: Argument | undefined): boolean {
  return node?.type === 'Literal' && typeof node.value === 'string' && node.value.endsWith('.ts')
}
