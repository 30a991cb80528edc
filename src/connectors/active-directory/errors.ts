import { KeyturnError } from '../../model/errors.ts'
import type { ErrorCode } from '../../model/errors.ts'
import type { DirectorySettings } from '../../model/settings.ts'
import { LdapResultError, directoryError } from '../directory/errors.ts'

interface Meaning {
  readonly code: ErrorCode
  /** Completes "… was refused: …". */
  readonly text: string
  readonly hint?: string
}

const rightsHint = 'docs/connectors/active-directory.md lists the rights to delegate, and the commands that do it.'
const uniqueHint = 'Find the other account by that name, and rename it or give this person another name.'
const memberHint = 'Run the plan again: the membership has changed since it was read.'
const schemaHint = 'Compare the attribute in the configuration with the schema of the domain.'

/**
 * What the eight hexadecimal digits at the head of a diagnostic mean: a Win32 error code (winerror.h). They decide, not the LDAP
 * result, since Windows and Samba give different results for the same refusal (a weak password: 53 and 19).
 */
export const win32Table: Readonly<Record<string, Meaning>> = {
  '00000005': { code: 'no-rights', text: 'the account of Keyturn may not do this', hint: rightsHint },
  '0000001F': {
    code: 'insecure',
    text: 'the domain controller takes passwords over an encrypted connection only',
    hint: 'Use an ldaps:// url.',
  },
  '00000032': { code: 'cannot-manage', text: 'the domain controller does not support this' },
  '00000056': { code: 'password-refused', text: 'the old password is wrong' },
  '00000057': { code: 'value-refused', text: 'the schema does not know the attribute', hint: schemaHint },
  '00000523': { code: 'value-refused', text: 'the account name has a form that Windows does not allow' },
  '00000524': { code: 'name-taken', text: 'another object of the domain has this account name', hint: uniqueHint },
  '00000525': { code: 'object-missing', text: 'the account or member does not exist (any more)' },
  '00000528': { code: 'precondition-failed', text: 'it is a member of the group already', hint: memberHint },
  '00000529': { code: 'precondition-failed', text: 'it is no member of the group', hint: memberHint },
  '0000052D': {
    code: 'password-refused',
    text: 'the password does not satisfy the password policy of the domain (length, complexity, parts of the name)',
    hint: 'Set password.length and password.classes of the platform to what the strictest policy for these accounts demands.',
  },
  '0000052F': { code: 'cannot-manage', text: 'a restriction of the account stands against it' },
  '0000055B': { code: 'cannot-manage', text: 'this is an account that Windows itself needs' },
  '0000055E': {
    code: 'cannot-manage',
    text: 'the group is the primary group of the account, and nobody can be taken out of his primary group',
    hint: 'Give the account another primary group first.',
  },
  '00000561': { code: 'precondition-failed', text: 'it is no member of the group', hint: memberHint },
  '00000562': { code: 'precondition-failed', text: 'it is a member of the group already', hint: memberHint },
  '00000775': { code: 'cannot-manage', text: 'the account is locked for too many wrong passwords' },
  '0000200A': { code: 'precondition-failed', text: 'the value that was to be replaced is not there any more' },
  '0000200B': {
    code: 'value-refused',
    text: 'the value is too long, or has a form that the schema does not allow',
    hint: schemaHint,
  },
  '0000200C': { code: 'value-refused', text: 'the schema does not know the attribute', hint: schemaHint },
  '0000200D': { code: 'value-refused', text: 'the attribute takes one value only, or has this one already' },
  '0000200E': { code: 'platform-busy', text: 'the domain controller is busy' },
  '0000200F': { code: 'platform-busy', text: 'the domain controller is not available' },
  '00002014': { code: 'value-refused', text: 'an object of this class cannot hold this attribute', hint: schemaHint },
  '00002015': {
    code: 'cannot-manage',
    text: 'the account has objects below it (such as a phone that was enrolled by Exchange)',
    hint: 'Look at them, delete them, and let Keyturn try again.',
  },
  '00002016': { code: 'value-refused', text: 'the attribute is part of the name of the object' },
  '00002020': {
    code: 'platform-unreachable',
    text: 'the connection is not signed in',
  },
  '00002024': { code: 'platform-busy', text: 'the domain controller stopped at a limit of its administrator' },
  '0000202B': {
    code: 'cannot-manage',
    text: 'the domain controller refers to another one, as a read-only domain controller does',
    hint: 'Let `url` name a writable domain controller of the domain that `base` is in.',
  },
  '0000202F': {
    code: 'value-refused',
    text: 'the value breaks a rule of the domain (a name in use, a forbidden character)',
  },
  '00002030': { code: 'object-missing', text: 'the object or its container does not exist' },
  '00002032': { code: 'value-refused', text: 'the name is no DN' },
  '00002035': { code: 'cannot-manage', text: 'the domain controller refuses on principle' },
  '00002037': { code: 'value-refused', text: 'the schema forbids that name there' },
  '00002071': { code: 'name-taken', text: 'the name is in use', hint: uniqueHint },
  '00002077': { code: 'cannot-manage', text: 'this cannot be changed by LDAP' },
  '00002081': { code: 'value-refused', text: 'the attribute takes one value only' },
  '00002082': { code: 'value-refused', text: 'the value is longer or larger than the schema allows', hint: schemaHint },
  '00002083': { code: 'precondition-failed', text: 'the value is there already' },
  '00002084': { code: 'precondition-failed', text: 'the attribute that was to be replaced is not there any more' },
  '00002085': { code: 'precondition-failed', text: 'the value that was to be replaced is not there any more' },
  '00002089': { code: 'object-missing', text: 'the container does not exist' },
  '0000208D': { code: 'object-missing', text: 'the object does not exist' },
  '00002095': { code: 'object-missing', text: 'the new container does not exist' },
  '00002098': { code: 'no-rights', text: 'the account of Keyturn lacks the right', hint: rightsHint },
  '000020B5': { code: 'reference-waits', text: 'the object that the value refers to does not exist (yet)' },
  '000020E7': {
    code: 'no-rights',
    text: 'the account of Keyturn may not change what protects the object',
    hint: rightsHint,
  },
  '000021C7': { code: 'name-taken', text: 'another object of the forest has this service name', hint: uniqueHint },
  '000021C8': {
    code: 'name-taken',
    text: 'another account of the forest has this userPrincipalName',
    hint: uniqueHint,
  },
}

/** The Win32 code at the head of a diagnostic, in capitals; undefined where the server sent none. */
export function win32Code(diagnostic: string): string | undefined {
  return /^([0-9A-F]{8}):/i.exec(diagnostic)?.[1]?.toUpperCase()
}

/** What is being done, and the account's protection, for a sentence that an admin can act on. */
export interface Doing {
  readonly platform: string
  readonly doing: string
  /** Set where adminCount=1, which explains why a right that was delegated is not there. */
  readonly cannotManage?: string | undefined
}

/** Turns whatever a request threw into a KeyturnError with a sentence of what it means in a domain. */
export function domainError(error: unknown, { platform, doing, cannotManage }: Doing): KeyturnError {
  if (!(error instanceof LdapResultError)) return directoryError(error, { platform, doing })
  const meaning = win32Table[win32Code(error.diagnostic) ?? '']
  const noRights = meaning?.code === 'no-rights' || (meaning === undefined && error.code === 50)
  if (noRights && cannotManage !== undefined) {
    return new KeyturnError('cannot-manage', `${platform}: ${doing} was refused: ${cannotManage}`, { cause: error })
  }
  const hint = meaning?.hint ?? (noRights ? rightsHint : undefined)
  return directoryError(error, {
    platform,
    doing,
    ...(meaning === undefined ? {} : { text: meaning.text, codes: { [error.code]: meaning.code } }),
    ...(hint === undefined ? {} : { hint }),
  })
}

interface SignInRefusal {
  /** Does it show that the account is shut, whatever the password? */
  readonly shut: boolean
  readonly text: string
}

/**
 * The `data` code of a refused sign-in (result 49). Only with the right password does a domain controller say what state the
 * account is in; with a wrong one it says 52e whether the account is open or shut.
 */
export const signInTable: Readonly<Record<string, SignInRefusal>> = {
  '525': { shut: false, text: 'there is no such account' },
  '52e': { shut: false, text: 'the password is wrong, which says nothing about the account' },
  '530': { shut: false, text: 'sign-in is not permitted at this time of day' },
  '531': { shut: false, text: 'sign-in is not permitted from this workstation' },
  '532': { shut: false, text: 'the password has expired' },
  '533': { shut: true, text: 'the account is disabled' },
  '701': { shut: true, text: 'the account has expired' },
  '773': { shut: false, text: 'the password must be changed first' },
  '775': { shut: false, text: 'the account is locked for too many wrong passwords, for a while' },
}

/** The `data` code in the diagnostic of a refused sign-in, in lower case. */
export function signInCode(diagnostic: string): string | undefined {
  return /\bdata ([0-9a-f]+)\b/i.exec(diagnostic)?.[1]?.toLowerCase()
}

/** What a domain controller says of our own sign-in, which is all that it says of why. Other errors are left as they are. */
export function ownSignInError(error: unknown, { id, bind }: Pick<DirectorySettings, 'id' | 'bind'>): unknown {
  if (!(error instanceof KeyturnError) || error.code !== 'platform-sign-in-refused') return error
  const { cause } = error
  const code = cause instanceof LdapResultError ? signInCode(cause.diagnostic) : undefined
  const meaning = code === '52e' ? 'the name or the password is wrong' : signInTable[code ?? '']?.text
  if (meaning === undefined) return error
  return new KeyturnError(error.code, `${id}: signing in as ${bind.dn} was refused: ${meaning} (data ${code}).`, {
    cause,
    hint: `Check bind.dn and ${bind.password}, and the account itself on the domain controller.`,
  })
}
