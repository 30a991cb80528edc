/**
 * What to do with an error, decided by its code and never by its text:
 * `retry` later, `give-up` on this item only, `stop` the command.
 */
export type ErrorClass = 'retry' | 'give-up' | 'stop'

/** Every stable error code and its class. Add here; never reuse a code with another meaning. */
export const errorClasses = {
  'config-invalid': 'stop',
  usage: 'stop',
  'secret-unavailable': 'stop',
  'ledger-unavailable': 'stop',
  'ledger-busy': 'retry',
  'plan-changed': 'stop',
  stopped: 'stop',
  'not-found': 'stop',
  'redis-unavailable': 'stop',
  /** Another read of the same source was accepted meanwhile: read again. */
  'read-overtaken': 'retry',
  'rate-limited': 'stop',
  /** The address of the HTTP server is taken or not ours. */
  'cannot-listen': 'stop',
  'source-unreadable': 'retry',
  'source-incomplete': 'retry',
  'platform-unreachable': 'retry',
  'platform-busy': 'retry',
  'platform-untrusted': 'stop',
  'platform-sign-in-refused': 'stop',
  'platform-read-incomplete': 'retry',
  'no-rights': 'give-up',
  'cannot-manage': 'give-up',
  'value-refused': 'give-up',
  'name-taken': 'give-up',
  'password-refused': 'give-up',
  'object-missing': 'give-up',
  'expression-failed': 'give-up',
  'precondition-failed': 'retry',
  'reference-waits': 'retry',
  insecure: 'give-up',
  'not-proven': 'retry',
  'not-read-back': 'retry',
  'claim-lost': 'retry',
  'delivery-failed': 'retry',
  unexpected: 'retry',
} as const satisfies Record<string, ErrorClass>

export type ErrorCode = keyof typeof errorClasses

/** The one error class that crosses folders. The message says what was given, what is allowed, and where; never a secret. */
export class KeyturnError extends Error {
  override readonly name = 'KeyturnError'
  readonly code: ErrorCode
  /** What the reader should do next. */
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }

  get class(): ErrorClass {
    return errorClasses[this.code]
  }
}

/** An error as it is stored and printed: no stack, no cause chain. */
export interface ErrorSummary {
  readonly code: ErrorCode
  readonly message: string
}

export function summarise(error: unknown): ErrorSummary {
  if (error instanceof KeyturnError) return { code: error.code, message: error.message }
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error) }
}

/** What says that a platform as a whole cannot be worked with: changes there wait, and are due when it is back. */
const platformDown: ReadonlySet<ErrorCode> = new Set([
  'platform-unreachable',
  'platform-busy',
  'platform-untrusted',
  'platform-sign-in-refused',
  'platform-read-incomplete',
  'secret-unavailable',
] satisfies ErrorCode[])

export function isPlatformDown(code: ErrorCode): boolean {
  return platformDown.has(code)
}
