import { describe, expect, test } from 'vitest'
import { told } from './example.ts'

describe('mistakes between roles, platforms and safety are found:', () => {
  test.each<{ name: string; change: [string, string][]; expected: string[] }>([
    {
      name: 'a misspelt attribute in when',
      change: [['person.department == "IT/IS"', 'person.departmnt == "IT/IS"']],
      expected: [
        'roles/x.yaml:6:18 roles.engineer.when: person has no attribute "departmnt"; declared are surname, givenName, displayName, title, department, phone, mail, manager | Did you mean "department"?',
      ],
    },
    {
      name: 'a broken regular expression',
      change: [['person.title.startsWith("Sr.")', 'person.title.matches("(")']],
      expected: [
        'roles/x.yaml:6:64 roles.engineer.when: "(" is no regular expression: Invalid regular expression: /(/: Unterminated group',
      ],
    },
    {
      name: 'an account on an unknown platform',
      change: [['accounts: [wiki]', 'accounts: [wikki]']],
      expected: [
        'roles/x.yaml:8:16 roles.engineer.accounts[0]: no platform is called "wikki"; known are corp-ad, wiki | Did you mean "wiki"?',
      ],
    },
    {
      name: 'an entitlement on an unknown platform',
      change: [['wiki: [editors]', 'wik: [editors]']],
      expected: [
        'roles/x.yaml:9:43 roles.engineer.entitlements.wik: no platform is called "wik"; known are corp-ad, wiki | Did you mean "wiki"?',
      ],
    },
    {
      name: 'an unknown entitlement',
      change: [['wiki: [editors]', 'wiki: [editor]']],
      expected: [
        'roles/x.yaml:9:50 roles.engineer.entitlements.wiki[0]: no entitlement is called "editor"; known are editors | Did you mean "editors"?',
      ],
    },
    {
      name: 'an unknown role in includes',
      change: [['includes: [employee]', 'includes: [employe]']],
      expected: [
        'roles/x.yaml:7:16 roles.engineer.includes[0]: no role is called "employe"; known are employee, engineer | Did you mean "employee"?',
      ],
    },
    {
      name: 'a loop of includes',
      change: [['    entitlements: { corp-ad: [all-staff] }', '    includes: [engineer]']],
      expected: [
        'roles/x.yaml:4:16 roles.employee.includes[0]: roles include each other in a loop: employee → engineer → employee',
      ],
    },
    {
      name: 'a role that includes itself',
      change: [['includes: [employee]', 'includes: [engineer]']],
      expected: [
        'roles/x.yaml:7:16 roles.engineer.includes[0]: roles include each other in a loop: engineer → engineer',
      ],
    },
    {
      name: 'a role that gives nothing',
      change: [['    accounts: [corp-ad]\n    entitlements: { corp-ad: [all-staff] }', '    linger: 1d']],
      expected: [
        '31:3 warning: platforms.corp-ad: no role gives an account on corp-ad: every account that is linked there would be shut | Write accounts: [corp-ad] in a role.',
        'roles/x.yaml:2:3 warning: roles.employee: the role employee gives nothing: no accounts, entitlements or includes',
      ],
    },
    {
      name: 'a platform that no role uses',
      change: [['    accounts: [wiki]\n', '']],
      expected: [
        '59:3 warning: platforms.wiki: no role gives an account on wiki: every account that is linked there would be shut | Write accounts: [wiki] in a role.',
      ],
    },
    {
      name: 'limits for an unknown platform',
      change: [['wiki: { removals: { max', 'wiky: { removals: { max']],
      expected: [
        '80:5 safety.platforms.wiky: no platform is called "wiky"; known are corp-ad, wiki | Did you mean "wiki"?',
      ],
    },
    {
      name: 'a pattern that protects everything',
      change: [[`'svc-*'`, `'*'`]],
      expected: ['74:37 safety.protected[1]: "*" is given, which protects every account: nothing could be changed'],
    },
    {
      name: 'a password in the address of the ledger',
      change: [['sqlite:var/keyturn.db', 'postgres://k:hunter2@db/keyturn']],
      expected: [
        '3:18 state.ledger: the address holds a password, allowed is a reference to the whole address | Put the address into a variable or a file, and write env:NAME or file:PATH.',
      ],
    },
    {
      name: 'a password in the address of Redis',
      change: [['redis: embedded', 'redis: "redis://:hunter2@host"']],
      expected: [
        '3:48 state.redis: the address holds a password, allowed is a reference to the whole address | Put the address into a variable or a file, and write env:NAME or file:PATH.',
      ],
    },
    {
      name: 'a platform called default',
      change: [['  wiki:', '  default:']],
      expected: [
        '59:3 platforms.default: a platform cannot be called "default"',
        '80:5 safety.platforms.wiki: no platform is called "wiki"; known are corp-ad, default',
        'roles/x.yaml:8:16 roles.engineer.accounts[0]: no platform is called "wiki"; known are corp-ad, default',
        'roles/x.yaml:9:43 roles.engineer.entitlements.wiki: no platform is called "wiki"; known are corp-ad, default',
      ],
    },
  ])('$name', ({ change, expected }) => {
    expect(told(change)).toEqual(expected)
  })
})
