import { describe, expect, test } from 'vitest'
import {
  LdapResultError,
  directoryError,
  networkError,
  resultTable,
} from '../../../../src/connectors/directory/errors.ts'
import { KeyturnError } from '../../../../src/model/errors.ts'

describe('a refusal of a directory', () => {
  test('says what was asked, what it means, what the server said, and what to do', () => {
    const error = directoryError(new LdapResultError(50, 'no write access to parent\0'), {
      platform: 'wiki',
      doing: 'creating uid=ann,dc=x',
    })
    expect(error).toMatchObject({ code: 'no-rights', class: 'give-up' })
    expect(error.message).toBe(
      'wiki: creating uid=ann,dc=x was refused: the account of Keyturn lacks the right (LDAP 50 insufficientAccessRights: "no write access to parent").',
    )
    expect(error.hint).toContain('rights')
  })

  test('can mean something else in its place', () => {
    const context = { platform: 'wiki', doing: 'setting a password', codes: { 19: 'password-refused' } } as const
    expect(directoryError(new LdapResultError(19, ''), context).code).toBe('password-refused')
    expect(directoryError(new LdapResultError(21, ''), context).code).toBe('value-refused')
  })

  test('with a code of no standard is to be tried again', () => {
    expect(directoryError(new LdapResultError(4711, 'odd'), { platform: 'p', doing: 'x' })).toMatchObject({
      class: 'retry',
    })
  })

  test.each(Object.entries(resultTable))('%s has a name and a sentence', (_, { name, text }) => {
    expect(name).toMatch(/^[a-zA-Z]+$/)
    expect(text).toMatch(/^[a-z].* .*[a-z]$/)
  })

  test('that is a KeyturnError already stays as it is', () => {
    const error = new KeyturnError('value-refused', 'as it is')
    expect(directoryError(error, { platform: 'p', doing: 'x' })).toBe(error)
    expect(networkError(error, 'host:1')).toBe(error)
  })
})

describe('an error of the network', () => {
  test.each([
    ['ECONNREFUSED', 'platform-unreachable'],
    ['ENOTFOUND', 'platform-unreachable'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'platform-untrusted'],
    ['CERT_HAS_EXPIRED', 'platform-untrusted'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'platform-untrusted'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'platform-untrusted'],
    ['', 'platform-unreachable'],
  ])('%s means %s', (code, expected) => {
    const error = networkError(Object.assign(new Error('text'), { code }), 'dc1:636')
    expect(error.code).toBe(expected)
    expect(error.message).toContain('dc1:636')
  })
})
