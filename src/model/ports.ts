import type { SourceRecord } from './identity.ts'
import type { SecretReference } from './settings.ts'
import type { ReadEnd } from './snapshot.ts'

/** Reads one feed as a stream; never events. Ends with whether it was whole; throws nothing for a bad feed. */
export interface Source {
  readonly id: string
  /** `arrival`: how the feed came to be as it is, where somebody saw it; what was renamed into place is read without waiting. */
  read(signal: AbortSignal, arrival?: Arrival): AsyncGenerator<readonly SourceRecord[], ReadEnd>
}

/** How a file came to be as it is: another was renamed over its path, or it was written in place. */
export type Arrival = 'renamed' | 'written'

/** Resolves `env:NAME` and `file:PATH` at the moment of use. Throws KeyturnError `secret-unavailable`, which names the reference only. */
export interface Secrets {
  resolve(reference: SecretReference): Promise<string>
}

/** Structured log: a constant message and fields. `change` is for "something was changed". Personal data is limited to ids. */
export interface Logger {
  debug(message: string, fields?: object): void
  info(message: string, fields?: object): void
  change(message: string, fields?: object): void
  warn(message: string, fields?: object): void
  error(message: string, fields?: object): void
}
