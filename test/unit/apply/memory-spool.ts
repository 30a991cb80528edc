import type { Spool } from '../../../src/apply/spool.ts'

type Entries = Parameters<Spool['note']>[0]

/** A spool without a disk, and all that was noted in it. */
export function memorySpool(): { readonly spool: Spool; readonly entries: readonly Entries[number][] } {
  const entries: Entries[number][] = []
  const spool: Spool = {
    note: async (some) => void entries.push(...some),
    unkept: 0,
    isLeft: async () => false,
    keepSpare: async () => undefined,
    drain: async () => null,
    clear: async () => true,
    [Symbol.asyncDispose]: async () => undefined,
  }
  return { spool, entries }
}
