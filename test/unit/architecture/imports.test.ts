import { describe, expect, test } from 'vitest'
import { exitViolations, importViolations } from './imports.ts'
import { sourceTree } from './tree.ts'

const objections = (path: string, text: string): string[] => importViolations([{ path, text }]).map((one) => one.what)

describe('the source tree', () => {
  test('keeps the import star', () => {
    expect(importViolations(sourceTree())).toEqual([])
  })

  test('leaves process.exit to src/main.ts', () => {
    expect(exitViolations(sourceTree())).toEqual([])
  })
})

describe('a planted violation is found:', () => {
  test.each([
    ['a stage beside it', `import { diff } from '../plan/diff.ts'`, 'policy imports plan'],
    ['a type', `import type { Plan } from '../plan/diff.ts'`, 'policy imports plan'],
    ['an inline type', `let plan: import('../plan/diff.ts').Plan`, 'policy imports plan'],
    ['a re-export', `export { diff } from '../plan/diff.ts'`, 'policy imports plan'],
    ['a re-export of everything', `export * from '../plan/diff.ts'`, 'policy imports plan'],
    ['a side effect', `import '../plan/diff.ts'`, 'policy imports plan'],
    ['a dynamic import', `const plan = await import('../plan/diff.ts')`, 'policy imports plan'],
    ['a require', `const plan = require('../plan/diff.ts')`, 'policy imports plan'],
    ['a worker', `new Worker(new URL('../plan/work.ts', import.meta.url))`, 'policy imports plan'],
    ['a computed import', `const plan = await import(name)`, 'an import must be a constant'],
    ['a part of Node.js', `import { readFileSync } from 'node:fs'`, 'policy imports node:fs, part of Node.js'],
    ['the same without node:', `import { readFile } from 'fs/promises'`, 'policy imports fs/promises, part of Node.js'],
    ['a package', `import { Redis } from 'ioredis'`, 'policy imports the package ioredis'],
    ['a part of a package', `import x from '@scope/name/part'`, 'policy imports the package @scope/name'],
    ['a file outside src', `import x from '../../test/x.ts'`, 'policy imports ../../test/x.ts, outside src'],
    ['an alias', `import x from '#plan'`, 'policy imports #plan, neither relative nor a package'],
  ])('%s', (_, text, expected) => {
    expect(objections('src/policy/rules.ts', text)).toEqual([expected])
  })

  test.each([
    ['src/model/person.ts', `import { z } from 'zod'`, 'model imports the package zod'],
    ['src/model/person.ts', `import type { X } from '../config/x.ts'`, 'model imports config'],
    ['src/connectors/ldap/read.ts', `import { due } from '../../policy/due.ts'`, 'connectors imports policy'],
    ['src/server/daemon.ts', `import { run } from '../commands/run.ts'`, 'server imports commands'],
    ['src/commands/plan.ts', `import { open } from '../ledger/open.ts'`, 'commands imports ledger'],
    ['src/main.ts', `import { start } from './server/daemon.ts'`, 'main.ts imports server'],
    ['src/model/person.ts', `import { main } from '../main.ts'`, 'model imports main.ts'],
    ['src/utils/text.ts', '', 'the table of allowed imports has no row "utils"'],
    ['src/helpers.ts', '', 'the table of allowed imports has no row "helpers.ts"'],
  ])('%s: %s', (path, text, expected) => {
    expect(objections(path, text)).toEqual([expected])
  })

  test('with its place', () => {
    const text = `// first line\nimport { x } from './x.ts'\nimport { diff } from '../plan/diff.ts'`
    expect(importViolations([{ path: 'src/apply/settle.ts', text }])).toEqual([
      { where: 'src/apply/settle.ts:3', what: 'apply imports plan' },
    ])
  })

  test.each([
    'process.exit(1)',
    `process['exit'](1)`,
    'const leave = process.exit',
    `import { exit } from 'node:process'`,
  ])('%s', (text) => {
    expect(exitViolations([{ path: 'src/server/daemon.ts', text }])).toHaveLength(1)
    expect(exitViolations([{ path: 'src/main.ts', text }])).toEqual([])
  })

  test('a file that does not parse', () => {
    expect(() => objections('src/plan/diff.ts', 'import {')).toThrow('src/plan/diff.ts')
  })
})

test.each([
  ['src/plan/diff.ts', `import type { Plan } from '../model/plan.ts'`],
  ['src/plan/diff.ts', `import { safety } from './safety/limits.ts'`],
  ['src/plan/deep/diff.ts', `import { safety } from '../safety.ts'`],
  ['src/policy/rules.ts', `import { Temporal } from 'temporal-polyfill'`],
  ['src/report/render.ts', `import { situation } from '../plan/situation.ts'`],
  ['src/server/daemon.ts', `import { settle } from '../apply/settle.ts'`],
  ['src/connectors/ldap.ts', `import { connect } from 'node:net'\nimport { Client } from 'ldapts'`],
  ['src/main.ts', `import { commands } from './commands/index.ts'`],
  ['src/plan/diff.ts', `// import { x } from '../apply/x.ts'\nconst text = "import x from '../apply/x.ts'"`],
])('what is allowed passes: %s: %s', (path, text) => {
  expect(objections(path, text)).toEqual([])
})
