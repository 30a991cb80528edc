import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classesIn, generatePassword, generateScramble, nameParts, passwordRules } from '../../../src/apply/password.ts'

const rules = fc.record({
  length: fc.integer({ min: 8, max: 64 }),
  classes: fc.integer({ min: 1, max: 4 }),
  readable: fc.boolean(),
})
const names = fc.array(fc.constantFrom('Ann', "O'Neil", 'van der Berg', 'José María', '李小龍', 'abc', 'Bo', 'x', ''))

test('every password has the length and classes asked for, and no part of the names of three letters or more', () => {
  fc.assert(
    fc.property(rules, names, (rule, person) => {
      const password = generatePassword(rule, person)
      expect(password).toHaveLength(rule.length)
      expect(classesIn(password)).toBeGreaterThanOrEqual(rule.classes)
      for (const part of nameParts(person)) expect(password.toLowerCase()).not.toContain(part)
    }),
    { numRuns: 500 },
  )
})

test('a readable password has groups of four and nothing that looks like something else', () => {
  fc.assert(
    fc.property(fc.integer({ min: 12, max: 40 }), (length) => {
      const password = generatePassword({ length, classes: 3, readable: true }, [])
      expect(password).not.toMatch(/[0Oo1lIi]/)
      expect(password.split('-').every((group) => group.length <= 5)).toBe(true)
    }),
  )
})

test('a candidate that holds part of a name is drawn again', () => {
  // First all draws give "a"; then, from the second candidate on, they count upwards.
  let calls = 0
  const below = (n: number) => (calls++ < 8 ? 0 : calls % n)
  const password = generatePassword({ length: 8, classes: 1, readable: false }, ['aaa'], below)
  expect(calls).toBeGreaterThan(8)
  expect(password).not.toContain('aaa')
})

test('all characters are equally likely: the counts of a million draws are within five standard deviations', () => {
  const counts = new Map<string, number>()
  for (let i = 0; i < 25_000; i += 1) {
    for (const character of generatePassword({ length: 40, classes: 1, readable: false }, [])) {
      counts.set(character, (counts.get(character) ?? 0) + 1)
    }
  }
  const expected = 1_000_000 / 78
  expect(counts.size).toBe(78)
  for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected))
})

test('rules that no password can fit are an error, not an endless loop', () => {
  expect(() => generatePassword({ length: 2, classes: 3, readable: false }, [])).toThrow('at least 3 characters')
})

test('a scrambled password has every class and is longer than what a policy asks for', () => {
  const scramble = generateScramble({ length: 16, classes: 3, readable: true }, ['Ann'])
  expect(scramble).toHaveLength(40)
  expect(classesIn(scramble)).toBe(4)
})

test('the stricter of configuration and platform holds', () => {
  const settings = { readable: false, mustChange: true }
  const discovered = { length: 20, classes: 2, source: 'default policy' }
  expect(passwordRules(settings, discovered)).toEqual({ length: 20, classes: 3, readable: false })
  expect(passwordRules({ ...settings, length: 30, classes: 4 }, discovered)).toMatchObject({ length: 30, classes: 4 })
})
