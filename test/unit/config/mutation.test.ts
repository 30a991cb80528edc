import fc from 'fast-check'
import { expect, test } from 'vitest'
import { interpret } from '../../../src/config/interpret.ts'
import { showProblem } from '../../../src/config/problems.ts'
import { mainText, rolesText } from './example.ts'

const words = [
  ...new Set(`${mainText}${rolesText}`.match(/[\w-]+|\S/g) ?? []),
  '__proto__',
  'constructor',
  'null',
  '~',
  '1e999',
  '&a',
  '*a',
  '<<',
  '\t',
  '\n',
  '  ',
  '\u0000',
  '\uD800',
  'ä',
]

/** Removes a stretch of the text and puts other words of the language there. */
const mutation = fc.record({
  at: fc.nat(2 ** 16),
  removed: fc.integer({ min: 0, max: 40 }),
  added: fc.array(fc.constantFrom(...words), { maxLength: 3 }),
})

function mutated(text: string, changes: readonly { at: number; removed: number; added: readonly string[] }[]): string {
  return changes.reduce((before, { at, removed, added }) => {
    const from = at % (before.length + 1)
    return before.slice(0, from) + added.join('') + before.slice(from + removed)
  }, text)
}

test('whatever happens to the files: either settings or errors, each with its place, and never an exception', () => {
  const changes = fc.array(mutation, { maxLength: 3 })
  fc.assert(
    fc.property(changes, changes, (main, roles) => {
      const files = [mutated(mainText, main), mutated(rolesText, roles)] as const
      const [mainFile, roleFile] = [
        { name: 'm', text: files[0] },
        { name: 'r', text: files[1] },
      ]
      const { settings, problems } = interpret(mainFile, [roleFile], '/')
      expect(settings === null).toBe(problems.some(({ severity }) => severity === 'error'))
      for (const problem of problems) {
        const lines = files[problem.place.file === 'm' ? 0 : 1].split('\n')
        expect(problem.place.line).toBeGreaterThan(0)
        expect(problem.place.line).toBeLessThanOrEqual(lines.length)
        expect(showProblem(problem)).toContain(problem.message)
      }
    }),
    { numRuns: 150 },
  )
})

test('a part that is left out is either told or has a default', () => {
  const lines = mainText.split('\n')
  fc.assert(
    fc.property(fc.nat(lines.length - 1), fc.integer({ min: 1, max: 12 }), (from, count) => {
      const text = lines.toSpliced(from, count).join('\n')
      const { settings, problems } = interpret({ name: 'm', text }, [{ name: 'r', text: rolesText }], '/')
      expect(settings === null).toBe(problems.some(({ severity }) => severity === 'error'))
    }),
  )
})
