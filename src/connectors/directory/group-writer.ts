import { Gate } from './flight.ts'
import { editMembers } from './members.ts'
import type { GroupPort, MemberEdit, MemberOutcome } from './members.ts'

interface Waiting {
  readonly edit: MemberEdit
  readonly resolve: (outcome: MemberOutcome) => void
}

/**
 * Collects the edits of one group while a modification of it is under way, also those of other calls, and sends them as
 * one. A group is changed by one modification at a time, so several chunks of people do not wait for each other's locks.
 */
export class GroupWriter {
  readonly #gate: Gate
  readonly #waiting = new Map<string, Waiting[]>()

  /** At most `limit` groups are written at a time; what comes for the others meanwhile joins their one modification. */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#gate = new Gate(limit)
  }

  /** `address` is one text per group; all who edit the same one give the same kind of port. */
  edit(address: string, port: GroupPort, edit: MemberEdit): Promise<MemberOutcome> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(address)
      if (waiting !== undefined) {
        waiting.push({ edit, resolve })
        return
      }
      this.#waiting.set(address, [{ edit, resolve }])
      // Not at once: the rest of the same call comes first.
      queueMicrotask(() => void this.#write(address, port))
    })
  }

  async #write(address: string, port: GroupPort): Promise<void> {
    while ((this.#waiting.get(address) ?? []).length > 0) await this.#gate.run(() => this.#writeOnce(address, port))
    this.#waiting.delete(address)
  }

  async #writeOnce(address: string, port: GroupPort): Promise<void> {
    const batch = this.#waiting.get(address) ?? []
    this.#waiting.set(address, [])
    const edits = [...Map.groupBy(batch, ({ edit }) => keyOf(edit)).values()].flatMap(joined)
    const outcomes = await editMembers(port, edits)
    const byKey = new Map(edits.map((edit, index) => [keyOf(edit), outcomes[index]]))
    for (const { edit, resolve } of batch) resolve(byKey.get(keyOf(edit)) ?? { error: new Error('no outcome') })
  }
}

/** What several want is sent once, as long as one of them may send it: a newer claim does not suffer from an older one. */
function joined(wanted: readonly Waiting[]): MemberEdit[] {
  const [first, ...others] = wanted.map(({ edit }) => edit)
  if (first === undefined || others.length === 0) return first === undefined ? [] : [first]
  return [{ ...first, mayGo: () => [first, ...others].some(({ mayGo }) => mayGo?.() !== false) }]
}

function keyOf({ operation, value }: MemberEdit): string {
  return `${operation} ${value}`
}
