import type { IdentityId } from '../model/identity.ts'

/** Works on people without Redis, a few at a time; whoever is waiting or being worked on already is not taken twice. */
export interface Direct {
  offer(identities: readonly IdentityId[]): void
  /** Begins nothing more. */
  close(): void
}

/** @param run never throws */
export function openDirect(concurrency: number, run: (identity: IdentityId) => Promise<void>): Direct {
  const waiting = new Set<IdentityId>()
  const running = new Set<IdentityId>()

  const begin = () => {
    for (const identity of waiting) {
      if (running.size >= concurrency) return
      if (running.has(identity)) continue
      waiting.delete(identity)
      running.add(identity)
      void run(identity).finally(() => {
        running.delete(identity)
        begin()
      })
    }
  }
  return {
    offer(identities) {
      for (const identity of identities) waiting.add(identity)
      begin()
    },
    close() {
      waiting.clear()
    },
  }
}
