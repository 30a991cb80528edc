// The import star: every stage imports `model` and nothing beside it; `server` hands values from one to the next.
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { factsOf } from './source.ts'
import type { SourceFile, Violation } from './source.ts'

interface Row {
  /** Other folders of src. */
  readonly folders: readonly string[]
  readonly packages: 'any' | 'none' | readonly string[]
  readonly builtins: boolean
}

/** Packages that only compute: what the pure stages may use. */
const pure = ['@marcbachmann/cel-js', 'any-ascii', 'fastest-levenshtein', 'temporal-polyfill']

const stages = ['sources', 'intake', 'policy', 'plan', 'ledger', 'queue', 'apply', 'connectors', 'audit', 'report']

const allowed: Readonly<Record<string, Row>> = {
  model: { folders: [], packages: 'none', builtins: false },
  expression: { folders: ['model'], packages: pure, builtins: false },
  config: { folders: ['model', 'expression'], packages: 'any', builtins: true },
  sources: { folders: ['model'], packages: 'any', builtins: true },
  intake: { folders: ['model', 'expression'], packages: 'any', builtins: true },
  policy: { folders: ['model', 'expression'], packages: pure, builtins: false },
  plan: { folders: ['model'], packages: pure, builtins: false },
  ledger: { folders: ['model'], packages: 'any', builtins: true },
  queue: { folders: ['model'], packages: 'any', builtins: true },
  apply: { folders: ['model'], packages: 'any', builtins: true },
  connectors: { folders: ['model'], packages: 'any', builtins: true },
  audit: { folders: ['model'], packages: 'any', builtins: true },
  report: { folders: ['model', 'plan'], packages: 'any', builtins: true },
  notify: { folders: ['model'], packages: 'any', builtins: true },
  demo: { folders: ['model', 'server', 'config', 'report'], packages: 'any', builtins: true },
  server: { folders: ['model', 'expression', 'config', 'notify', ...stages], packages: 'any', builtins: true },
  commands: { folders: ['model', 'server', 'config', 'report', 'audit', 'demo'], packages: 'any', builtins: true },
  'main.ts': { folders: ['commands', 'model'], packages: 'any', builtins: true },
}

export function importViolations(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    const folder = folderOf(file.path)
    const row = folder === undefined ? undefined : allowed[folder]
    if (row === undefined) {
      return [{ where: file.path, what: `the table of allowed imports has no row "${folder ?? 'outside src'}"` }]
    }
    return factsOf(file).imports.flatMap(({ specifier, line }) => {
      const what = objection(file.path, specifier, row)
      return what === undefined ? [] : [{ where: `${file.path}:${line}`, what }]
    })
  })
}

export function exitViolations(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => file.path !== 'src/main.ts')
    .flatMap((file) =>
      factsOf(file).exits.map((line) => ({ where: `${file.path}:${line}`, what: 'process.exit outside src/main.ts' })),
    )
}

/** `plan` for src/plan/diff.ts, `main.ts` for src/main.ts, undefined outside src. */
function folderOf(path: string): string | undefined {
  const [root, folder] = path.split('/')
  return root === 'src' ? folder : undefined
}

function objection(path: string, specifier: string | null, row: Row): string | undefined {
  if (specifier === null) return 'an import must be a constant'
  const own = folderOf(path)
  if (specifier.startsWith('.')) {
    const target = folderOf(posix.join(posix.dirname(path), specifier))
    if (target === undefined) return `${own} imports ${specifier}, outside src`
    return target === own || row.folders.includes(target) ? undefined : `${own} imports ${target}`
  }
  if (isBuiltin(specifier)) return row.builtins ? undefined : `${own} imports ${specifier}, part of Node.js`
  if (/^[/#]|^\w+:/.test(specifier)) return `${own} imports ${specifier}, neither relative nor a package`
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const isAllowed = row.packages === 'any' || row.packages.includes(name)
  return isAllowed ? undefined : `${own} imports the package ${name}`
}
