import { KeyturnError } from '../../model/errors.ts'
import type { ErrorCode } from '../../model/errors.ts'

/** The server answered, and the answer is no. The connection is still good. */
export class LdapResultError extends Error {
  override readonly name = 'LdapResultError'
  readonly code: number
  readonly diagnostic: string
  readonly matchedDn: string
  /** The password policy control says "account locked" (draft-behera-ldap-password-policy, section 6.2). */
  readonly saysLocked: boolean

  constructor(code: number, diagnostic: string, more: { matchedDn?: string; saysLocked?: boolean } = {}) {
    super(`LDAP result ${code} ${resultTable[code]?.name ?? ''}: ${diagnostic}`)
    this.code = code
    this.diagnostic = diagnostic
    this.matchedDn = more.matchedDn ?? ''
    this.saysLocked = more.saysLocked ?? false
  }
}

interface ResultMeaning {
  readonly name: string
  readonly code: ErrorCode
  /** What it means for an admin. */
  readonly text: string
  readonly hint?: string
}

const schemaHint = 'Compare the attributes and object classes in the configuration with the schema of the server.'

/** LDAP result codes (RFC 4511, appendix A, and 122 of RFC 4528): what they mean, and what to do with them. */
export const resultTable: Readonly<Record<number, ResultMeaning>> = {
  1: { name: 'operationsError', code: 'unexpected', text: 'the server failed or the connection is not signed in' },
  2: { name: 'protocolError', code: 'unexpected', text: 'the server did not understand the request' },
  3: { name: 'timeLimitExceeded', code: 'platform-busy', text: 'the server ran into its own time limit' },
  4: {
    name: 'sizeLimitExceeded',
    code: 'platform-read-incomplete',
    text: 'the server gives no more entries than its size limit',
    hint: 'Let the account of Keyturn read without a size limit (OpenLDAP: limits; 389DS: nsSizeLimit and nsPagedSizeLimit).',
  },
  7: { name: 'authMethodNotSupported', code: 'platform-sign-in-refused', text: 'the server allows no simple bind' },
  8: {
    name: 'strongerAuthRequired',
    code: 'insecure',
    text: 'the server demands an encrypted connection',
    hint: 'Use an ldaps:// url.',
  },
  10: {
    name: 'referral',
    code: 'cannot-manage',
    text: 'the server refers to another one, as a read-only replica does',
    hint: 'Let `url` name a server that takes writes.',
  },
  11: {
    name: 'adminLimitExceeded',
    code: 'platform-read-incomplete',
    text: 'the server stopped at a limit of its administrator',
    hint: 'Raise the look-through limit for the account of Keyturn, or index the attributes that accounts are matched by.',
  },
  12: {
    name: 'unavailableCriticalExtension',
    code: 'cannot-manage',
    text: 'the server lacks a control that is needed',
  },
  13: {
    name: 'confidentialityRequired',
    code: 'insecure',
    text: 'the server demands an encrypted connection',
    hint: 'Use an ldaps:// url.',
  },
  16: { name: 'noSuchAttribute', code: 'precondition-failed', text: 'the value is not there any more' },
  17: {
    name: 'undefinedAttributeType',
    code: 'value-refused',
    text: 'the schema does not know the attribute',
    hint: schemaHint,
  },
  18: { name: 'inappropriateMatching', code: 'value-refused', text: 'the attribute cannot be compared like this' },
  19: { name: 'constraintViolation', code: 'value-refused', text: 'the value breaks a rule of the server' },
  20: { name: 'attributeOrValueExists', code: 'precondition-failed', text: 'the value is there already' },
  21: {
    name: 'invalidAttributeSyntax',
    code: 'value-refused',
    text: 'the value has a form that the schema does not allow',
  },
  32: { name: 'noSuchObject', code: 'object-missing', text: 'the entry or its container does not exist' },
  34: { name: 'invalidDNSyntax', code: 'value-refused', text: 'the name is no DN that the server accepts' },
  48: {
    name: 'inappropriateAuthentication',
    code: 'platform-sign-in-refused',
    text: 'this entry cannot sign in with a password',
  },
  49: { name: 'invalidCredentials', code: 'platform-sign-in-refused', text: 'the DN or the password is wrong' },
  50: {
    name: 'insufficientAccessRights',
    code: 'no-rights',
    text: 'the account of Keyturn lacks the right',
    hint: 'The page of this connector lists the rights that it needs.',
  },
  51: { name: 'busy', code: 'platform-busy', text: 'the server is busy' },
  52: { name: 'unavailable', code: 'platform-busy', text: 'the server is starting or stopping' },
  53: { name: 'unwillingToPerform', code: 'cannot-manage', text: 'the server refuses on principle' },
  64: { name: 'namingViolation', code: 'value-refused', text: 'the schema forbids that name there', hint: schemaHint },
  65: {
    name: 'objectClassViolation',
    code: 'value-refused',
    text: 'the schema demands or forbids an attribute',
    hint: schemaHint,
  },
  66: { name: 'notAllowedOnNonLeaf', code: 'cannot-manage', text: 'the entry has entries below it' },
  67: { name: 'notAllowedOnRDN', code: 'value-refused', text: 'the attribute is part of the name of the entry' },
  68: { name: 'entryAlreadyExists', code: 'name-taken', text: 'an entry of that name exists already' },
  69: {
    name: 'objectClassModsProhibited',
    code: 'value-refused',
    text: 'the object class of an entry cannot be changed',
  },
  71: {
    name: 'affectsMultipleDSAs',
    code: 'cannot-manage',
    text: 'the move would cross into another server or database',
  },
  80: { name: 'other', code: 'unexpected', text: 'the server failed in a way of its own' },
  122: { name: 'assertionFailed', code: 'precondition-failed', text: 'the entry has changed meanwhile' },
}

export interface ErrorContext {
  readonly platform: string
  /** What was asked, such as `creating uid=ann,ou=people,dc=example`. Never holds a secret. */
  readonly doing: string
  /** Codes that mean something else here, such as 19 for a password. */
  readonly codes?: Readonly<Record<number, ErrorCode>>
  /** A sentence for this error in place of the table's (Active Directory's Win32 codes). */
  readonly text?: string
  readonly hint?: string
}

/** Turns what a directory operation threw into a KeyturnError that says what was asked, what was answered, and what next. */
export function directoryError(error: unknown, context: ErrorContext): KeyturnError {
  if (error instanceof KeyturnError) return error
  if (!(error instanceof LdapResultError)) {
    return new KeyturnError('unexpected', `${context.platform}: ${context.doing} failed: ${messageOf(error)}`, {
      cause: error,
    })
  }
  const meaning = resultTable[error.code]
  const code = context.codes?.[error.code] ?? meaning?.code ?? 'unexpected'
  const text = context.text ?? meaning?.text ?? 'the server gave a result that is not in the standard'
  const hint = context.hint ?? meaning?.hint
  const name = meaning === undefined ? '' : ` ${meaning.name}`
  const said = error.diagnostic === '' ? '' : `: "${error.diagnostic.replaceAll('\0', '').trim()}"`
  return new KeyturnError(
    code,
    `${context.platform}: ${context.doing} was refused: ${text} (LDAP ${error.code}${name}${said}).`,
    {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    },
  )
}

/** Node's codes for a certificate that cannot be trusted (its documentation, tls, "X509 certificate error codes"). */
const untrusted = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CERT_CHAIN_TOO_LONG',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Turns an error of the network or of TLS into a KeyturnError. `where` is `host:port`. */
export function networkError(error: unknown, where: string): KeyturnError {
  if (error instanceof KeyturnError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (untrusted.has(code)) {
    return new KeyturnError('platform-untrusted', `The certificate of ${where} is not trusted: ${messageOf(error)}.`, {
      cause: error,
      hint: 'Name the authority that signed it in `tls.ca`, and the name in it in `tls.servername`.',
    })
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return new KeyturnError('platform-untrusted', `${where} does not speak TLS as expected (${code}).`, {
      cause: error,
      hint: 'ldaps:// usually has port 636, ldap:// 389.',
    })
  }
  return new KeyturnError('platform-unreachable', `The connection to ${where} failed: ${code || messageOf(error)}.`, {
    cause: error,
    hint: 'Is the server running, is the port right, and does a firewall stand between?',
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
