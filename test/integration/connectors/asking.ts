// What a connector sends to a real server, and whether it asked in the very turn in which it sent it.
import { Connection } from '../../../src/connectors/directory/connection.ts'

const methods = ['add', 'modify', 'extended', 'rename', 'delete'] as const
type Send = (this: Connection, ...args: unknown[]) => Promise<unknown>

const sends = Connection.prototype as unknown as Record<(typeof methods)[number], Send>

interface Sent {
  /** `modify member`, say. */
  readonly what: string
  /** About whom the answer was yes in the turn in which it was sent; empty: nobody was asked about just before. */
  readonly asked: readonly string[]
}

/**
 * Notes every write from now on, right before it is handed to the socket. A yes counts until the next turn: with an `await`
 * between the question and the request, it is not in `asked`.
 */
export class Watch implements Disposable {
  readonly sent: Sent[] = []
  /** Is called when the server has answered a write, and keeps whoever has sent it waiting. */
  onAnswer: () => unknown = () => undefined
  /** May something be opened for that person? */
  answer: (identity: string) => boolean = () => true
  readonly #asked = new Set<string>()
  readonly #originals = methods.map((method) => [method, sends[method]] as const)

  constructor() {
    for (const [method, original] of this.#originals) {
      const note = (args: readonly unknown[]): void => this.#note(method, args)
      const answered = (): unknown => this.onAnswer()
      sends[method] = async function (...args) {
        note(args)
        try {
          return await original.apply(this, args)
        } finally {
          await answered()
        }
      }
    }
  }

  /** For an ApplyContext. */
  readonly mayOpen = (identity: string): boolean => {
    const may = this.answer(identity)
    if (may) {
      this.#asked.add(identity)
      queueMicrotask(() => this.#asked.delete(identity))
    }
    return may
  }

  /** Takes out what was sent so far: `modify member, asked for test:ann`. */
  story(): string[] {
    return this.sent.splice(0).map(({ what, asked }) => `${what}${asked.map((one) => `, asked for ${one}`).join('')}`)
  }

  [Symbol.dispose](): void {
    for (const [method, original] of this.#originals) sends[method] = original
  }

  #note(method: string, [, edits]: readonly unknown[]): void {
    const changes = (edits ?? []) as readonly { readonly modification: { readonly type: string } }[]
    const names = method === 'modify' ? changes.map(({ modification }) => modification.type) : []
    this.sent.push({ what: [method, ...new Set(names)].join(' '), asked: [...this.#asked] })
    this.#asked.clear()
  }
}
