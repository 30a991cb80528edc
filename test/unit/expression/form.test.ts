import { describe, expect, test } from 'vitest'
import { attributesUsed, equalities, nearest, referencesOnly, usesCounter } from '../../../src/expression/index.ts'
import { expression } from './expression.ts'

describe('the equalities that everybody must meet are those', () => {
  test.each([
    ['person.a == "x"', [{ attribute: 'a', value: 'x' }]],
    ['"x" == person.a', [{ attribute: 'a', value: 'x' }]],
    [
      'person.a == "x" && key != "1" && person["b"] == "y"',
      [
        { attribute: 'a', value: 'x' },
        { attribute: 'b', value: 'y' },
      ],
    ],
    ['(person.a == "x" && person.b.startsWith("y"))', [{ attribute: 'a', value: 'x' }]],
    ['person.a == "x" || person.b == "y"', []],
    ['!(person.a == "x")', []],
    ['person.a != "x"', []],
    ['person.a == person.b', []],
    ['key == "x"', []],
  ])('of %s', (text, expected) => {
    expect(equalities(expression(text))).toEqual(expected)
  })
})

test.each([
  ['person.a + string(n)', true],
  ['person.n + "n"', false],
])('%s uses the counter: %s', (text, expected) => {
  expect(usesCounter(expression(text))).toBe(expected)
})

test.each([
  ['person.manager', 'manager'],
  [' person["manager"] ', 'manager'],
  ['person.manager + ""', null],
  ['key', null],
])('%s names only the attribute %s', (text, expected) => {
  expect(referencesOnly(expression(text))).toBe(expected)
})

test('the attributes that an expression reads are each named once', () => {
  expect(attributesUsed(expression('person.b + person.a + (person.b == "" ? row.x : person["c"])'))).toEqual([
    'b',
    'a',
    'c',
  ])
})

test.each([
  ['departmnt', 'department'],
  ['DEPARTMENT', 'department'],
  ['ttle', 'title'],
  ['salary', undefined],
  ['x', undefined],
])('the word near %s is %s', (word, expected) => {
  expect(nearest(word, ['title', 'department', 'site'])).toBe(expected)
})
