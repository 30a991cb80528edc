import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileExpression, scopes } from '../../../src/expression/index.ts'
import type { ExpressionVariables } from '../../../src/expression/index.ts'
import { KeyturnError } from '../../../src/model/errors.ts'
import { expression } from './expression.ts'

const attributes = ['department', 'title', 'givenName', 'surname', 'manager']
const ann = { department: 'IT/IS', title: 'Sr. DBA', givenName: 'Ann', surname: "O'Neill" }

function text(source: string, variables: Partial<ExpressionVariables> = {}): string {
  const scope = { person: attributes, variables: ['row', 'key', 'name', 'n'] as const }
  return compileExpression(expression(source), scope, 'string')({ person: ann, key: '10268', ...variables })
}

function truth(source: string, person: Readonly<Record<string, string>> = ann): boolean {
  return compileExpression(expression(source), scopes.rule(attributes), 'bool')({ person, key: '10268' })
}

describe('an expression gives', () => {
  test.each([
    ['person.givenName', 'Ann'],
    ['person["givenName"]', 'Ann'],
    ['person.manager', ''],
    ['person.manager + "x"', 'x'],
    ['person[key == "" ? "title" : "manager"] + "x"', 'x'],
    ['key', '10268'],
    ['"made by Keyturn"', 'made by Keyturn'],
    ['person.givenName + " " + person.surname', "Ann O'Neill"],
    ['person.surname.replace("l", "-")', "O'Nei--"],
    ['person.surname.replace("l", "$&", 1)', "O'Nei$&l"],
    ['person.surname.replace("l", "-", 0)', "O'Neill"],
    ['person.surname.replace("l", "-", -1)', "O'Nei--"],
    ['person.surname.charAt(0) + person.surname.charAt(7)', 'O'],
    ['person.surname.lowerAscii() + person.surname.upperAscii()', "o'neillO'NEILL"],
    ['person.surname.substring(2, 4) + string(person.surname.indexOf("N"))', 'Ne2'],
    ['["a", "b"].join("-")', 'a-b'],
  ])('%s', (source, expected) => {
    expect(text(source)).toBe(expected)
  })

  test.each([
    ['person.department == "IT/IS" && person.title.startsWith("Sr.")', true],
    ['person.department != "IT/IS"', false],
    ['person.manager == ""', true],
    ['"IT/IS" == person.department', true],
    ['person["title"] == "IT/IS"', false],
    ['person.department == person.title', false],
    ['person.title.matches("^Sr")', true],
  ])('%s', (source, expected) => {
    expect(truth(source)).toBe(expected)
  })

  test('the account’s name, the counter and the feed’s columns', () => {
    expect(text('name', { name: 'ann' })).toBe('ann')
    expect(text('name + string(n)', { name: 'ann', n: 12 })).toBe('ann12')
    expect(text('row["First Name"].trim()', { row: { 'First Name': '  Ann ' } })).toBe('Ann')
  })

  test('the same with and without the shortcut for plain attributes', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const person = { ...ann, title: value }
        expect(text('person.title', { person })).toBe(text('person.title + ""', { person }))
      }),
    )
  })
})

describe('an expression that fails says where and why, and tells no values', () => {
  test.each([
    ['row.Titel + ""', 'the feed has no column "Titel"'],
    ['row.Title.split(",")[1]', 'item [1] was asked of a list of 1'],
    ['person.title.charAt(99)', 'charAt(99): the index is out of range'],
    ['string(int(person.surname))', 'cannot convert to int'],
    ['string(bool(person.surname))', 'invalid string value "…"'],
  ])('%s', (source, why) => {
    const run = () => text(source, { row: { Title: 'Boss' } })
    expect(run).toThrow(KeyturnError)
    expect(run).toThrow(`roles/x.yaml:7:11: the expression ${source} failed: `)
    expect(run).toThrow(why)
    expect(run).not.toThrow(ann.surname)
  })

  test('with the code that gives up on this person only', () => {
    expect(() => text('row.Titel', { row: {} })).toThrow(
      expect.objectContaining({ code: 'expression-failed', class: 'give-up' }) as Error,
    )
  })

  test('when a computed attribute gives something else than what is needed', () => {
    expect(() => truth('dyn(person.title)')).toThrow('it gave neither true nor false')
  })

  test('when it is no CEL at all', () => {
    expect(() => text('person.')).toThrow('roles/x.yaml:7:11: this is not CEL')
  })
})
