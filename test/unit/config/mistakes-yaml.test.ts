import { describe, expect, test } from 'vitest'
import { told } from './example.ts'

describe('mistakes of YAML are found:', () => {
  test.each<{ name: string; change: [string, string][]; expected: string[] }>([
    {
      name: 'a role that stands twice in a file',
      change: [['  engineer:\n', '  employee:\n']],
      expected: ['roles/x.yaml:5:3 roles.employee: this key stands twice in the same mapping; one is allowed'],
    },
    {
      name: 'a key that stands twice',
      change: [['    key: EmpID\n', '    key: EmpID\n    key: EmpID\n']],
      expected: ['11:5 sources.hr.key: this key stands twice in the same mapping; one is allowed'],
    },
    {
      name: 'a tab as indentation',
      change: [['    key: EmpID\n', '\tkey: EmpID\n']],
      expected: ['10:1 : this is not YAML: tabs are not allowed as indentation | Indent with spaces.'],
    },
    {
      name: 'a bracket that is not closed',
      change: [['trim: true }', 'trim: true']],
      expected: [
        '14:7 : this is not YAML: flow map in block collection must be sufficiently indented and end with a }',
      ],
    },
    {
      name: 'an alias without an anchor',
      change: [['key: EmpID', 'key: *emp']],
      expected: ['10:10 : this alias names no anchor that stands before it'],
    },
  ])('$name', ({ change, expected }) => {
    expect(told(change)).toEqual(expected)
  })
})
