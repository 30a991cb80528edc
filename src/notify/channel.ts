import { KeyturnError } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { Message } from './message.ts'

/** One way to people. */
export interface Channel {
  /** For the log: never with the secret part of an address. */
  readonly name: string
  /** Tries once. Throws KeyturnError; of the class `give-up` where another try is no use. */
  send(message: Message, signal: AbortSignal): Promise<void>
}

/** A try that failed; the receiver may have said when to come again. */
export class Undelivered extends KeyturnError {
  /** ms; 0 where nothing was said. */
  readonly after: number

  constructor(code: ErrorCode, message: string, { cause, after = 0 }: { cause?: unknown; after?: number } = {}) {
    super(code, message, { cause })
    this.after = after
  }
}
