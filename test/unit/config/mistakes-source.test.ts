import { describe, expect, test } from 'vitest'
import { told } from './example.ts'

describe('mistakes between the parts of a source are found:', () => {
  test.each<{ name: string; change: [string, string][]; expected: string[] }>([
    {
      name: 'a misspelt attribute in an expression',
      change: [[`'person.givenName + " " + person.surname'`, `'person.givenNam + " " + person.surname'`]],
      expected: [
        '15:36 sources.hr.identity.displayName.expr: person has no attribute "givenNam"; declared are surname, givenName, displayName, title, department, phone, mail | Did you mean "givenName"?',
      ],
    },
    {
      name: 'a reference in an expression of the same source',
      change: [[`'person.givenName + " " + person.surname'`, `'person.manager'`]],
      expected: [
        '15:36 sources.hr.identity.displayName.expr: person.manager is a reference; references are found only after all rows are read',
      ],
    },
    {
      name: 'attributes that need each other',
      change: [[`surname: { expr: 'row.Employee_Name.split(",")[0]'`, `surname: { expr: 'person.displayName'`]],
      expected: [
        '13:24 sources.hr.identity.surname.expr: attributes need each other in a loop: surname → displayName → surname',
      ],
    },
    {
      name: 'an attribute that needs itself',
      change: [[`surname: { expr: 'row.Employee_Name.split(",")[0]'`, `surname: { expr: 'person.surname'`]],
      expected: ['13:24 sources.hr.identity.surname.expr: attributes need each other in a loop: surname → surname'],
    },
    {
      name: 'a reference to an attribute that does not exist',
      change: [['reference: displayName', 'reference: dispalyName']],
      expected: [
        '20:50 sources.hr.identity.manager.reference: no attribute is called "dispalyName"; allowed are key, surname, givenName, displayName, title, department, phone, mail | Did you mean "displayName"?',
      ],
    },
    {
      name: 'both a column and an expression',
      change: [['title: { column: Position', 'title: { column: Position, expr: key']],
      expected: ['16:7 sources.hr.identity.title: both column and expr are given, needed is one of them'],
    },
    {
      name: 'neither a column nor an expression',
      change: [['title: { column: Position, trim: true }', 'title: { trim: true }']],
      expected: ['16:7 sources.hr.identity.title: neither column nor expr is given, needed is one of them'],
    },
    {
      name: 'a misspelt column key',
      change: [['title: { column: Position, trim: true }', 'title: { colum: Position }']],
      expected: [
        '16:7 sources.hr.identity.title: neither column nor expr is given, needed is one of them',
        '16:16 sources.hr.identity.title.colum: unknown key; allowed here are column, expr, trim, reference, unresolved | Did you mean "column"?',
      ],
    },
    {
      name: 'a space in the name of an attribute',
      change: [
        ['phone: { column: Phone }', 'phone number: { column: Phone }'],
        ['{ value: person.phone, empty: keep }', 'key'],
      ],
      expected: [
        '18:7 sources.hr.identity["phone number"]: the attribute name "phone number" is given, allowed is a name of up to 64 letters, digits and _ that begins with a letter and is no word of CEL',
      ],
    },
    {
      name: 'an attribute called key',
      change: [
        ['phone: { column: Phone }', 'key: { column: Phone }'],
        ['{ value: person.phone, empty: keep }', 'key'],
      ],
      expected: [
        '18:7 sources.hr.identity.key: the attribute name "key" is given, allowed is a name of up to 64 letters, digits and _ that begins with a letter and is no word of CEL | The source key is always there, as key.',
      ],
    },
    {
      name: 'an attribute whose name is a word of CEL',
      change: [
        ['phone: { column: Phone }', 'in: { column: Phone }'],
        ['{ value: person.phone, empty: keep }', 'key'],
      ],
      expected: [
        '18:7 sources.hr.identity.in: the attribute name "in" is given, allowed is a name of up to 64 letters, digits and _ that begins with a letter and is no word of CEL',
      ],
    },
    {
      name: 'unresolved without a reference',
      change: [['{ column: Phone }', '{ column: Phone, unresolved: keep }']],
      expected: ['18:31 sources.hr.identity.phone.unresolved: unresolved is given without reference'],
    },
    {
      name: 'fewer rows at most than at least',
      change: [['min: 250', 'min: 250, max: 10']],
      expected: ['27:77 sources.hr.contract.rows.max: at most 10 rows are given, allowed is min (250) or more'],
    },
    {
      name: 'a delta that would tell who vanished',
      change: [['content: full', 'content: delta']],
      expected: [
        '28:5 warning: sources.hr.vanished: vanished has no effect: a source with content: delta never proves absence',
      ],
    },
  ])('$name', ({ change, expected }) => {
    expect(told(change)).toEqual(expected)
  })
})
