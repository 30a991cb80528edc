import { describe, expect, test } from 'vitest'
import { checkExpression, scopes } from '../../../src/expression/index.ts'
import type { ExpressionScope } from '../../../src/expression/index.ts'
import { expression } from './expression.ts'

const attributes = ['department', 'title', 'givenName', 'surname']
const mapping = scopes.mapping(attributes)
const rule = scopes.rule(attributes)
const name = scopes.name(attributes)
const account = scopes.account(attributes)

/** `column: message | hint`, one a problem, of an expression that begins at line 7, column 11. */
function problems(text: string, scope: ExpressionScope, returns: 'string' | 'bool'): string[] {
  return checkExpression(expression(text), scope, returns).map(
    ({ place, message, hint }) => `${place.line}:${place.column}: ${message}${hint === undefined ? '' : ` | ${hint}`}`,
  )
}

describe('an expression is accepted', () => {
  test.each([
    ['person.department == "IT/IS" && person.title.startsWith("Sr.")', rule, 'bool'],
    ['true', rule, 'bool'],
    ['person.department in ["Sales", "Marketing"] || key == "42"', rule, 'bool'],
    ['person.title.matches("^(Senior|Sr\\\\.)")', rule, 'bool'],
    ['row.Employee_Name.split(",")[0]', mapping, 'string'],
    ['row["First Name"].trim() + " " + row.Last', mapping, 'string'],
    ['person.givenName + " " + person.surname', mapping, 'string'],
    ['person.givenName + "." + person.surname + string(n)', name, 'string'],
    ['person.givenName.charAt(0).lowerAscii() + person.surname.replace(" ", "").upperAscii()', name, 'string'],
    ['person.givenName.substring(0, 1) + person.surname.replace("-", "", 1)', name, 'string'],
    ['person.title.contains("x") ? "a" : ["a", "b"].join("-")', account, 'string'],
    ['name + "@corp.example"', account, 'string'],
    ['person["title"]', account, 'string'],
    ['"made by Keyturn"', account, 'string'],
  ] as const)('%s', (text, scope, returns) => {
    expect(problems(text, scope, returns)).toEqual([])
  })
})

describe('an expression is refused with the place of the mistake and what is allowed', () => {
  test.each([
    [
      'person.departmnt == "IT"',
      rule,
      'bool',
      '7:18: person has no attribute "departmnt"; declared are department, title, givenName, surname | Did you mean "department"?',
    ],
    [
      'person["Title"] == ""',
      rule,
      'bool',
      '7:18: person has no attribute "Title"; declared are department, title, givenName, surname | Did you mean "title"?',
    ],
    ['person.title ==', rule, 'bool', '7:26: this is not CEL: it ends too early'],
    ['person.title == "x', rule, 'bool', '7:27: this is not CEL: Unterminated string'],
    ['person.title == 3', rule, 'bool', '7:11: text is compared with a number'],
    ['person.title', rule, 'bool', '7:11: gives text, but true or false is needed'],
    ['person.title == ""', account, 'string', '7:11: gives true or false, but text is needed'],
    ['n', name, 'string', '7:11: gives a number, but text is needed | Write string(n).'],
    ['"a" + n', name, 'string', '7:11: text and a number cannot be joined with + | Write string(n).'],
    ['row.Title', rule, 'string', '7:11: unknown name "row"; allowed here are person, key'],
    ['keyy', account, 'string', '7:11: unknown name "keyy"; allowed here are person, key, name | Did you mean "key"?'],
    [
      'title == "x"',
      rule,
      'bool',
      '7:11: unknown name "title"; allowed here are person, key | Did you mean "person.title"?',
    ],
    [
      'Headquarters',
      account,
      'string',
      `7:11: unknown name "Headquarters"; allowed here are person, key, name | For fixed text write '"Headquarters"'.`,
    ],
    [
      'made by Keyturn',
      account,
      'string',
      `7:16: this is not CEL: unexpected "by" | For fixed text write '"made by Keyturn"'.`,
    ],
    [
      'row.First Name',
      mapping,
      'string',
      `7:21: this is not CEL: unexpected "Name" | A column with a space in its name: row["First Name"].`,
    ],
    ['person.title.startWith("x")', rule, 'bool', '7:11: unknown function "startWith" | Did you mean "startsWith"?'],
    ['person.title.startsWith(3)', rule, 'bool', `7:11: these types do not fit: 'string.startsWith(int)'`],
    [
      'has(person.title)',
      rule,
      'bool',
      '7:11: has() is always true of an attribute: one that is missing is "" | Write person.title != "".',
    ],
    [
      'person.title.matches("(")',
      rule,
      'bool',
      '7:32: "(" is no regular expression: Invalid regular expression: /(/: Unterminated group',
    ],
  ] as const)('%s', (text, scope, returns, expected) => {
    expect(problems(text, scope, returns)).toEqual([expected])
  })

  test('every undeclared attribute at once', () => {
    expect(problems('person.titel == "" || person.sirname == ""', rule, 'bool')).toHaveLength(2)
  })

  test('on the second line of its text', () => {
    expect(problems('person.title == "x" &&\n  person.foo == ""', rule, 'bool')).toEqual([
      '8:10: person has no attribute "foo"; declared are department, title, givenName, surname',
    ])
  })

  test('at the place that the caller works out', () => {
    const locate = (offset: number) => ({ file: 'other.yaml', line: 1, column: offset * 2 })
    const [problem] = checkExpression(expression('person.foo'), rule, 'bool', { path: 'roles.a.when', locate })
    expect(problem).toMatchObject({ path: 'roles.a.when', place: { file: 'other.yaml', line: 1, column: 14 } })
  })
})
