import { describe, expect, test } from 'vitest'
import { sizeViolations } from './sizes.ts'
import type { SourceFile } from './source.ts'
import { sourceTree } from './tree.ts'

const fileOf = (lines: number, path = 'src/plan/long.ts'): SourceFile => ({ path, text: '// line\n'.repeat(lines) })
const filesOf = (count: number, lines: number): SourceFile[] =>
  Array.from({ length: count }, (_, n) => fileOf(lines, `src/plan/${lines}-${n}.ts`))
const inside = (lines: number): string => '  step()\n'.repeat(lines - 2)

test('the source tree keeps the sizes', () => {
  expect(sizeViolations(sourceTree())).toEqual([])
})

describe('a planted violation is found:', () => {
  test('a long file', () => {
    expect(sizeViolations([fileOf(400)])).toEqual([])
    expect(sizeViolations([fileOf(401)])).toEqual([{ where: 'src/plan/long.ts', what: '401 lines, more than 400' }])
  })

  test.each([
    ['a function', (lines: number) => `function f() {\n${inside(lines)}}\n`],
    ['an arrow function', (lines: number) => `const f = () => {\n${inside(lines)}}\n`],
    ['a function expression', (lines: number) => `const f = function () {\n${inside(lines)}}\n`],
    ['a callback', (lines: number) => `on('x', async () => {\n${inside(lines)}})\n`],
    ['a method', (lines: number) => `class C { m() {\n${inside(lines)}} }\n`],
  ])('%s that is too long', (_, text) => {
    expect(sizeViolations([{ path: 'src/plan/f.ts', text: text(60) }])).toEqual([])
    expect(sizeViolations([{ path: 'src/plan/f.ts', text: `\n${text(61)}` }])).toEqual([
      { where: 'src/plan/f.ts:2', what: 'a function of 61 lines, more than 60' },
    ])
  })

  test('too many files that are rather long', () => {
    expect(sizeViolations([...filesOf(27, 250), ...filesOf(3, 300)])).toEqual([])
    expect(sizeViolations([...filesOf(26, 250), ...filesOf(4, 300)])).toEqual([
      { where: 'src', what: '90 % of the files reach up to 300 lines, more than 250' },
    ])
  })

  test('but a share is not asked of a few files', () => {
    expect(sizeViolations(filesOf(20, 300))).toEqual([])
    expect(sizeViolations(filesOf(21, 300))).toHaveLength(1)
  })
})
