import { describe, expect, test } from 'vitest'
import { pathOf } from '../../../src/ledger/open.ts'
import { summarise } from '../../../src/ledger/summary.ts'
import type { Change } from '../../../src/model/change.ts'

describe('the URL of a ledger', () => {
  test('names an absolute path, or memory', () => {
    expect(pathOf('sqlite:/var/lib/keyturn/keyturn.db')).toBe('/var/lib/keyturn/keyturn.db')
    expect(pathOf('sqlite::memory:')).toBe(':memory:')
  })

  test.each(['sqlite:keyturn.db', 'sqlite:', 'keyturn.db', 'postgres://keyturn:secret@db/keyturn'])(
    '%s is refused',
    (url) => {
      expect(() => pathOf(url)).toThrowError(expect.objectContaining({ code: 'config-invalid' }))
    },
  )

  test('is never repeated with its password', () => {
    expect(() => pathOf('postgres://keyturn:secret@db/keyturn')).not.toThrow(/secret/)
  })
})

describe('what a hold shows of a change', () => {
  const reason = { kind: 'rule', text: 'role employee' } as const
  const base = { identity: 'hr:1', platform: 'wiki', account: 'ann.example', target: { nativeId: 'g' }, reason }
  const desired = { name: 'ann.example', container: 'OU=Staff', enabled: true, attributes: {}, expiresAt: null }
  const field = { attribute: 'title', from: ['Clerk'] }
  const cases: readonly [string, Change][] = [
    ['create ann.example in OU=Staff', { ...base, kind: 'create', desired }],
    ['disable ann.example (leaver)', { ...base, kind: 'disable', protocol: 'leaver' }],
    ['disable ann.example (suspended)', { ...base, kind: 'disable', protocol: 'suspend' }],
    ['enable ann.example', { ...base, kind: 'enable' }],
    ['delete ann.example', { ...base, kind: 'delete' }],
    ['rename ann.example from ann to anna', { ...base, kind: 'rename', from: 'ann', to: 'anna' }],
    ['set title of ann.example to "Head"', { ...base, kind: 'update', field: { ...field, to: ['Head'] } }],
    ['set title of ann.example to nothing', { ...base, kind: 'update', field: { ...field, to: [] } }],
    [
      'set title of ann.example to the account of hr:2',
      { ...base, kind: 'update', field: { ...field, to: { accountOf: 'hr:2' } } },
    ],
    ['let ann.example expire never', { ...base, kind: 'expire', from: 1, to: null }],
    ['let ann.example expire on 1970-01-01T00:00:00.000Z', { ...base, kind: 'expire', from: null, to: 0 }],
    ['grant admins to ann.example', { ...base, kind: 'grant', entitlement: 'admins' }],
    ['revoke admins from ann.example', { ...base, kind: 'revoke', entitlement: 'admins' }],
    ['issue a new password for ann.example', { ...base, kind: 'issue-credential', credential: 'password' }],
    ['link ann.example by mail', { ...base, kind: 'link', by: 'mail' }],
  ]
  test.each(cases)('%s', (text, change) => {
    expect(summarise(change)).toBe(text)
  })
})
