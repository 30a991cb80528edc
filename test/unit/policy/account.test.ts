import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../src/policy/index.ts'
import type { AccountSettings } from '../../../src/model/settings.ts'
import { expression, now, person, platform, role, settings } from './company.ts'

function desire(accounts: Partial<AccountSettings>, who = person('7')) {
  const policy = compilePolicy(settings([role('employee', { accounts: ['wiki'] })], [platform('wiki', accounts)]))
  return policy.desire(who, 'wiki', [], now)
}

const attribute = (text: string) => ({ value: expression(text, 8), write: 'always', empty: 'clear' }) as const

describe('accounts', () => {
  it('match values are the key and attributes; a missing one is empty', () => {
    expect(desire({}).matches.map(({ attribute, value, then }) => [attribute, value, then])).toEqual([
      ['employeeNumber', '7', 'link'],
      ['mail', '', 'propose'],
    ])
  })

  it('a fixed container, or one by expression over the person and the name', () => {
    expect(desire({}).container('x')).toBe('ou=people,dc=example')
    const container = expression('"ou=" + person.department + ",cn=" + name')
    expect(desire({ container }).container('ada')).toBe('ou=Sales,cn=ada')
  })

  it('attributes are text, with how they are written and where they are written down', () => {
    const [title] = desire({
      attributes: { title: attribute('person.surname + " (" + key + ", " + name + ")"') },
    }).attributes('ab')
    expect(title).toEqual({
      name: 'title',
      value: ['Byron (7, ab)'],
      write: 'always',
      empty: 'clear',
      reason: {
        kind: 'setting',
        text: 'title: person.surname + " (" + key + ", " + name + ")"',
        place: { file: 'config/roles/roles.yaml', line: 8, column: 3 },
      },
    })
  })

  it('an empty text is no value', () => {
    expect(desire({ attributes: { phone: attribute('person.phone') } }).attributes('ab')[0]?.value).toEqual([])
  })

  it('a reference means the account of that person, and nobody is no value', () => {
    const attributes = { manager: attribute('person.manager') }
    const withManager = person('7', { references: { manager: 'hr:1' } })
    expect(desire({ attributes }, withManager).attributes('ab')[0]?.value).toEqual({ accountOf: 'hr:1' })
    expect(desire({ attributes }, person('7', { references: { manager: null } })).attributes('a')[0]?.value).toEqual([])
    expect(desire({ attributes }).attributes('ab')[0]?.value).toEqual([])
  })

  it('a reference inside a text reads as an id', () => {
    const attributes = { note: attribute('"works for " + person.manager') }
    const withManager = person('7', { references: { manager: 'hr:1' } })
    expect(desire({ attributes }, withManager).attributes('ab')[0]?.value).toEqual(['works for hr:1'])
  })
})
