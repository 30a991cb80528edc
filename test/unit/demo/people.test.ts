import fc from 'fast-check'
import { expect, test } from 'vitest'
import { columns, feedLine, inventPeople, inventPerson } from '../../../src/demo/people.ts'
import type { Person } from '../../../src/demo/people.ts'

const twoHundred = [...inventPeople({ count: 200 })]
const fullName = (person: Person) => `${person.given_name} ${person.surname}`.trim()

test('the same seed invents the same people, another seed others', () => {
  expect([...inventPeople({ count: 200 })]).toEqual(twoHundred)
  expect([...inventPeople({ count: 200, seed: 2 })]).not.toEqual(twoHundred)
})

test('a person can be invented without those before', () => {
  expect(inventPerson(137, { count: 200 })).toEqual(twoHundred[137])
})

test('a workforce of 200 has the names that break systems', () => {
  const names = twoHundred.map(fullName)
  expect(names.some((name) => /[ëŁø]/.test(name))).toBe(true)
  expect(names.some((name) => name.includes("'"))).toBe(true)
  expect(names.some((name) => name.includes('-'))).toBe(true)
  expect(names.some((name) => name.length === 60)).toBe(true)
  expect(names.filter((name) => name === 'Maria Garcia')).toHaveLength(3)
  for (const script of [/\p{Script=Greek}/u, /\p{Script=Cyrillic}/u, /\p{Script=Han}/u, /\p{Script=Arabic}/u]) {
    expect(names.some((name) => script.test(name))).toBe(true)
  }
  expect(twoHundred.some((person) => person.given_name === '')).toBe(true)
})

test('every key is there once', () => {
  expect(new Set(twoHundred.map((person) => person.employee_id)).size).toBe(200)
})

test('managers stand behind their reports, one is not in the file, one person has none', () => {
  const position = new Map(twoHundred.map((person, index) => [person.employee_id, index]))
  const unknown = twoHundred.filter((person) => person.manager_id !== '' && !position.has(person.manager_id))
  expect(unknown).toHaveLength(1)
  expect(twoHundred.filter((person) => person.manager_id === '')).toHaveLength(1)
  for (const [index, person] of twoHundred.entries()) {
    const manager = position.get(person.manager_id)
    if (manager !== undefined) expect(manager).toBeGreaterThan(index)
  }
})

test('a lifelike mix has people on leave, people who left and people who start later; an active one has not', () => {
  const today = Date.UTC(2026, 5, 1)
  const lifelike = [...inventPeople({ count: 200, today })]
  expect(new Set(lifelike.map((person) => person.status))).toEqual(new Set(['Active', 'Leave', 'Left']))
  expect(lifelike.some((person) => person.start_date > '2026-06-01')).toBe(true)
  const active = [...inventPeople({ count: 200, today, mix: 'active' })]
  expect(active.every((person) => person.status === 'Active' && person.start_date < '2026-06-01')).toBe(true)
})

test('whoever left has an end, and nobody else has one', () => {
  for (const person of inventPeople({ count: 2_000 })) expect(person.end_date !== '').toBe(person.status === 'Left')
})

test('departments are about equally large, also with many of them', () => {
  const departments = Array.from({ length: 66 }, (_, index) => `Department ${index}`)
  const sizes = new Map<string, number>()
  for (const person of inventPeople({ count: 10_000, departments })) {
    sizes.set(person.department, (sizes.get(person.department) ?? 0) + 1)
  }
  expect(sizes.size).toBe(66)
  expect(Math.max(...sizes.values())).toBeLessThan(2 * Math.min(...sizes.values()))
})

test('a line of the feed keeps any text, quoted where needed', () => {
  const unquote = (line: string) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map((m) => m[1]?.replaceAll('""', '"') ?? m[2] ?? '')
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') }), (surname) => {
      const person = { ...inventPerson(0, { count: 1 }), surname }
      expect(unquote(feedLine(person))).toEqual(columns.map((column) => person[column]))
    }),
  )
})
