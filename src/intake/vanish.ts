import type { Identity } from '../model/identity.ts'
import type { Instant } from '../model/instant.ts'
import type { SourceSettings } from '../model/settings.ts'
import type { ReadEnd } from '../model/snapshot.ts'

/** How a read ends that had everything. Only such a one can prove absence (law 1). */
export type CompleteEnd = Extract<ReadEnd, { complete: true }>

/**
 * Says that whoever was not seen in this read is not in the feed. Only `of` makes one, and only from a complete end, so
 * that nothing can vanish by mistake.
 */
export class AbsenceProof {
  readonly #takenAt: Instant

  private constructor(takenAt: Instant) {
    this.#takenAt = takenAt
  }

  /** Null where the feed lists only changes, and where a row's key cannot be read: that row may be anybody. */
  static of(end: CompleteEnd, content: SourceSettings['content'], hasUnreadableKeys: boolean): AbsenceProof | null {
    return content === 'full' && !hasUnreadableKeys ? new AbsenceProof(end.takenAt) : null
  }

  get takenAt(): Instant {
    return this.#takenAt
  }
}

/** Since when somebody who was not seen has been missing; unchanged where nothing proves it. */
export function vanishedSince(previous: Identity, proof: AbsenceProof | null): Instant | null {
  return previous.vanishedAt ?? proof?.takenAt ?? null
}

/**
 * What is to be done about a record that vanished at `vanishedAt`; null while nothing is. A suspension needs a complete
 * read that still lacks the record; once suspended, a read that proves nothing lifts nothing.
 */
export function overdue(
  vanishedAt: Instant,
  previous: Identity,
  { after, then }: SourceSettings['vanished'],
  now: Instant,
  proof: AbsenceProof | null,
): 'hold' | 'suspend' | null {
  if (then === 'keep' || now < vanishedAt + after) return null
  if (then === 'hold') return 'hold'
  const isSuspended = previous.state === 'suspended' && previous.status !== 'suspended'
  return proof !== null || isSuspended ? 'suspend' : null
}
