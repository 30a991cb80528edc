import type { DaemonSettings } from '../../model/settings.ts'

type Address = NonNullable<DaemonSettings['listen']>

/** A server that can go to another address. */
export interface Listening extends AsyncDisposable {
  /**
   * Opens the new address before the old one is closed; null: there shall be none. Throws where it cannot be opened; then the
   * old one answers on.
   */
  move(to: Address | null): Promise<Move>
}

/** Both addresses answer until one of the two is called; not so where one of them includes the other. */
export interface Move {
  /** Closes the old address. */
  finish(): Promise<void>
  /** Closes the new address; the old one answers on. Throws where it had to be closed, and somebody else has it now. */
  undo(): Promise<void>
}

/** Opens nothing yet. `open` throws where the address cannot be had. */
export function openListening(open: (address: Address) => Promise<AsyncDisposable>): Listening {
  let door: Door | null = null
  return {
    async move(to) {
      const old = door
      if (isSame(old?.address ?? null, to)) {
        await old?.open()
        return { finish: nothing, undo: nothing }
      }
      const next = to === null ? null : new Door(to, open)
      if (next !== null) await openBeside(next, old)
      door = next
      return {
        finish: async () => old?.close(),
        async undo() {
          await next?.close()
          door = old
          await old?.open()
        },
      }
    },
    [Symbol.asyncDispose]: async () => door?.close(),
  }
}

class Door {
  readonly address: Address
  readonly #open: (address: Address) => Promise<AsyncDisposable>
  #server: AsyncDisposable | null = null

  constructor(address: Address, open: (address: Address) => Promise<AsyncDisposable>) {
    this.address = address
    this.#open = open
  }

  async open(): Promise<void> {
    this.#server ??= await this.#open(this.address)
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = null
    await server?.[Symbol.asyncDispose]()
  }
}

async function openBeside(next: Door, old: Door | null): Promise<void> {
  try {
    await next.open()
  } catch (error) {
    if (old?.address.port !== next.address.port) throw error
    // 0.0.0.0 includes 127.0.0.1: with the same port it can only be opened after that was closed.
    await old.close()
    await next.open().catch(async (again: unknown) => {
      // Should that fail, too, the next reload tries once more; what is told is why the new one cannot be had.
      await old.open().catch(() => undefined)
      throw again
    })
  }
}

function isSame(one: Address | null, other: Address | null): boolean {
  return one?.host === other?.host && one?.port === other?.port
}

async function nothing(): Promise<void> {
  // The address is the one in use already.
}
