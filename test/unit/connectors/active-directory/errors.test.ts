import { describe, expect, test } from 'vitest'
import {
  domainError,
  ownSignInError,
  signInCode,
  signInTable,
  win32Code,
  win32Table,
} from '../../../../src/connectors/active-directory/errors.ts'
import { LdapResultError } from '../../../../src/connectors/directory/errors.ts'
import { KeyturnError, errorClasses } from '../../../../src/model/errors.ts'

const at = { platform: 'corp-ad', doing: 'creating ann' }

/** What domain controllers really answer: [LDAP result, diagnostic, what it means]. */
const answers: readonly [number, string, string][] = [
  [19, '0000052D: Constraint violation - check_password_restrictions: the password is too short.', 'password-refused'],
  [53, '0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0', 'password-refused'],
  [53, '0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0', 'insecure'],
  [68, "00002071: samldb: samAccountName 'ann' already in use!", 'name-taken'],
  [68, '00000524: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0', 'name-taken'],
  [19, '000021C8: AtrErr: DSID-03200EBE, #1: 0: 000021C8: DSID-03200EBE, problem 1005', 'name-taken'],
  [19, '000020B5: Referenced object not found', 'reference-waits'],
  [50, '00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0', 'no-rights'],
  [50, '00000005: SecErr: DSID-031521D0, problem 4003', 'no-rights'],
  [80, '00002095: new parent missing', 'object-missing'],
  [32, '0000208D: NameErr: DSID-03100241, problem 2001 (NO_OBJECT), data 0', 'object-missing'],
  [16, '00002085: AtrErr: DSID-03191085', 'precondition-failed'],
  [10, '0000202B: RefErr: DSID-0310082F, data 0, 1 access points', 'cannot-manage'],
  [51, '0000200E: SvcErr: DSID-03210A6B, problem 5001 (BUSY), data 0', 'platform-busy'],
]

describe('refusals', () => {
  test.each(answers)('result %i with "%s" means %s', (result, diagnostic, code) => {
    const error = domainError(new LdapResultError(result, diagnostic), at)
    expect(error.code).toBe(code)
    expect(error.message).toContain('corp-ad: creating ann was refused')
  })

  test('every code of the table is eight digits in capitals and has a sentence', () => {
    for (const [code, meaning] of Object.entries(win32Table)) {
      expect(code).toMatch(/^[0-9A-F]{8}$/)
      expect(errorClasses).toHaveProperty(meaning.code)
      expect(meaning.text).toMatch(/^[a-z].*[^.]$/)
    }
  })

  test('a lacking right on a protected account is told as what it is', () => {
    const error = new LdapResultError(50, '00002098: SecErr: DSID-03150F94')
    const told = domainError(error, { ...at, cannotManage: 'root is protected by AdminSDHolder (adminCount=1).' })
    expect(told).toMatchObject({ code: 'cannot-manage' })
    expect(told.message).toContain('adminCount=1')
  })

  test('a result without a Win32 code is told by the result', () => {
    expect(domainError(new LdapResultError(50, ''), at).code).toBe('no-rights')
    expect(domainError(new LdapResultError(32, 'No such Base DN'), at).code).toBe('object-missing')
  })

  test('an error that is understood already stays what it is', () => {
    const known = new KeyturnError('insecure', 'no')
    expect(domainError(known, at)).toBe(known)
  })

  test('only digits at the very head count as a code', () => {
    expect(win32Code('0000052d: x')).toBe('0000052D')
    expect(win32Code('error 0000052D: x')).toBeUndefined()
    expect(win32Code('')).toBeUndefined()
  })
})

describe('refused sign-ins', () => {
  const diagnostic = (data: string) =>
    `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data ${data}, v1db1`

  test.each(['533', '701'])('%s shows that the account is shut', (data) => {
    expect(signInTable[signInCode(diagnostic(data)) ?? '']?.shut).toBe(true)
  })

  test.each(['52e', '52E', '525', '530', '531', '532', '773', '775'])('%s shows nothing of that', (data) => {
    expect(signInTable[signInCode(diagnostic(data)) ?? '']?.shut).toBe(false)
  })

  test('other diagnostics have no code', () => {
    expect(signInCode('Simple Bind Failed: NT_STATUS_LOGON_FAILURE')).toBeUndefined()
  })
})

describe('our own sign-in', () => {
  const settings = { id: 'corp-ad', bind: { dn: 'svc-keyturn@corp.example', password: 'env:AD_PASSWORD' } } as const
  const refused = (diagnostic: string) =>
    new KeyturnError('platform-sign-in-refused', 'refused', { cause: new LdapResultError(49, diagnostic) })
  const answer = (data: string) =>
    `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data ${data}, v1db1`

  test.each([
    ['52e', 'the name or the password is wrong'],
    ['533', 'the account is disabled'],
    ['532', 'the password has expired'],
    ['775', 'the account is locked'],
  ])('data %s is said in words, with where to look', (data, words) => {
    const error = ownSignInError(refused(answer(data)), settings)
    expect(error).toMatchObject({ code: 'platform-sign-in-refused', message: expect.stringContaining(words) })
    expect(error).toMatchObject({ hint: expect.stringContaining('env:AD_PASSWORD') })
  })

  test('a refusal without a known code, and any other error, stay as they are', () => {
    for (const error of [
      refused(answer('9999')),
      refused('no idea'),
      new KeyturnError('insecure', 'x'),
      new Error('y'),
    ])
      expect(ownSignInError(error, settings)).toBe(error)
  })
})
